"""Engines that take and give host memory and return when they are done: ncnn's Python module has nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable

from bench import ncnn_net
from bench.arrays import Arrays
from bench.results import NotOffered

from .cases import Case
from .settings import Settings


class HostEngine:
    def __init__(self, run: Callable[[], Arrays]) -> None:
        self._run = run
        self._outputs: Arrays = {}

    def start(self) -> None:
        self._outputs = self._run()

    def wait(self) -> None:
        """Nothing is under way."""

    def outputs(self) -> Arrays:
        return self._outputs


def ncnn_vulkan(case: Case, settings: Settings) -> HostEngine:
    if case.quantized:
        raise NotOffered("pnnx translates no Q/DQ")
    threads = len(os.sched_getaffinity(0))
    options = ncnn_net.Options(threads, vulkan=True, device=settings.device, half=case.precision == "fp16")
    return HostEngine(ncnn_net.load(case.model, case.inputs(), case.expected(), options))


def onnxruntime_cpu(case: Case, settings: Settings) -> HostEngine:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; older models give a warning for each weight
    session = onnxruntime.InferenceSession(str(case.model), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    inputs = case.inputs()
    return HostEngine(lambda: dict(zip(names, session.run(names, inputs), strict=True)))
