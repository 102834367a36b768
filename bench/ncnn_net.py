"""ncnn: pnnx's translation of an ONNX file, and a call that runs it once, from host memory to host memory."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import Arrays
from .files import is_made
from .results import NotOffered

KINDS = {"float32": "f32", "float16": "f16", "int64": "i64", "int32": "i32", "uint8": "u8"}  # in pnnx's words


@dataclass(frozen=True)
class Options:
    threads: int
    vulkan: bool = False
    device: str | None = None  # name of the Vulkan device; the one that ncnn takes if none is given
    half: bool = False  # ncnn's default: float16 wherever the device has it


def load(model: Path, inputs: Arrays, expected: Arrays, options: Options) -> Callable[[], Arrays]:
    """Raises ModuleNotFoundError, NotOffered or RuntimeError."""
    import ncnn

    if any(array.shape[:1] != (1,) for array in inputs.values()):
        raise NotOffered("ncnn takes one row at a time")
    net = ncnn.Net()
    net.opt.num_threads = options.threads
    net.opt.use_vulkan_compute = options.vulkan
    if options.vulkan:
        net.set_vulkan_device(_device_index(ncnn, options.device))
    for half in ("packed", "storage", "arithmetic"):
        setattr(net.opt, f"use_fp16_{half}", options.half)
    parameters, weights = convert(model, inputs)
    if net.load_param(str(parameters)) or net.load_model(str(weights)):
        raise RuntimeError("ncnn refused what pnnx made")
    mats = [ncnn.Mat(np.ascontiguousarray(array[0])).clone() for array in inputs.values()]

    def run() -> Arrays:
        extractor = net.create_extractor()
        for index, mat in enumerate(mats):
            extractor.input(f"in{index}", mat)
        outputs = {}
        for index, (name, shaped) in enumerate(expected.items()):
            code, mat = extractor.extract(f"out{index}")
            if code:
                raise RuntimeError(f"ncnn could not compute out{index}: code {code}")
            outputs[name] = np.array(mat).reshape(shaped.shape)
        return outputs

    return run


def _device_index(ncnn: Any, name: str | None) -> int:
    names = [ncnn.get_gpu_info(index).device_name() for index in range(ncnn.get_gpu_count())]
    if not names:
        raise NotOffered("ncnn finds no Vulkan device")
    if name is None:
        return int(ncnn.get_default_gpu_index())
    if name not in names:
        raise NotOffered(f"ncnn finds no Vulkan device {name}: it has {', '.join(names)}")
    return names.index(name)


def convert(model: Path, inputs: Arrays) -> tuple[Path, Path]:
    """pnnx's translation, kept beside the model."""
    import pnnx

    parameters, weights = (model.with_suffix(f".ncnn.{suffix}") for suffix in ("param", "bin"))
    if not is_made(weights, model):
        shapes = [f"[{','.join(map(str, array.shape))}]{KINDS[str(array.dtype)]}" for array in inputs.values()]
        program = Path(pnnx.__file__).parent / "pnnx"
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "model.onnx"
            local.symlink_to(model.resolve())
            command = [str(program), str(local), "inputshape=" + ",".join(shapes), "fp16=0"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
            made = local.with_suffix(".ncnn.param"), local.with_suffix(".ncnn.bin")
            if done.returncode or not made[1].is_file():
                raise RuntimeError(f"pnnx could not translate it (exit status {done.returncode})")
            parameters.write_bytes(made[0].read_bytes())
            weights.write_bytes(made[1].read_bytes())
    return parameters, weights
