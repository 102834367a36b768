"""The other engines, each behind one function: a case and a number of threads give a call that runs one inference.

What a peer needs is imported by its own function: one that is not installed raises ModuleNotFoundError.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.arrays import Arrays
from bench.results import NotOffered

from .cases import Case

Run = Callable[[], Arrays]


def onnxruntime(case: Case, threads: int) -> Run:
    """As people get it: all graph optimisations, threads that spin while they wait."""
    import onnxruntime as ort

    settings = ort.SessionOptions()
    settings.log_severity_level = 3  # errors; older models give a warning for each weight
    settings.intra_op_num_threads = threads
    session = ort.InferenceSession(str(case.model), settings, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda: dict(zip(names, session.run(names, case.inputs), strict=True))


def openvino(case: Case, threads: int, settings: dict[str, str]) -> Run:
    import openvino as ov

    core = ov.Core()
    compiled = core.compile_model(
        str(case.model), "CPU", {"INFERENCE_NUM_THREADS": str(threads), "PERFORMANCE_HINT": "LATENCY", **settings}
    )
    request = compiled.create_infer_request()
    outputs = {port: name for port in compiled.outputs for name in port.get_names() if name in case.outputs}

    def run() -> Arrays:
        result = request.infer(case.inputs, share_inputs=True, share_outputs=True)
        return {name: result[port] for port, name in outputs.items()}

    return run


def openvino_fp32(case: Case, threads: int) -> Run:
    return openvino(case, threads, {"INFERENCE_PRECISION_HINT": "f32"})


def openvino_default(case: Case, threads: int) -> Run:
    """In bfloat16 where the processor has it."""
    return openvino(case, threads, {})


def torch(case: Case, threads: int) -> Run:
    """The module itself, eager. Only the exported networks are modules."""
    import torch as pytorch

    from bench.exported.networks import NETWORKS, seeded

    if case.network not in NETWORKS:
        raise NotOffered("there is no torch module of it")
    pytorch.set_num_threads(threads)
    module = seeded(case.network).to(memory_format=pytorch.channels_last)
    inputs = [pytorch.from_numpy(case.inputs[name]) for name in NETWORKS[case.network].input_names]

    def run() -> Arrays:
        with pytorch.inference_mode():
            return {"output": module(*inputs).numpy()}

    return run


def ncnn_cpu(case: Case, threads: int) -> Run:
    return _ncnn(case, threads, vulkan=False)


def ncnn_vulkan(case: Case, threads: int) -> Run:
    """On the first Vulkan device, in fp32 like our shaders."""
    return _ncnn(case, threads, vulkan=True)


def _ncnn(case: Case, threads: int, vulkan: bool) -> Run:
    import ncnn

    if any(array.shape[:1] != (1,) for array in case.inputs.values()):
        raise NotOffered("ncnn takes one row at a time")
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = vulkan
    for half in ("packed", "storage", "arithmetic"):
        setattr(net.opt, f"use_fp16_{half}", False)
    parameters, weights = convert_for_ncnn(case)
    if net.load_param(str(parameters)) or net.load_model(str(weights)):
        raise RuntimeError("ncnn refused what pnnx made")
    mats = [ncnn.Mat(np.ascontiguousarray(array[0])) for array in case.inputs.values()]

    def run() -> Arrays:
        extractor = net.create_extractor()
        for index, mat in enumerate(mats):
            extractor.input(f"in{index}", mat)
        outputs = {}
        for index, (name, expected) in enumerate(case.outputs.items()):
            code, mat = extractor.extract(f"out{index}")
            if code:
                raise RuntimeError(f"ncnn could not compute out{index}: code {code}")
            outputs[name] = np.array(mat).reshape(expected.shape)
        return outputs

    return run


def convert_for_ncnn(case: Case) -> tuple[Path, Path]:
    """pnnx's translation, kept beside the model."""
    import subprocess

    import pnnx

    parameters, weights = (case.model.with_suffix(f".ncnn.{suffix}") for suffix in ("param", "bin"))
    if not case.is_made(weights):
        kinds = {"float32": "f32", "float16": "f16", "int64": "i64", "int32": "i32", "uint8": "u8"}
        shapes = [f"[{','.join(map(str, array.shape))}]{kinds[str(array.dtype)]}" for array in case.inputs.values()]
        program = Path(pnnx.__file__).parent / "pnnx"
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "model.onnx"
            local.symlink_to(case.model.resolve())
            command = [str(program), str(local), "inputshape=" + ",".join(shapes), "fp16=0"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
            made = local.with_suffix(".ncnn.param"), local.with_suffix(".ncnn.bin")
            if done.returncode or not made[1].is_file():
                raise RuntimeError(f"pnnx could not translate it (exit status {done.returncode})")
            parameters.write_bytes(made[0].read_bytes())
            weights.write_bytes(made[1].read_bytes())
    return parameters, weights
