"""The other engines, each behind one function: a case and a number of threads give a call that runs one inference.

What a peer needs is imported by its own function: one that is not installed raises ModuleNotFoundError.
"""

from __future__ import annotations

from collections.abc import Callable

from bench import ncnn_net
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
    return ncnn_net.load(case.model, case.inputs, case.outputs, ncnn_net.Options(threads))


def ncnn_vulkan(case: Case, threads: int) -> Run:
    """On the first Vulkan device, in fp32 like our shaders."""
    options = ncnn_net.Options(threads, vulkan=True)
    return ncnn_net.load(case.model, case.inputs, case.outputs, options)
