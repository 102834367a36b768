"""Matrix products with constant weights of 4 or 8 bits: the numbers of ONNX Runtime and numpy, and small plans."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorvk as trt
from engines import Array, build_plan, infer, load
from networks import Shop
from onnx import TensorProto, helper, numpy_helper

F = np.float32
RANGES = {"INT4": (-8, 8), "UINT4": (0, 16), "INT8": (-128, 128), "UINT8": (0, 256)}
TOLERANCE = 1e-5  # of the largest: float32 sums of some hundred terms, in another order
HALF_TOLERANCE = 2e-3  # weights, inputs and results are rounded to float16, by 2^-11 each


def model_of(nodes: list[Any], feed: dict[str, Array], constants: dict[str, Any], element: int) -> bytes:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in feed.items()],
        [helper.make_tensor_value_info("y", element, None)],
        [numpy_helper.from_array(np.asarray(c), n) for n, c in constants.items()],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())


def reference(model: bytes, feed: dict[str, Array]) -> Array:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, feed)[0], F)


def products_in_blocks(plan: bytes) -> int:
    """How many operations the pass that keeps weights packed has changed."""
    text = load(plan).create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    return sum("keep_blocks" in layer.get("Passes", []) for layer in json.loads(text)["Layers"])


def check(model: bytes, feed: dict[str, Array], blocks: int = 1, tolerance: float = TOLERANCE, **options: Any) -> bytes:
    plan = build_plan(model, **options)
    got = infer(load(plan).create_execution_context(), feed)["y"].astype(F)
    expected = reference(model, feed)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    assert products_in_blocks(plan) == blocks
    return plan


def quantized(kind: str, shape: tuple[int, int], block: int, axis: int, zeros: bool, scale: Any = F) -> dict[str, Any]:
    """Weights, scales and zero points of DequantizeLinear."""
    rng = np.random.default_rng(shape[0] + block)
    dtype = helper.tensor_dtype_to_np_dtype(getattr(TensorProto, kind))
    low, high = RANGES[kind]
    blocks = tuple(-(-extent // block) if i == axis else extent for i, extent in enumerate(shape))
    out = {"w": rng.integers(low, high, shape).astype(np.int32).astype(dtype)}
    out["s"] = rng.uniform(0.5, 1, blocks).astype(F).astype(scale) / scale(high)
    if zeros:
        out["z"] = rng.integers(low, high, blocks).astype(np.int32).astype(dtype)
    return out


@pytest.mark.parametrize("kind", RANGES)
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize(("block", "depth", "columns"), [(16, 48, 17), (32, 200, 33), (128, 384, 768)])
def test_blocks_of_every_type(kind: str, zeros: bool, block: int, depth: int, columns: int) -> None:
    constants = quantized(kind, (depth, columns), block, 0, zeros)
    feed = {"x": np.random.default_rng(1).uniform(-1, 1, (3, depth)).astype(F)}
    nodes = [
        helper.make_node("DequantizeLinear", list(constants), ["f"], axis=0, block_size=block),
        helper.make_node("MatMul", ["x", "f"], ["y"]),
    ]
    check(model_of(nodes, feed, constants, TensorProto.FLOAT), feed)


@pytest.mark.parametrize("form", ["gemm", "transposed", "batch", "column"])
@pytest.mark.parametrize("rows", [1, 17, 33])
def test_ways_to_the_product(form: str, rows: int) -> None:
    """Of Gemm, behind a transpose, for rows of a batch, one scale per column; with bias, activation and residual."""
    axis = 0 if form == "batch" else 1
    block = 96 if form == "column" else 32
    constants = quantized("UINT4", (96, 40) if axis == 0 else (40, 96), block, axis, True)
    shape = (2, rows, 96) if form == "batch" else (rows, 96)
    rng = np.random.default_rng(rows)
    feed = {"x": rng.uniform(-1, 1, shape).astype(F), "r": rng.uniform(-1, 1, (*shape[:-1], 40)).astype(F)}
    if form == "column":
        constants["s"], constants["z"] = constants["s"][:, 0], constants["z"][:, 0]
    attributes: dict[str, Any] = {"axis": 0} if form == "column" else {"axis": axis, "block_size": block}
    nodes = [helper.make_node("DequantizeLinear", list(constants), ["f"], **attributes)]
    constants |= {"b": rng.uniform(-1, 1, 40).astype(F)}
    if form == "gemm":
        nodes.append(helper.make_node("Gemm", ["x", "f", "b"], ["c"], transB=1))
    else:
        nodes += [helper.make_node("Transpose", ["f"], ["t"])] if axis == 1 else []
        nodes.append(helper.make_node("MatMul", ["x", "t" if axis == 1 else "f"], ["m"]))
        nodes.append(helper.make_node("Add", ["m", "b"], ["c"]))
    nodes += [helper.make_node("Relu", ["c"], ["a"]), helper.make_node("Add", ["a", "r"], ["y"])]
    check(model_of(nodes, feed, constants, TensorProto.FLOAT), feed)


@pytest.mark.parametrize(("bits", "zeros"), [(4, False), (4, True), (8, False), (8, True)])
def test_products_of_onnx_runtime(bits: int, zeros: bool) -> None:
    rng = np.random.default_rng(bits)
    n, k, block = 33, 80, 16
    constants: dict[str, Any] = {
        "w": rng.integers(0, 256, (n, k // block, block * bits // 8)).astype(np.uint8),
        "s": rng.uniform(0.01, 0.02, (n, k // block)).astype(F),
    }
    if zeros:
        constants["z"] = rng.integers(0, 256, (n, -(-k // block * bits // 8))).astype(np.uint8)
    feed = {"x": rng.uniform(-1, 1, (3, 5, k)).astype(F)}
    attributes: dict[str, Any] = {"K": k, "N": n, "bits": bits, "block_size": block}
    node = helper.make_node("MatMulNBits", ["x", *constants], ["y"], domain="com.microsoft", **attributes)
    check(model_of([node], feed, constants, TensorProto.FLOAT), feed)


@pytest.mark.parametrize("strongly", [False, True])
def test_halves(strongly: bool) -> None:
    """float16 networks, and networks of float32 that are built with float16 inside."""
    scale = np.float16 if strongly else F
    constants = quantized("INT4", (128, 48), 32, 0, False, scale)
    feed = {"x": np.random.default_rng(1).uniform(-1, 1, (3, 128)).astype(scale)}
    nodes = [
        helper.make_node("DequantizeLinear", list(constants), ["f"], axis=0, block_size=32),
        helper.make_node("MatMul", ["x", "f"], ["y"]),
    ]
    element = TensorProto.FLOAT16 if strongly else TensorProto.FLOAT
    check(model_of(nodes, feed, constants, element), feed, tolerance=HALF_TOLERANCE, fp16=True)


def test_rows_that_vary() -> None:
    constants = quantized("INT8", (64, 40), 16, 0, True)
    shape = {"x": np.zeros((1, 64), F)}
    nodes = [
        helper.make_node("DequantizeLinear", list(constants), ["f"], axis=0, block_size=16),
        helper.make_node("MatMul", ["x", "f"], ["y"]),
    ]
    model = onnx.load_from_string(model_of(nodes, shape, constants, TensorProto.FLOAT))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "rows"
    engine = load(build_plan(model.SerializeToString(), {"x": ((1, 64), (17, 64), (33, 64))}))
    context = engine.create_execution_context()
    for rows in (1, 3, 17, 33):
        feed = {"x": np.random.default_rng(rows).uniform(-1, 1, (rows, 64)).astype(F)}
        expected = reference(model.SerializeToString(), feed)
        np.testing.assert_allclose(infer(context, feed)["y"], expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


@pytest.mark.parametrize("block", [5, 24])
def test_blocks_that_no_kernel_reads_become_floats(block: int) -> None:
    constants = quantized("INT4", (120, 17), block, 0, True)
    feed = {"x": np.random.default_rng(1).uniform(-1, 1, (3, 120)).astype(F)}
    nodes = [
        helper.make_node("DequantizeLinear", list(constants), ["f"], axis=0, block_size=block),
        helper.make_node("MatMul", ["x", "f"], ["y"]),
    ]
    check(model_of(nodes, feed, constants, TensorProto.FLOAT), feed, blocks=0)


@pytest.mark.parametrize(("kind", "of_float"), [("INT4", 0.16), ("UINT8", 0.29)])
def test_plans_are_as_small_as_the_weights(kind: str, of_float: float) -> None:
    """A float32 scale for each 32 numbers: 5 or 9 bits for each; 2 % is the rest of the plan."""
    constants = quantized(kind, (512, 512), 32, 0, False)
    feed = {"x": np.random.default_rng(1).uniform(-1, 1, (3, 512)).astype(F)}
    nodes = [
        helper.make_node("DequantizeLinear", list(constants), ["f"], axis=0, block_size=32),
        helper.make_node("MatMul", ["x", "f"], ["y"]),
    ]
    plan = check(model_of(nodes, feed, constants, TensorProto.FLOAT), feed)
    assert len(plan) < (of_float + 0.02) * 4 * 512 * 512


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("quantizes", [False, True])
def test_layers(bits: int, quantizes: bool) -> None:
    """Numbers of a constant, and of floats that a layer quantizes."""
    shop, rng = Shop(), np.random.default_rng(bits)
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1)
    numbers = rng.integers(least, most, (64, 33)).astype(np.int8)
    scale = rng.uniform(0.01, 0.02, (4, 33)).astype(F)
    wide = numbers * scale.repeat(16, 0)
    if quantizes:
        quantize = shop.network.add_quantize(shop.constant(wide), shop.constant(scale))
        quantize.block_shape = (16, 1)
        weights = quantize.get_output(0)
    else:
        weights = shop.constant(numbers)
    dequantize = shop.network.add_dequantize(weights, shop.constant(scale), trt.float32)
    dequantize.block_shape = (16, 1)
    operation = trt.MatrixOperation.NONE
    product = shop.network.add_matrix_multiply(shop.input(3, 64), operation, dequantize.get_output(0), operation)
    shop.output(product.get_output(0))
    shop.config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    x = rng.uniform(-1, 1, (3, 64)).astype(F)
    expected = x.astype(np.float64) @ wide.astype(np.float64)
    np.testing.assert_allclose(shop.run({"x": x})["y"], expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())
    assert products_in_blocks(bytes(shop.builder.build_serialized_network(shop.network, shop.config))) == 1


def multiplied(shop: Shop, weights: Any, depth: int) -> None:
    """The network's output is its input [3, depth] times the weights."""
    operation = trt.MatrixOperation.NONE
    shop.output(shop.network.add_matrix_multiply(shop.input(3, depth), operation, weights, operation).get_output(0))


def check_product(shop: Shop, wide: Array) -> None:
    x = np.random.default_rng(7).uniform(-1, 1, (3, wide.shape[0])).astype(F)
    expected = x.astype(np.float64) @ wide.astype(np.float64)
    np.testing.assert_allclose(shop.run({"x": x})["y"], expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


def packed(numbers: Array) -> Array:
    """Two numbers a byte, the first in the low half, as TensorRT and ONNX have int4."""
    flat = np.append(numbers.ravel(), np.zeros(numbers.size % 2, np.int8)).astype(np.uint8)
    return np.asarray(flat[0::2] & 15 | flat[1::2] << 4, np.uint8)


@pytest.mark.parametrize(("depth", "columns", "blocks"), [(64, 33, 4), (64, 1, 2), (33, 17, 1), (15, 3, 0), (24, 6, 3)])
def test_int4_weights_of_layers(depth: int, columns: int, blocks: int) -> None:
    """trt.Weights of packed numbers. Scales of the weights' rank tell blocks themselves; 0: one a column."""
    shop, rng = Shop(), np.random.default_rng(depth)
    numbers = rng.integers(-8, 8, (depth, columns)).astype(np.int8)
    scale = rng.uniform(0.01, 0.02, (blocks, columns) if blocks else (columns,)).astype(F)
    data = packed(numbers)
    constant = shop.network.add_constant(numbers.shape, trt.Weights(trt.int4, data.ctypes.data, numbers.size))
    data[:] = 0  # nobody needs it any more
    dequantize = shop.network.add_dequantize(constant.get_output(0), shop.constant(scale), trt.float32)
    if not blocks:
        dequantize.axis = 1
    multiplied(shop, dequantize.get_output(0), depth)
    check_product(shop, numbers * (scale.repeat(depth // blocks, 0) if blocks else scale))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("kind", [trt.int4, trt.int8])
def test_blocks_that_the_scales_tell(kind: Any, axis: int) -> None:
    """Quantizing to int4 saturates to -8 to 7."""
    shop, rng = Shop(), np.random.default_rng(axis)
    shape = (48, 16) if axis == 0 else (16, 48)
    wide = rng.uniform(-1, 1, shape).astype(F)
    scale = rng.uniform(0.05, 0.06, (3, 16) if axis == 0 else (16, 3)).astype(F)
    q = shop.network.add_quantize(shop.constant(wide), shop.constant(scale), kind).get_output(0)
    multiplied(shop, shop.network.add_dequantize(q, shop.constant(scale)).get_output(0), shape[0])
    each = scale.repeat(16, axis)
    least, most = (-8, 7) if kind == trt.int4 else (-128, 127)
    check_product(shop, np.clip(np.rint(wide / each), least, most) * each)


def test_block_shapes() -> None:
    """-1 is all of a dimension. What is no block shape is refused at once, and leaves what was."""
    shop = Shop()
    numbers = np.random.default_rng(3).integers(-8, 8, (32, 5)).astype(np.int8)
    scale = np.linspace(0.1, 0.2, 5, dtype=F).reshape(1, 5)
    dequantize = shop.network.add_dequantize(shop.constant(numbers), shop.constant(scale))
    dequantize.block_shape = (-1, 1)
    assert tuple(dequantize.block_shape) == (32, 1)
    for wrong in [(0, 1), (-2, 1), (16, 5), (32,), (-1, -1)]:
        with pytest.raises(RuntimeError, match="block shape"):
            dequantize.block_shape = wrong
    multiplied(shop, dequantize.get_output(0), 32)
    check_product(shop, numbers * scale)
