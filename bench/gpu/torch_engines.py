"""PyTorch as people run it: eager, as a CUDA graph, and compiled as a CUDA graph. Pictures have their channels last."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from bench.arrays import Arrays
from bench.exported.networks import NETWORKS, seeded
from bench.results import NotOffered

from .cases import Case
from .settings import Settings

WARM_UP_RUNS = 5


class Engine:
    def __init__(self, case: Case, compiled: bool, graph: bool) -> None:
        if case.network not in NETWORKS or case.file is not None:
            raise NotOffered("there is no torch module of it")
        if case.quantized:
            raise NotOffered("PyTorch has no int8 convolutions on a GPU")
        if not torch.cuda.is_available():
            raise NotOffered("torch finds no CUDA device")
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = True
        module, inputs = self._on_the_gpu(case)
        self._inputs = inputs  # a recorded graph reads their memory, and keeps nothing alive
        call: Callable[..., torch.Tensor] = torch.compile(module) if compiled else module
        self._run: Callable[[], object] = lambda: self._keep(call(*inputs))
        with torch.inference_mode():
            side = torch.cuda.Stream()
            with torch.cuda.stream(side):
                for _ in range(WARM_UP_RUNS):
                    self._run()
            torch.cuda.synchronize()
            if graph:
                recorded = torch.cuda.CUDAGraph()
                with torch.cuda.graph(recorded):
                    self._run()
                self._run = recorded.replay

    def start(self) -> None:
        with torch.inference_mode():
            self._run()

    def wait(self) -> None:
        torch.cuda.synchronize()

    def outputs(self) -> Arrays:
        return {"output": self._output.float().cpu().numpy()}

    def _keep(self, output: torch.Tensor) -> None:
        self._output = output

    @staticmethod
    def _on_the_gpu(case: Case) -> tuple[torch.nn.Module, list[torch.Tensor]]:
        stored = case.inputs()
        inputs = [torch.from_numpy(np.array(stored[name])).cuda() for name in NETWORKS[case.network].input_names]
        module = seeded(case.network).cuda()
        if case.precision == "fp16":
            module = module.half()
            inputs = [tensor.half() if tensor.is_floating_point() else tensor for tensor in inputs]
        if inputs[0].dim() == 4:
            module = module.to(memory_format=torch.channels_last)
            inputs = [tensor.to(memory_format=torch.channels_last) for tensor in inputs]
        return module, inputs


def eager(case: Case, settings: Settings) -> Engine:
    return Engine(case, compiled=False, graph=False)


def cuda_graph(case: Case, settings: Settings) -> Engine:
    return Engine(case, compiled=False, graph=True)


def compiled_graph(case: Case, settings: Settings) -> Engine:
    return Engine(case, compiled=True, graph=True)
