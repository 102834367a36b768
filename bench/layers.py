"""What each layer of an engine has to do: operations and bytes, from the inspector's description."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "uint8": 1, "bool": 1, "int32": 4, "int64": 8}


@dataclass(frozen=True)
class Layer:
    name: str
    tactic: str
    flops: int  # of products and convolutions, an addition and a multiplication counted as two; 0 for other layers
    bytes: int  # of all tensors that it reads and writes, each once


def layers_of(engine: dict[str, Any]) -> list[Layer]:
    """From EngineInspector's JSON of an engine with fixed shapes, built with detailed profiling verbosity."""
    return [Layer(layer["Name"], layer["TacticName"], operations(layer), traffic(layer)) for layer in engine["Layers"]]


def operations(layer: dict[str, Any]) -> int:
    inputs = [tensor["Dimensions"] for tensor in layer["Inputs"]]
    output = layer["Outputs"][0]["Dimensions"] if layer["Outputs"] else []
    if layer["LayerType"] == "Convolution":
        data, kernel = inputs[:2]
        # A transposed convolution multiplies each input with a kernel, where the other makes each output of one.
        transposed = math.prod(output[2:]) > math.prod(data[2:])
        return int(2 * math.prod(data if transposed else output) * math.prod(kernel[1:]))
    if layer["LayerType"] == "MatrixMultiply":
        first = inputs[0]
        is_transposed = len(first) > 1 and len(output) > 1 and first[-2] != output[-2]
        return int(2 * math.prod(output) * (first[-2] if is_transposed else first[-1]))
    return 0


def traffic(layer: dict[str, Any]) -> int:
    return sum(
        math.prod(tensor["Dimensions"]) * BYTES.get(tensor["Format/Datatype"].rpartition(" ")[2], 4)
        for tensor in layer["Inputs"] + layer["Outputs"]
    )
