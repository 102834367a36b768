"""IREE over Vulkan: the ONNX file compiled for the device's architecture, tensors in device memory, inferences in one
order on a timeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.arrays import Arrays
from bench.files import is_made
from bench.results import NotOffered

from . import half
from .cases import Case
from .settings import Settings

# What IREE may compile for, by a word of the device's name, best first: it cannot compile everything for everything.
TARGETS = {
    "nvidia": ("ampere", "pascal"),  # the newest that has all that later ones have; one without cooperative matrices
    "radeon": ("rdna3", "rdna1"),
    "amd": ("rdna3", "rdna1"),
    "mali": ("valhall4",),
    "adreno": ("adreno",),
}
ANY = "any"  # its smallest common ground, the last for every device
LONGEST_ERROR = 160  # the rest is the whole operation with its types


class Engine:
    def __init__(self, case: Case, settings: Settings) -> None:
        import iree.runtime as rt

        self._rt = rt
        device_id, name = _choose(rt, settings.device)
        program = compiled(case, name)
        self._device = rt.get_driver("vulkan").create_device(device_id)
        self._context = rt.SystemContext(config=rt.Config(device=self._device))
        module = rt.VmModule.mmap(self._context.instance, str(program))
        self._context.add_vm_module(module)
        asynchronous = [function for function in module.function_names if function.endswith("$async")]
        self._function = module.lookup_function(asynchronous[0])
        self._inputs = [self._upload(array) for array in half.inputs_of(case).values()]
        self._names = list(case.expected())
        self._timeline = self._device.create_semaphore(0)
        self._now = 0  # on the timeline, when all that was started is done
        self._results: Any = None

    def start(self) -> None:
        arguments = self._rt.VmVariantList(len(self._inputs) + 2)
        for view in self._inputs:
            arguments.push_ref(view)
        for time in (self._now, self._now + 1):
            arguments.push_ref(self._rt.HalFence.create_at(self._timeline, time))
        self._results = self._rt.VmVariantList(len(self._names))
        self._context.vm_context.invoke(self._function, arguments, self._results)
        self._now += 1

    def wait(self) -> None:
        self._rt.HalFence.create_at(self._timeline, self._now).wait()

    def outputs(self) -> Arrays:
        self.wait()
        views = (self._results.get_as_object(i, self._rt.HalBufferView) for i in range(len(self._names)))
        return dict(zip(self._names, map(self._download, views), strict=True))

    def _upload(self, array: npt.NDArray[np.generic]) -> Any:
        rt = self._rt
        return self._device.allocator.allocate_buffer_copy(
            memory_type=rt.MemoryType.DEVICE_LOCAL,
            allowed_usage=rt.BufferUsage.DEFAULT,
            device=self._device,
            buffer=np.ascontiguousarray(array),
            element_type=rt.array_interop.map_dtype_to_element_type(array.dtype),
        )

    def _download(self, view: Any) -> npt.NDArray[np.generic]:
        """By a buffer of the host's: DeviceArray.to_host() fails where the driver imports host memory by the page."""
        rt, source = self._rt, view.get_buffer()
        target = self._device.allocator.allocate_buffer(
            memory_type=int(rt.MemoryType.HOST_LOCAL | rt.MemoryType.DEVICE_VISIBLE),
            allowed_usage=int(rt.BufferUsage.TRANSFER_TARGET | rt.BufferUsage.MAPPING_SCOPED),
            allocation_size=source.byte_length(),
        )
        before, after = (rt.HalFence.create_at(self._timeline, self._now + step) for step in (0, 1))
        self._device.queue_copy(source, target, wait_semaphores=before, signal_semaphores=after)
        self._now += 1
        after.wait()
        dtype = rt.HalElementType.map_to_dtype(view.element_type)
        return np.array(target.map().asarray(view.shape, dtype))


def _choose(rt: Any, wanted: str | None) -> tuple[int, str]:
    """The device's id and name. IREE puts the driver's name behind the device's."""
    devices = rt.get_driver("vulkan").query_available_devices()
    found = [device for device in devices if wanted is None or device["name"].startswith(wanted)]
    if not found:
        names = ", ".join(device["name"] for device in devices) or "none"
        raise NotOffered(f"IREE finds no Vulkan device {wanted or ''}: it has {names}")
    return found[0]["device_id"], found[0]["name"]


def compiled(case: Case, device_name: str) -> Path:
    """For the first target that works, kept beside the model. Raises RuntimeError with the first target's reason."""
    targets = next((several for word, several in TARGETS.items() if word in device_name.lower()), ())
    programs = {target: case.made(f".{case.precision}.{target}.vmfb") for target in (*targets, ANY)}
    for program in programs.values():
        if is_made(program, case.model):
            return program
    reasons = []
    for target, program in programs.items():
        try:
            _compile(half.model_of(case), program, target)
            return program
        except RuntimeError as reason:
            reasons.append(f"for {target}: {reason}")
    raise RuntimeError(reasons[0])


def _compile(model: Path, program: Path, target: str) -> None:
    """Raises RuntimeError with the compiler's first error."""
    from iree.compiler.tools import CompilerToolError, compile_file
    from iree.compiler.tools.import_onnx import __main__ as importer

    imported = program.with_suffix(".mlir")
    importer.main(importer.parse_arguments([str(model), "-o", str(imported)]))
    flags = ["--iree-hal-target-device=vulkan"]
    if target != ANY:
        flags.append(f"--iree-vulkan-target={target}")
    try:
        compile_file(str(imported), input_type="onnx", output_file=str(program), extra_args=flags)
    except CompilerToolError as failure:
        errors = [line.partition("error: ")[2] for line in str(failure).splitlines() if "error: " in line]
        raise RuntimeError(errors[0][:LONGEST_ERROR] if errors else "iree-compile failed") from failure
    finally:
        imported.unlink(missing_ok=True)
