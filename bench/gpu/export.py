"""Writes ONNX files, inputs and float32 outputs: `python -m bench.gpu.export FOLDER NETWORK:TYPE:BATCH...`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from bench.exported.networks import NETWORKS, seeded
from bench.exported.quantized import quantized
from bench.exported.trace import trace

from .cases import Case


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for text in sys.argv[2:]:
        case = Case.parse(text, folder)
        write(case)
        print(f"{case.model}: {case.model.stat().st_size / 1e6:.0f} MB", file=sys.stderr)


def write(case: Case) -> None:
    """The arrays last: they say that the model is complete."""
    network, module = NETWORKS[case.network], seeded(case.network)
    inputs = network.inputs(case.batch, torch.Generator().manual_seed(100))
    if case.quantized:
        module = quantized(module, inputs)
    trace(case.model, network, module, inputs)
    with torch.inference_mode():
        output = module(*inputs)
    named = {name: tensor.numpy() for name, tensor in zip(network.input_names, inputs, strict=True)}
    case.save(named, {"output": output.numpy()})


if __name__ == "__main__":
    main()
