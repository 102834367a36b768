"""Writes the networks' ONNX files with inputs and torch's outputs: `python -m bench.exported FOLDER`.

Each becomes a folder like those of the reference models: `<name>/model.onnx` and `test_data_set_<k>/*.pb`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

try:
    import torch
except ModuleNotFoundError:
    sys.exit("python -m bench.exported needs PyTorch: pip install 'tensorvk[bench]'")
import onnx
from onnx import numpy_helper
from torch import nn

from .networks import NETWORKS, Network, seeded
from .trace import trace

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.exported", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=REPOSITORY / "build" / "exported")
    parser.add_argument("--only", nargs="+", choices=list(NETWORKS), default=list(NETWORKS), metavar="NAME")
    options = parser.parse_args()
    for name in options.only:
        write(options.folder / name, name)
        print(f"{options.folder / name}: {(options.folder / name / 'model.onnx').stat().st_size / 1e6:.0f} MB")
    return 0


def write(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    network, module = NETWORKS[name], seeded(name)
    export(folder / "model.onnx", network, module)
    for index, batch in enumerate(network.batches):
        inputs = network.inputs(batch, torch.Generator().manual_seed(100 + index))
        with torch.no_grad():
            output = module(*inputs)
        data_set = folder / f"test_data_set_{index}"
        data_set.mkdir(exist_ok=True)
        for position, (input_name, tensor) in enumerate(zip(network.input_names, inputs, strict=True)):
            _save(data_set / f"input_{position}.pb", input_name, tensor)
        _save(data_set / "output_0.pb", "output", output)


def export(path: Path, network: Network, module: nn.Module) -> None:
    """The batch stays open."""
    names = [*network.input_names, "output"]
    inputs = network.inputs(2, torch.Generator().manual_seed(1))
    trace(path, network, module, inputs, dynamic_axes={name: {0: "batch"} for name in names})
    onnx.checker.check_model(str(path))


def _save(path: Path, name: str, tensor: torch.Tensor) -> None:
    path.write_bytes(numpy_helper.from_array(tensor.numpy(), name).SerializeToString())


if __name__ == "__main__":
    sys.exit(main())
