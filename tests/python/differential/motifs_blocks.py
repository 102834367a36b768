"""Products with weights of 4 and 8 bits, one scale for each block of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper

from .draw import Array, Call, Draw, Redraw, Value, extent
from .graphs import Graph
from .readers import WIDTHS, floating, read

_RANGES = {"INT4": (-8, 8), "UINT4": (0, 16), "INT8": (-128, 128), "UINT8": (0, 256)}


def block_weights(d: Draw, shape: tuple[int, int], axis: int, block: int, dtype: Any) -> list[Array]:
    """Numbers, scales, perhaps zero points of DequantizeLinear."""
    kind = d.pick(list(_RANGES))
    element, (low, high) = helper.tensor_dtype_to_np_dtype(getattr(TensorProto, kind)), _RANGES[kind]
    blocks = tuple(-(-n // block) if i == axis else n for i, n in enumerate(shape))

    def integers(of: tuple[int, ...]) -> Array:
        return np.asarray(d.rng.integers(low, high, of)).astype(np.int32).astype(element)

    scales = (d.rng.uniform(0.5, 1, blocks) * 3 / (high - low) / np.sqrt(shape[axis])).astype(dtype)
    return [integers(shape), scales, *([integers(blocks)] if d.chance(0.5) else [])]


def blocks(graph: Graph) -> None:
    """Weights of 4 and 8 bits, in either order, behind DequantizeLinear or in a MatMulNBits."""
    d = graph.draw
    x = floating(graph, (2, 4))
    depth, columns = extent(x.dims[-1]), d.pick(WIDTHS)
    block = d.pick([16, 16, 32, depth, 5])
    if d.chance(0.3):
        y = n_bits(graph, x, depth, columns)
    elif d.opset < 21:
        raise Redraw
    else:
        axis = d.integer(0, 1)
        shape = (depth, columns) if axis == 0 else (columns, depth)
        constants = [
            Value(graph.name("c"), (array,) * 2, True) for array in block_weights(d, shape, axis, block, x.dtype)
        ]
        weights = graph.one("DequantizeLinear", *constants, axis=axis, block_size=block)
        if axis == 1 and x.rank == 2 and d.chance(0.5):
            y = graph.one("Gemm", x, weights, transB=1)
        else:
            y = graph.one("MatMul", x, graph.one("Transpose", weights, perm=[1, 0]) if axis == 1 else weights)
    if d.chance(0.5):
        y = graph.one("Add", y, graph.constant(d.array(x.dtype, (columns,), -1, 1), x.dtype))
    read(graph, y)


def n_bits(graph: Graph, x: Value, depth: int, columns: int) -> Value:
    d = graph.draw
    bits, block = d.pick([4, 8]), d.pick([16, 32])
    if x.dtype is not np.float32:
        raise Redraw
    count = -(-depth // block)
    codes = d.rng.integers(0, 256, (columns, count, block * bits // 8)).astype(np.uint8)
    scales = d.rng.uniform(0.5, 1, (columns, count)).astype(np.float32) * np.float32(3 / 2**bits / np.sqrt(depth))
    zeros = d.rng.integers(0, 256, (columns, -(-count * bits // 8))).astype(np.uint8)
    arrays = [codes, scales, *([zeros] if d.chance(0.5) else [])]
    constants = [graph.constant(array, array.dtype) for array in arrays]
    attributes = {"K": depth, "N": columns, "bits": bits, "block_size": block}
    return graph.add(Call("MatMulNBits", [x, *constants], attributes, domain="com.microsoft"))[0]
