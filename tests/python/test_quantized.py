"""Graphs with explicit quantization give the bytes of integer arithmetic, as numpy does it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from engines import CollectingLogger, build_plan, load
from onnx import TensorProto, helper, numpy_helper
from tensorvk.onnx_backend import prepare

Array = np.ndarray[Any, Any]
F = np.float32


def _run(
    nodes: list[Any], inputs: dict[str, Array], constants: dict[str, Any], output: tuple[str, int], level: int = 0
) -> Array:
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in inputs.items()
        ],
        [helper.make_tensor_value_info(output[0], output[1], None)],
        [c if isinstance(c, TensorProto) else numpy_helper.from_array(np.asarray(c), n) for n, c in constants.items()],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return np.asarray(prepare(model, level=level).run(inputs)[0])


def _quantize(x: Array, scale: Any, zero: int, dtype: type) -> Array:
    """In float32, halves to even, saturating."""
    info = np.iinfo(dtype)
    quantized: Array = np.clip(np.rint((x / F(scale)).astype(F)) + zero, info.min, info.max).astype(dtype)
    return quantized


def _sums(x: Array, w: Array, stride: int, pad: int, dilation: int, groups: int) -> Array:
    """Convolution of whole numbers, exact."""
    x = np.pad(x.astype(np.int64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    n, _, height, width = x.shape
    maps, per_group, kh, kw = w.shape
    oh = (height - (kh - 1) * dilation - 1) // stride + 1
    ow = (width - (kw - 1) * dilation - 1) // stride + 1
    y = np.zeros((n, maps, oh, ow), np.int64)
    for m in range(maps):
        first = m // (maps // groups) * per_group
        for i in range(kh):
            for j in range(kw):
                part = x[:, first : first + per_group, i * dilation : i * dilation + (oh - 1) * stride + 1 : stride,
                         j * dilation : j * dilation + (ow - 1) * stride + 1 : stride]  # fmt: skip
                y[:, m] += np.tensordot(part, w[m, :, i, j].astype(np.int64), ([1], [0]))
    return y


# channels, maps, kernel, stride, pad, dilation, groups, type of x and y, zero points of x and y
CONVOLUTIONS = [
    (1, 1, 1, 1, 0, 1, 1, np.int8, 0, 0),
    (3, 17, 3, 1, 1, 1, 1, np.int8, 0, 0),
    (17, 33, 3, 2, 1, 1, 1, np.uint8, 128, 7),
    (33, 3, 1, 1, 0, 1, 1, np.int8, -7, 11),
    (16, 24, 3, 1, 2, 2, 1, np.uint8, 0, 0),
    (33, 33, 3, 1, 1, 1, 33, np.int8, 3, -128),
    (24, 24, 3, 2, 1, 1, 24, np.uint8, 200, 0),
    (6, 9, 3, 1, 1, 1, 3, np.int8, 0, 0),
    (64, 64, 3, 1, 1, 1, 1, np.int8, 0, 0),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("residual", [False, True])
def test_convolution_between_dequantize_and_quantize(case: tuple[Any, ...], residual: bool) -> None:
    channels, maps, kernel, stride, pad, dilation, groups, dtype, x_zero, y_zero = case
    rng = np.random.default_rng(channels + maps)
    info = np.iinfo(dtype)
    x = rng.integers(info.min, info.max + 1, (2, channels, 9, 7)).astype(dtype)
    w = rng.integers(-127, 128, (maps, channels // groups, kernel, kernel)).astype(np.int8)
    x_scale, y_scale, r_scale = F(0.043), F(0.61), F(0.3)
    w_scale = rng.uniform(1e-3, 2e-2, maps).astype(F)
    bias = rng.uniform(-3, 3, maps).astype(F)
    sums = _sums(x.astype(np.int64) - x_zero, w, stride, pad, dilation, groups)
    assert np.abs(sums).max() < 2**31
    want = (sums.astype(F) * (x_scale * w_scale)[None, :, None, None] + bias[None, :, None, None]).astype(F)
    inputs = {"x": x}
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "xs", "xz"], ["xf"]),
        helper.make_node("DequantizeLinear", ["w", "ws"], ["wf"], axis=0),
        helper.make_node(
            "Conv",
            ["xf", "wf", "b"],
            ["c"],
            strides=[stride] * 2,
            pads=[pad] * 4,
            dilations=[dilation] * 2,
            group=groups,
        ),
    ]
    if residual:
        r = rng.integers(-128, 128, want.shape).astype(np.int8)
        inputs["r"] = r
        want = want + r.astype(F) * r_scale
        nodes += [
            helper.make_node("DequantizeLinear", ["r", "rs"], ["rf"]),
            helper.make_node("Add", ["c", "rf"], ["d"]),
        ]
    nodes += [
        helper.make_node("Relu", ["d" if residual else "c"], ["e"]),
        helper.make_node("QuantizeLinear", ["e", "ys", "yz"], ["y"]),
    ]
    constants = {
        "w": w,
        "ws": w_scale,
        "b": bias,
        "xs": x_scale,
        "xz": dtype(x_zero),
        "ys": y_scale,
        "yz": dtype(y_zero),
        "rs": r_scale,
    }
    got = _run(nodes, inputs, constants, ("y", helper.np_dtype_to_tensor_dtype(np.dtype(dtype))))
    np.testing.assert_array_equal(got, _quantize(np.maximum(want, 0), y_scale, y_zero, dtype))


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 17, 33), (3, 64, 48)], ids=str)
@pytest.mark.parametrize("transposed", [False, True])
def test_matrix_product_between_dequantize_and_quantize(shape: tuple[int, int, int], transposed: bool) -> None:
    m, k, n = shape
    rng = np.random.default_rng(k)
    a = rng.integers(0, 256, (m, k)).astype(np.uint8)
    b = rng.integers(-127, 128, (n, k) if transposed else (k, n)).astype(np.int8)
    scale = rng.uniform(1e-3, 2e-2, n).astype(F)
    c = rng.uniform(-3, 3, n).astype(F)
    sums = (a.astype(np.int64) - 77) @ (b.T if transposed else b).astype(np.int64)
    want = (sums.astype(F) * (F(0.02) * scale) + c).astype(F)
    nodes = [
        helper.make_node("DequantizeLinear", ["a", "as", "az"], ["af"]),
        helper.make_node("DequantizeLinear", ["b", "bs"], ["bf"], axis=0 if transposed else 1),
        helper.make_node("Gemm", ["af", "bf", "c"], ["p"], transB=int(transposed)),
        helper.make_node("QuantizeLinear", ["p", "ys", "yz"], ["y"]),
    ]
    constants = {"b": b, "bs": scale, "c": c, "as": F(0.02), "az": np.uint8(77), "ys": F(0.11), "yz": np.int8(-3)}
    got = _run(nodes, {"a": a}, constants, ("y", TensorProto.INT8))
    np.testing.assert_array_equal(got, _quantize(want, 0.11, -3, np.int8))


def test_tuned_kernels_give_the_same_bytes() -> None:
    """Level 3 times every tactic; whichever wins, the bytes are those of integer arithmetic."""
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (1, 16, 9, 9)).astype(np.int8)
    w = rng.integers(-127, 128, (32, 16, 3, 3)).astype(np.int8)
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "xs"], ["xf"]),
        helper.make_node("DequantizeLinear", ["w", "ws"], ["wf"]),
        helper.make_node("Conv", ["xf", "wf"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("QuantizeLinear", ["c", "ys", "yz"], ["y"]),
    ]
    constants = {"w": w, "ws": F(0.01), "xs": F(0.1), "ys": F(0.5), "yz": np.int8(0)}
    got = _run(nodes, {"x": x}, constants, ("y", TensorProto.INT8), level=3)
    want = _sums(x, w, 1, 1, 1, 1).astype(F) * (F(0.1) * F(0.01))
    np.testing.assert_array_equal(got, _quantize(want, 0.5, 0, np.int8))


@pytest.mark.parametrize("biased", [False, True])
def test_qlinear_conv(biased: bool) -> None:
    rng = np.random.default_rng(2)
    x = rng.integers(0, 256, (1, 5, 9, 7)).astype(np.uint8)
    w = rng.integers(0, 256, (7, 5, 3, 3)).astype(np.uint8)
    bias = rng.integers(-5000, 5000, 7).astype(np.int32)
    sums = _sums(x.astype(np.int64) - 100, w.astype(np.int64) - 131, 1, 1, 1, 1) + (
        bias[None, :, None, None] if biased else 0
    )
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"] + (["b"] if biased else [])
    constants = {
        "xs": F(0.1),
        "xz": np.uint8(100),
        "w": w,
        "ws": F(0.02),
        "wz": np.uint8(131),
        "ys": F(1.7),
        "yz": np.uint8(90),
        "b": bias,
    }
    got = _run(
        [helper.make_node("QLinearConv", names, ["y"], pads=[1] * 4)], {"x": x}, constants, ("y", TensorProto.UINT8)
    )
    factor = F(0.1) * F(0.02) / F(1.7)
    np.testing.assert_array_equal(got, np.clip(np.rint(sums.astype(F) * factor) + 90, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("stride", [1, 2])
def test_qlinear_conv_pads_same_on_the_device(mode: str, stride: int) -> None:
    rng = np.random.default_rng(4)
    x = rng.integers(0, 256, (1, 3, 9, 8)).astype(np.uint8)
    w = rng.integers(-128, 128, (5, 3, 3, 2)).astype(np.int8)
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"]
    scales = {"xs": F(0.1), "ws": F(0.02), "ys": F(1.7)}
    constants = scales | {"xz": np.uint8(100), "wz": np.int8(0), "yz": np.uint8(90), "w": w}
    totals = [max(-(-extent // stride) * stride - stride + k - extent, 0) for extent, k in ((9, 3), (8, 2))]
    smaller, larger = [total // 2 for total in totals], [total - total // 2 for total in totals]
    pads = smaller + larger if mode == "SAME_UPPER" else larger + smaller

    def result(**attributes: Any) -> Array:
        convolution = helper.make_node("QLinearConv", names, ["y"], strides=[stride] * 2, **attributes)
        return _run([convolution], {"x": x}, constants, ("y", TensorProto.UINT8))

    np.testing.assert_array_equal(result(auto_pad=mode), result(pads=pads))
    graph = helper.make_graph(
        [helper.make_node("QLinearConv", names, ["y"], strides=[stride] * 2, auto_pad=mode)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    inspector = load(build_plan(model.SerializeToString(), level=0)).create_engine_inspector()
    assert "/host" not in inspector.get_engine_information(trt.LayerInformationFormat.JSON)


def test_integer_products_are_exact() -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(0, 256, (1, 33, 5, 5)).astype(np.uint8)
    w = rng.integers(-128, 128, (17, 33, 3, 3)).astype(np.int8)
    got = _run(
        [helper.make_node("ConvInteger", ["x", "w", "xz"], ["y"])],
        {"x": x},
        {"w": w, "xz": np.uint8(9)},
        ("y", TensorProto.INT32),
    )
    np.testing.assert_array_equal(got, _sums(x.astype(np.int64) - 9, w, 1, 0, 1, 1))
    a = rng.integers(0, 256, (3, 5, 300)).astype(np.uint8)
    b = rng.integers(0, 256, (300, 17)).astype(np.uint8)
    constants = {"b": b, "az": np.uint8(0), "bz": np.uint8(255)}
    got = _run(
        [helper.make_node("MatMulInteger", ["a", "b", "az", "bz"], ["y"])],
        {"a": a},
        constants,
        ("y", TensorProto.INT32),
    )
    np.testing.assert_array_equal(got, a.astype(np.int64) @ (b.astype(np.int64) - 255))


@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
def test_qlinear_binary(op: str) -> None:
    rng = np.random.default_rng(4)
    a = rng.integers(0, 256, (3, 1, 17)).astype(np.uint8)
    b = rng.integers(0, 256, (5, 17)).astype(np.uint8)
    names = ["a", "as", "az", "b", "bs", "bz", "ys", "yz"]
    constants = {"as": F(0.3), "az": np.uint8(120), "bs": F(0.07), "bz": np.uint8(0), "ys": F(0.9), "yz": np.uint8(33)}
    got = _run(
        [helper.make_node(op, names, ["y"], domain="com.microsoft")],
        {"a": a, "b": b},
        constants,
        ("y", TensorProto.UINT8),
    )
    x, y = (a.astype(F) - 120) * F(0.3), b.astype(F) * F(0.07)
    np.testing.assert_array_equal(got, _quantize(x + y if op == "QLinearAdd" else x * y, 0.9, 33, np.uint8))


def test_dynamically_quantized_product() -> None:
    """What dynamic quantization exports: zero point and scale of the activations are computed."""
    rng = np.random.default_rng(5)
    x = rng.uniform(-3, 5, (3, 17)).astype(F)
    w = rng.integers(-127, 128, (17, 9)).astype(np.int8)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("MatMulInteger", ["q", "w", "z"], ["p"]),
        helper.make_node("Cast", ["p"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["s", "ws"], ["scale"]),
        helper.make_node("Mul", ["f", "scale"], ["y"]),
    ]
    got = _run(nodes, {"x": x}, {"w": w, "ws": F(0.01)}, ("y", TensorProto.FLOAT))
    scale = (x.max() - x.min()) / F(255)
    zero = int(np.rint(-x.min() / scale))
    q = np.clip(np.rint(x / scale) + zero, 0, 255)
    np.testing.assert_allclose(
        got, ((q - zero) @ w).astype(F) * (scale * F(0.01)), rtol=1e-6
    )  # exact sums, three roundings


@pytest.mark.parametrize("kind", ["INT4", "UINT4", "FLOAT8E4M3FN", "FLOAT8E5M2"])
@pytest.mark.parametrize("form", ["tensor", "axis", "blocked"])
def test_narrow_weights(kind: str, form: str) -> None:
    rng = np.random.default_rng(6)
    element = getattr(TensorProto, kind)
    narrow = helper.tensor_dtype_to_np_dtype(element)
    values = rng.integers(0 if kind == "UINT4" else -8, 16 if kind == "UINT4" else 8, (15, 6)).astype(F).astype(narrow)
    scales: dict[str, Any] = {
        "tensor": F(0.5),
        "axis": rng.uniform(0.1, 1, 6).astype(F),
        "blocked": rng.uniform(0.1, 1, (3, 6)).astype(F),
    }
    scale: Array = np.asarray(scales[form])
    attributes: dict[str, Any] = {"tensor": {}, "axis": {"axis": 1}, "blocked": {"axis": 0, "block_size": 5}}[form]
    x = rng.uniform(-1, 1, (3, 15)).astype(F)
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "ws"], ["wf"], **attributes),
        helper.make_node("MatMul", ["x", "wf"], ["y"]),
    ]
    got = _run(nodes, {"x": x}, {"w": numpy_helper.from_array(values, "w"), "ws": scale}, ("y", TensorProto.FLOAT))
    wide = values.astype(F) * (np.repeat(scale, 5, 0) if form == "blocked" else scale)
    np.testing.assert_allclose(got, x @ wide, rtol=1e-5, atol=1e-5)  # float32 sums of 15 terms of up to 15 each


def test_blocked_quantization_of_activations() -> None:
    rng = np.random.default_rng(7)
    x = rng.uniform(-4, 4, (3, 12)).astype(F)
    scale = rng.uniform(0.01, 0.1, (3, 4)).astype(F)
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"], axis=1, block_size=3)]
    got = _run(nodes, {"x": x}, {"s": scale, "z": np.zeros((3, 4), np.int8)}, ("y", TensorProto.INT8))
    np.testing.assert_array_equal(got, np.clip(np.rint(x / np.repeat(scale, 3, 1)), -128, 127).astype(np.int8))


@pytest.mark.parametrize("convolved", [False, True])
def test_quantize_and_dequantize_in_one_operation(convolved: bool) -> None:
    """Fake quantization: floats in and out, alone and behind a product of floats."""
    x = np.random.default_rng(8).uniform(-3, 3, (1, 4, 5, 3)).astype(F)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("QuantizeLinear", ["c" if convolved else "x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    w = np.eye(4, dtype=F)[:, :, None, None]
    constants = {"w": w, "s": F(0.03), "z": np.int8(5)}
    got = _run(nodes[0 if convolved else 1 :], {"x": x}, constants, ("y", TensorProto.FLOAT))
    np.testing.assert_array_equal(got, (_quantize(x, 0.03, 5, np.int8).astype(F) - 5) * F(0.03))


def test_two_quantizers_that_cancel_are_not_merged_with_each_other() -> None:
    x = (np.arange(-4, 4, dtype=np.int8) * 10).reshape(1, 8)
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "s"], ["f"]),
        helper.make_node("QuantizeLinear", ["f", "s", "z"], ["q1"]),
        helper.make_node("QuantizeLinear", ["f", "s", "z"], ["q2"]),
        helper.make_node("DequantizeLinear", ["q1", "s"], ["d1"]),
        helper.make_node("DequantizeLinear", ["q2", "s"], ["d2"]),
        helper.make_node("Relu", ["d1"], ["r"]),
        helper.make_node("Sin", ["d2"], ["t"]),
        helper.make_node("Add", ["r", "t"], ["y"]),
    ]
    got = _run(nodes, {"x": x}, {"s": F(0.1), "z": np.int8(0)}, ("y", TensorProto.FLOAT))
    numbers = x.astype(F) * F(0.1)
    np.testing.assert_allclose(got, np.maximum(numbers, 0) + np.sin(numbers), rtol=1e-6, atol=1e-6)


def test_a_product_of_two_quantized_tensors_may_have_a_dynamic_number_of_columns() -> None:
    rng = np.random.default_rng(5)
    feed = {"q": rng.uniform(-1, 1, (1, 3, 16)).astype(F), "k": rng.uniform(-1, 1, (1, 16, 5)).astype(F)}
    nodes = [
        helper.make_node("QuantizeLinear", ["q", "s", "z"], ["qq"]),
        helper.make_node("DequantizeLinear", ["qq", "s", "z"], ["qd"]),
        helper.make_node("QuantizeLinear", ["k", "s", "z"], ["kq"]),
        helper.make_node("DequantizeLinear", ["kq", "s", "z"], ["kd"]),
        helper.make_node("MatMul", ["qd", "kd"], ["y"]),
    ]
    inputs = [
        helper.make_tensor_value_info("q", TensorProto.FLOAT, [1, "rows", 16]),
        helper.make_tensor_value_info("k", TensorProto.FLOAT, [1, 16, "columns"]),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "rows", "columns"])]
    constants = [numpy_helper.from_array(np.asarray(a), n) for n, a in {"s": F(0.01), "z": np.int8(0)}.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    got = np.asarray(prepare(model).run(feed)[0])
    q, k = (_quantize(feed[n], 0.01, 0, np.int8).astype(F) * F(0.01) for n in "qk")
    np.testing.assert_allclose(got, q @ k, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("op", "missing", "inputs"),
    [("QLinearConv", 6, 8), ("QLinearConv", 4, 8), ("QLinearMatMul", 3, 8), ("com.microsoft.QLinearAdd", 1, 8)],
)
def test_a_missing_input_of_a_quantized_operator_is_a_sentence(op: str, missing: int, inputs: int) -> None:
    domain, _, name = op.rpartition(".")
    names = ["x", "s", "z", "x" if "Add" in op else "w", "s", "z", "s", "z"][:inputs]
    names[missing] = ""
    weights = np.ones((4, 4, 3, 3) if name == "QLinearConv" else (8, 8), np.int8)
    with pytest.raises(Exception, match=rf"\({op}\) needs input {missing}, which is missing"):
        _run(
            [helper.make_node(name, names, ["y"], domain=domain)],
            {"x": np.ones((1, 4, 8, 8), np.int8)},
            {"s": F(0.1), "z": np.int8(0), "w": weights},
            ("y", TensorProto.INT8),
        )


@pytest.mark.parametrize("kind", ["INT4", "UINT4"])
@pytest.mark.parametrize("by", ["zero point", "output_dtype"])
@pytest.mark.parametrize("known", [True, False], ids=["constant", "data"])
def test_quantizing_to_four_bits_saturates_there(kind: str, by: str, known: bool) -> None:
    low, high = (-8, 7) if kind == "INT4" else (0, 15)
    zero = 1 if by == "zero point" else 0
    x = np.array([200.3, -200.3, 3.2, -1.1, 0.26], F)
    names = ["x", "s", "z"] if by == "zero point" else ["x", "s"]
    attributes = {} if by == "zero point" else {"output_dtype": getattr(TensorProto, kind)}
    nodes = [
        helper.make_node("QuantizeLinear", names, ["q"], **attributes),
        helper.make_node("DequantizeLinear", ["q", *names[1:]], ["d"]),
        helper.make_node("Add", ["d", "one"], ["y"]),
    ]
    constants = {"s": F(0.5), "z": helper.make_tensor("z", getattr(TensorProto, kind), [], [zero])}
    constants |= {"x": x, "one": np.ones(1, F)} if known else {"one": np.ones(1, F)}
    inputs = {"one": np.ones(1, F)} if known else {"x": x}
    if known:
        del constants["one"]
    got = _run(nodes, inputs, constants, ("y", TensorProto.FLOAT))
    quantized = np.clip(np.rint(x / F(0.5)) + zero, low, high)
    np.testing.assert_array_equal(got, (quantized - zero).astype(F) * F(0.5) + 1)


@pytest.mark.parametrize("by", ["zero point", "output_dtype"])
def test_quantizing_to_eight_bit_floats_is_refused_by_name(by: str) -> None:
    by_zero_point = by == "zero point"
    attributes = {} if by_zero_point else {"output_dtype": TensorProto.FLOAT8E4M3FN}
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "z"] if by_zero_point else ["x", "s"], ["y"], **attributes)]
    constants = {"s": F(0.5), "z": helper.make_tensor("z", TensorProto.FLOAT8E4M3FN, [], [0.0])}
    with pytest.raises(Exception, match="quantizes to float8e4m3fn; int8, uint8 and"):
        _run(nodes, {"x": np.ones(3, F)}, constants, ("y", TensorProto.FLOAT8E4M3FN))


X8 = np.full((1, 4, 3, 3), 128, np.uint8)
W8 = np.ones((8, 4, 3, 3), np.int8)
ROWS = np.full((2, 8), 3, np.uint8)
COLUMNS = np.ones((8, 5), np.int8)
THREE = np.ones(3, F)
SCALE, U0, I0 = F(0.1), np.uint8(0), np.int8(0)


@pytest.mark.parametrize(
    ("op", "operands", "sentence"),
    [
        ("QLinearConv", (X8, SCALE, U0, W8, SCALE, I0, SCALE, U0, np.zeros(3, np.int32)), "elements of the bias"),
        ("QLinearConv", (X8, SCALE, U0, W8, SCALE, I0, SCALE, U0, np.zeros(8, F)), "needs an int32 bias"),
        ("QLinearConv", (X8, SCALE, U0, W8, SCALE, I0, SCALE, U0, np.zeros(8, np.int64)), "needs an int32 bias"),
        ("QLinearConv", (X8, SCALE, U0, W8, THREE, I0, SCALE, U0), "as input 4"),
        ("QLinearConv", (X8, THREE, U0, W8, SCALE, I0, SCALE, U0), "as input 1"),
        ("QLinearConv", (X8, SCALE, U0, W8, SCALE, np.zeros(3, np.int8), SCALE, U0), "as input 5"),
        ("ConvInteger", (X8, W8, U0, np.zeros(3, np.int8)), "as input 3"),
        ("MatMulInteger", (ROWS, COLUMNS, U0, np.zeros(3, np.int8)), "as input 3"),
        ("MatMulInteger", (ROWS, COLUMNS, np.zeros(3, np.uint8)), "as input 2"),
        ("MatMulInteger", (ROWS, COLUMNS, I0), "inputs of one type"),
        ("QLinearMatMul", (ROWS, SCALE, U0, COLUMNS, THREE, I0, SCALE, U0), "as input 4"),
        ("com.microsoft.QGemm", (ROWS, SCALE, U0, COLUMNS, SCALE, I0, np.zeros(3, np.int32)), "as input 6"),
        ("com.microsoft.QGemm", (ROWS, SCALE, U0, COLUMNS, THREE, I0), "as input 4"),
        ("com.microsoft.QLinearAdd", (ROWS, SCALE, U0, ROWS, SCALE, np.zeros(3, np.uint8), SCALE, U0), "as input 5"),
        ("DequantizeLinear", (ROWS, THREE), "has scales"),
        ("DequantizeLinear", (ROWS, SCALE, np.zeros(8, np.uint8)), "has zero points"),
        ("DequantizeLinear", (ROWS, np.int32(1)), "floating-point scale"),
        ("QuantizeLinear", (ROWS.astype(F), THREE), "has scales"),
        ("QuantizeLinear", (ROWS.astype(F), F(0)), "scales have to be above 0"),
        ("QuantizeLinear", (ROWS.astype(F), F(-0.1)), "scales have to be above 0"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(op: str, operands: tuple[Any, ...], sentence: str) -> None:
    domain, _, name = op.rpartition(".")
    names = [f"i{i}" for i in range(len(operands))]
    constants = {n: np.asarray(a) for n, a in zip(names[1:], operands[1:], strict=True)}
    with pytest.raises(Exception, match=sentence):
        _run(
            [helper.make_node(name, names, ["y"], domain=domain)],
            {"i0": operands[0]},
            constants,
            ("y", TensorProto.INT8),
        )


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_a_layers_scales_are_compared_with_its_axis(axis: int | None) -> None:
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    scales = network.add_constant((2,), trt.Weights(np.full(2, 0.1, F))).get_output(0)
    layer = network.add_quantize(network.add_input("x", trt.float32, (2, 3)), scales)
    if axis is not None:
        layer.axis = axis
    network.mark_output(layer.get_output(0))
    plan = builder.build_serialized_network(network, builder.create_builder_config())
    assert (plan is not None) == (axis == 0)
    assert axis == 0 or "has scales" in logger.errors()[-1]
