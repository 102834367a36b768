"""Modules as ONNX files, by tracing. Needs torch alone."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .networks import Network

OPSET = 17


def trace(path: Path, network: Network, module: nn.Module, inputs: tuple[Tensor, ...], **options: Any) -> None:
    """One output, `output`. `options`: what else torch.onnx.export is told."""
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # tracing is deprecated, and warns of each shape that it takes for a constant
        torch.onnx.export(
            module,
            inputs,
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(network.input_names),
            output_names=["output"],
            **options,
        )
