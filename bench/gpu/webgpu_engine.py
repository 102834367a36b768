"""ONNX Runtime's WebGPU plug-in, which is Dawn over Vulkan: tensors are bound in the device's memory."""

from __future__ import annotations

import os

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
        self._names = [output.name for output in self._session.get_outputs()]
        self._binding = self._session.io_binding()
        self._inputs = []  # a binding keeps nothing alive
        for name, array in half.inputs_of(case).items():
            value = self._session.create_ortvalue_from_shape_and_type(array.shape, array.dtype, DEVICE)
            value.update_inplace(array)
            self._binding.bind_ortvalue_input(name, value)
            self._inputs.append(value)
        for name in self._names:
            self._binding.bind_output(name, DEVICE)

    def start(self) -> None:
        self._session.run_with_iobinding(self._binding)

    def wait(self) -> None:
        """The one sure way to wait from Python."""
        self._binding.copy_outputs_to_cpu()

    def outputs(self) -> Arrays:
        return dict(zip(self._names, self._binding.copy_outputs_to_cpu(), strict=True))
