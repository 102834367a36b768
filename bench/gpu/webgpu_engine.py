"""ONNX Runtime's WebGPU plug-in, which is Dawn over Vulkan: tensors are bound in the device's memory."""

from __future__ import annotations

import os
from typing import Any

from bench.arrays import Arrays
from bench.results import NotOffered

from . import half
from .cases import Case
from .settings import Settings

# ONNX Runtime looks for GPUs where a virtual machine may show none; the plug-in then finds the device all the same.
os.environ.setdefault("ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER", "1")
DEVICE = "webgpu"


class Engine:
    def __init__(self, case: Case, settings: Settings) -> None:
        import onnxruntime
        import onnxruntime_ep_webgpu as plugin

        onnxruntime.set_default_logger_severity(3)  # errors
        onnxruntime.register_execution_provider_library(DEVICE, plugin.get_library_path())
        devices = [device for device in onnxruntime.get_ep_devices() if device.ep_name == plugin.get_ep_name()]
        if not devices:
            raise NotOffered("ONNX Runtime's WebGPU plug-in finds no device")
        options = onnxruntime.SessionOptions()
        options.add_provider_for_devices(devices[:1], {})
        self._session = onnxruntime.InferenceSession(str(half.model_of(case)), options)
        if plugin.get_ep_name() not in self._session.get_providers():
            raise NotOffered("ONNX Runtime left the model to its CPU provider")
        self._binding = self._session.io_binding()
        self._values: list[Any] = []  # a binding keeps nothing alive
        for name, array in half.inputs_of(case).items():
            value = self._on_the_device(array.shape, array.dtype)
            value.update_inplace(array)
            self._binding.bind_ortvalue_input(name, value)
        expected = case.expected()
        for name, array in expected.items():
            value = self._on_the_device(array.shape, half.type_of(case, array.dtype))
            self._binding.bind_ortvalue_output(name, value)
        self._names = list(expected)

    def start(self) -> None:
        self._session.run_with_iobinding(self._binding)

    def wait(self) -> None:
        """The one sure way to wait from Python."""
        self._binding.copy_outputs_to_cpu()

    def outputs(self) -> Arrays:
        return dict(zip(self._names, self._binding.copy_outputs_to_cpu(), strict=True))

    def _on_the_device(self, shape: tuple[int, ...], dtype: Any) -> Any:
        self._values.append(self._session.create_ortvalue_from_shape_and_type(shape, dtype, DEVICE))
        return self._values[-1]
