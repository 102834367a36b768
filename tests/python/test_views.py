"""Slices that nobody copies and products of one input that are one, where shaders compute: what is left of a network,
and its numbers beside ONNX Runtime."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorvk as trt
from engines import Array, infer, load, relative_error
from networks import Shop, f32
from tensorvk import cudart
from test_attention_fusion import shader_engine

# Sums of at most some hundred products in another order; float16 rounds weights and every value between.
TOLERANCE = 2e-5
HALF_TOLERANCE = 6e-3


def layers_of(engine: Any) -> list[dict[str, Any]]:
    text = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    layers: list[dict[str, Any]] = json.loads(text)["Layers"]
    return layers


def tactics(engine: Any, family: str) -> int:
    return sum(layer["TacticName"].startswith(family + "/") for layer in layers_of(engine))


def model_of(graph: str, weights: dict[str, Array], opset: int = 18) -> onnx.ModelProto:
    model = onnx.parser.parse_model(f'<ir_version: 9, opset_import: ["" : {opset}]>\ng {graph}')
    model.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in weights.items())
    return model


def check(
    graph: str,
    weights: dict[str, Array],
    feed: dict[str, Array],
    *,
    half: bool = False,
    host: bool = False,
    profile: dict[str, Any] | None = None,
) -> Any:
    """An engine of shaders alone (or of whatever is fastest), whose outputs are ONNX Runtime's."""
    model = model_of(graph, weights)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run(None, feed)
    shop = Shop()
    shop.config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if half:
        shop.config.set_flag(trt.BuilderFlag.FP16)
    parser = trt.OnnxParser(shop.network, shop.logger)
    assert parser.parse(model.SerializeToString()), shop.logger.errors()
    for name, shapes in (profile or {}).items():
        shop.profile.set_shape(name, *shapes)
        shop.profiled = True
    engine = shop.build() if host else shader_engine(shop, shop.network)
    context = engine.create_execution_context()
    for _ in range(2):  # memory that the first run left is no excuse
        results = infer(context, feed)
        for output, array in zip(session.get_outputs(), expected, strict=True):
            error = relative_error(results[output.name], array)
            assert error <= (HALF_TOLERANCE if half else TOLERANCE), (output.name, error)
    return engine


# From queries, keys and values to o.
HEADS = """
    qh = Reshape (q, cut)
    kh = Reshape (k, cut)
    vh = Reshape (v, cut)
    qt = Transpose <perm = [0, 2, 1, 3]> (qh)
    kt = Transpose <perm = [0, 2, 3, 1]> (kh)
    vt = Transpose <perm = [0, 2, 1, 3]> (vh)
    s = MatMul (qt, kt)
    m = Mul (s, scale)
    a = Softmax <axis = -1> (m)
    z = MatMul (a, vt)
    zt = Transpose <perm = [0, 2, 1, 3]> (z)
    o = Reshape (zt, join)
"""

# The same from b, which has them side by side.
ATTENTION = f"""
    q, k, v = Split <axis = 2, num_outputs = 3> (b)
{HEADS}
"""

QKV = f"""(float[2, {{rows}}, {{width}}] x) => (float[] y) {{{{
    p = MatMul (x, w)
    b = Add (p, c)
{ATTENTION}
    y = MatMul (o, u)
}}}}"""


def attention_weights(rows: int, width: int, heads: int) -> dict[str, Array]:
    return {
        "w": f32(width, 3 * width, seed=1) / 4,
        "c": f32(3 * width, seed=2),
        "u": f32(width, width, seed=3) / 4,
        "cut": np.array([2, rows, heads, width // heads], np.int64),
        "join": np.array([2, rows, width], np.int64),
        "scale": np.float32(0.3),
    }


@pytest.mark.parametrize(
    ("rows", "width", "heads", "half"), [(17, 32, 2, False), (33, 64, 4, False), (17, 64, 2, True), (3, 48, 4, False)]
)
def test_attention_reads_queries_keys_and_values_where_one_product_wrote_them(
    rows: int, width: int, heads: int, half: bool
) -> None:
    engine = check(
        QKV.format(rows=rows, width=width),
        attention_weights(rows, width, heads),
        {"x": f32(2, rows, width, seed=4)},
        half=half,
    )
    assert tactics(engine, "attention") == 1
    assert tactics(engine, "copy") == 0, layers_of(engine)


def test_ranges_that_begin_between_vectors_are_copied() -> None:
    engine = check(QKV.format(rows=17, width=33), attention_weights(17, 33, 3), {"x": f32(2, 17, 33, seed=4)})
    assert tactics(engine, "copy") > 0


SIBLINGS = """(float[2, {rows}, {width}] x) => (float[] y) {{
    qp = MatMul (x, wq)
    kp = MatMul (x, wk)
    vp = MatMul (x, wv)
    q = Add (qp, bq)
    k = Add (kp, bk)
    v = Add (vp, bv)
{heads}
    y = MatMul (o, u)
}}"""


@pytest.mark.parametrize("half", [False, True])
def test_queries_keys_and_values_are_one_product(half: bool) -> None:
    weights = attention_weights(17, 64, 2)
    wide, bias = weights.pop("w"), weights.pop("c")
    for i, name in enumerate("qkv"):
        weights["w" + name] = np.ascontiguousarray(wide[:, 64 * i : 64 * (i + 1)])
        weights["b" + name] = bias[64 * i : 64 * (i + 1)]
    engine = check(SIBLINGS.format(heads=HEADS, rows=17, width=64), weights, {"x": f32(2, 17, 64, seed=4)}, half=half)
    assert tactics(engine, "matrix") == 2
    assert tactics(engine, "copy") == 0, layers_of(engine)
    joint = next(layer for layer in layers_of(engine) if "fuse_siblings" in layer["Passes"])
    assert joint["TacticName"].startswith("matrix/")


INCEPTION = """(float[{n}, 16, 9, 7] x) => (float[] y) {
    s = Conv <pads = [1, 1, 1, 1]> (x, w0, b0)
    a = Conv (s, w1, b1)
    ar = Relu (a)
    b = Conv (s, w2, b2)
    br = Relu (b)
    c = Conv (s, w3, b3)
    cr = Relu (c)
    bb = Conv <pads = [1, 1, 1, 1]> (br, w4, b4)
    cc = Conv <pads = [1, 1, 1, 1]> (cr, w5, b5)
    p = MaxPool <kernel_shape = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1]> (s)
    pp = Conv (p, w6, b6)
    j = Concat <axis = 1> (ar, bb, cc, pp)
    y = Relu (j)
}"""


def convolutions(shapes: list[tuple[int, int, int]]) -> dict[str, Array]:
    weights = {}
    for i, (out, inner, side) in enumerate(shapes):
        weights[f"w{i}"] = f32(out, inner, side, side, seed=10 + i) / np.float32(np.sqrt(inner * side * side))
        weights[f"b{i}"] = f32(out, seed=40 + i)
    return weights


@pytest.mark.parametrize("half", [False, True])
def test_branches_of_an_inception_block_that_convolutions_read_are_one(half: bool) -> None:
    weights = convolutions([(32, 16, 3), (8, 32, 1), (16, 32, 1), (24, 32, 1), (8, 16, 3), (16, 24, 3), (8, 32, 1)])
    engine = check(INCEPTION.replace("{n}", "2"), weights, {"x": f32(2, 16, 9, 7, seed=1)}, half=half)
    joint = [layer["Name"] for layer in layers_of(engine) if "fuse_siblings" in layer["Passes"]]
    assert len(joint) == 1, "two of the three, the first is a part of the concatenation"
    assert tactics(engine, "conv") == 6


def test_branches_of_an_inception_block_with_a_dynamic_batch() -> None:
    weights = convolutions([(32, 16, 3), (8, 32, 1), (16, 32, 1), (24, 32, 1), (8, 16, 3), (16, 24, 3), (8, 32, 1)])
    engine = check(
        INCEPTION.replace("{n}", "N"),
        weights,
        {"x": f32(3, 16, 9, 7, seed=1)},
        profile={"x": ((1, 16, 9, 7), (2, 16, 9, 7), (4, 16, 9, 7))},
    )
    assert any("fuse_siblings" in layer["Passes"] for layer in layers_of(engine))


@pytest.mark.parametrize("columns", [3, 17, 33])
def test_branches_of_odd_numbers_of_channels_stay_apart(columns: int) -> None:
    weights = convolutions(
        [
            (32, 16, 3),
            (columns, 32, 1),
            (columns, 32, 1),
            (columns, 32, 1),
            (8, columns, 3),
            (16, columns, 3),
            (8, 32, 1),
        ]
    )
    engine = check(INCEPTION.replace("{n}", "1"), weights, {"x": f32(1, 16, 9, 7, seed=1)})
    assert not any("fuse_siblings" in layer["Passes"] for layer in layers_of(engine))
    assert tactics(engine, "conv") == 7


SPLIT = """(float[2, 16, 9, 7] x) => (float[] y) <int64[2] parts = {{{first}, {second}}}> {{
    s = Conv <pads = [1, 1, 1, 1]> (x, w0, b0)
    r = Relu (s)
    a, b = Split <axis = 1> (r, parts)
    c = Conv <pads = [1, 1, 1, 1]> (b, w1, b1)
    d = Relu (c)
    e = Conv <pads = [1, 1, 1, 1]> (d, w2, b2)
    f = Relu (e)
    j = Concat <axis = 1> (a, b, f)
    y = Conv (j, w3, b3)
}}"""


@pytest.mark.parametrize(
    ("first", "second", "half", "views"),
    [(16, 16, False, True), (8, 24, True, True), (24, 8, False, True), (17, 33, False, False), (3, 29, True, False)],
)
def test_a_convolution_reads_half_of_the_channels_where_they_are(
    first: int, second: int, half: bool, views: bool
) -> None:
    whole = first + second
    weights = convolutions([(whole, 16, 3), (second, second, 3), (second, second, 3), (16, whole + second, 1)])
    engine = check(SPLIT.format(first=first, second=second), weights, {"x": f32(2, 16, 9, 7, seed=1)}, half=half)
    read = [layer["Name"] for layer in layers_of(engine) if "view_slices" in layer["Passes"]]
    assert (len(read) >= 3) == views, read  # the convolution and both parts of the concatenation
    split_copies = sum(layer["Name"].endswith(("Split", "Split_0", "Split_1")) for layer in layers_of(engine))
    assert not (views and split_copies)


SHUFFLE = """(float[1, 16, 10, 6] x) => (float[] y) <
    int64[5] cut = {1, 2, 16, 10, 6}, int64[4] whole = {1, 32, 10, 6}> {
    s = Conv <pads = [1, 1, 1, 1]> (x, w0, b0)
    r = Relu (s)
    a, b = Split <axis = 1, num_outputs = 2> (r)
    c = Conv (b, w1, b1)
    cr = Relu (c)
    d = Conv <group = 16, pads = [1, 1, 1, 1]> (cr, w2, b2)
    e = Conv (d, w3, b3)
    er = Relu (e)
    j = Concat <axis = 1> (a, er)
    g = Reshape (j, cut)
    t = Transpose <perm = [0, 2, 1, 3, 4]> (g)
    h = Reshape (t, whole)
    y = Conv (h, w4, b4)
}"""


@pytest.mark.parametrize("half", [False, True])
def test_a_unit_of_shufflenet_copies_no_halves(half: bool) -> None:
    weights = convolutions([(32, 16, 3), (16, 16, 1), (16, 1, 3), (16, 16, 1), (8, 32, 1)])
    check(SHUFFLE, weights, {"x": f32(1, 16, 10, 6, seed=1)}, half=half)


# The second half is read last. Between, values of the same size come and go: one of them would take its memory.
LATE = """(float[1, 16, 8, 8] x) => (float[] y) {
    s = Conv (x, w0, b0)
    a, b = Split <axis = {axis}, num_outputs = 2> (s)
    c0 = Conv <pads = [1, 1, 1, 1]> (a, w1, b1)
    c1 = Conv <pads = [1, 1, 1, 1]> (c0, w2, b2)
    c2 = Conv <pads = [1, 1, 1, 1]> (c1, w3, b3)
    c3 = Conv <pads = [1, 1, 1, 1]> (c2, w4, b4)
    c4 = Conv <pads = [1, 1, 1, 1]> (c3, w5, b5)
    d = Conv (b, w6, b6)
    y = {last} (c4, d)
}"""


@pytest.mark.parametrize("host", [False, True])
def test_a_part_keeps_the_memory_of_the_whole_until_it_is_read_last(host: bool) -> None:
    weights = convolutions([(64, 16, 1), (64, 32, 3), (64, 64, 3), (64, 64, 3), (64, 64, 3), (32, 64, 3), (32, 32, 1)])
    graph = LATE.replace("{axis}", "1").replace("{last}", "Mul")
    engine = check(graph, weights, {"x": f32(1, 16, 8, 8, seed=1)}, host=host)
    # The host's convolutions read no gaps.
    assert host or any("view_slices" in layer["Passes"] for layer in layers_of(engine))


ROWS = """(float[8, 4, 16] x, float[3, 1, 16] z) => (float[] y, float[] t, float[] u, float[] g) <
    int64[1] zero = {0}, int64[1] two = {2}, int64[1] six = {6}, int64[1] eight = {8}, int64[1] first = {0},
    int64[2] flat = {4, 64}, float three = {3}> {
    n = Exp (x)
    a = Slice (n, zero, two, first)
    b = Slice (n, two, six, first)
    c = Slice (n, six, eight, first)
    d = Reshape (b, flat)
    y = MatMul (d, w)
    t = Identity (c)
    e = Mul (a, three)
    k = Tanh (z)
    f = Slice (k, zero, two, first)
    g = Add (e, f)
    u = Slice (x, two, six, first)
}"""


@pytest.mark.parametrize("host", [False, True])
def test_ranges_of_the_first_axis_are_offsets_for_every_reader(host: bool) -> None:
    """Those that are outputs are copies; one is read beside what broadcasts to it."""
    feed = {"x": f32(8, 4, 16, seed=1), "z": f32(3, 1, 16, seed=2)}
    engine = check(ROWS, {"w": f32(64, 24, seed=3) / 8}, feed, host=host)
    assert any("view_slices" in layer["Passes"] for layer in layers_of(engine))


LATE_ROWS = """(float[9, 64] x, bool[9] kept) => (float[] y, float[] z) {
    c = Compress <axis = 0> (x, kept)
    r = Relu (c)
    a, b = Split <axis = 1, num_outputs = 2> (r)
    y = Softmax <axis = 1> (b)
    s = MatMul (r, v)
    t = MatMul (r, w)
    u = Transpose <perm = [1, 0]> (s)
    z = MatMul (u, t)
}"""


@pytest.mark.parametrize("count", [0, 1, 5])
def test_ranges_of_as_many_rows_as_running_tells(count: int) -> None:
    weights = {"v": f32(64, 32, seed=3), "w": f32(64, 32, seed=4)}
    check(LATE_ROWS, weights, {"x": f32(9, 64, seed=1), "kept": np.arange(9) < count})


HALVES = """(float[n, 64] x) => (float[] y) {
    r = Relu (x)
    a, b = Split <axis = 1, num_outputs = 2> (r)
    s = Softmax <axis = 1> (b)
    y = Add (a, s)
}"""


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_ranges_where_there_may_be_no_rows(rows: int) -> None:
    check(HALVES, {}, {"x": f32(rows, 64, seed=1)}, profile={"x": ((0, 64), (4, 64), (8, 64))})


def test_a_range_of_what_the_user_gives_at_an_odd_address() -> None:
    """The input is copied to where kernels bind it; its range follows."""
    graph = """(float[6, 16] x) => (float[] y) <int64[1] two = {2}, int64[1] six = {6}, int64[1] first = {0}> {
        a = Slice (x, two, six, first)
        y = Exp (a)
    }"""
    model = model_of(graph, {})
    shop = Shop()
    assert trt.OnnxParser(shop.network, shop.logger).parse(model.SerializeToString())
    engine = shader_engine(shop, shop.network)
    context = engine.create_execution_context()
    x = f32(6, 16, seed=1)
    _, memory = cudart.cudaMalloc(x.nbytes + 4)
    _, result = cudart.cudaMalloc(4 * 16 * 4)
    cudart.cudaMemcpy(memory + 4, x, x.nbytes, cudart.cudaMemcpyKind.cudaMemcpyHostToDevice)
    assert context.execute_v2([memory + 4, result])
    y = np.empty((4, 16), np.float32)
    cudart.cudaMemcpy(y, result, y.nbytes, cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost)
    cudart.cudaFree(memory)
    cudart.cudaFree(result)
    np.testing.assert_allclose(y, np.exp(x[2:]), rtol=1e-5)


GPT2 = f"""(float[1, S, 32] x) => (float[] y) {{
    n = LayerNormalization <axis = -1, epsilon = 0.00001> (x, g, h)
    p = MatMul (n, w)
    b = Add (p, c)
{ATTENTION}
    r = MatMul (o, u)
    e = Add (r, x)
    f = MatMul (e, gate)
    i = MatMul (e, up)
    l = Sigmoid (f)
    t = Mul (f, l)
    d = Mul (t, i)
    y = MatMul (d, down)
}}"""


@pytest.mark.parametrize("rows", [1, 5, 17])
def test_a_block_of_a_transformer_with_dynamic_rows(rows: int) -> None:
    weights = attention_weights(rows, 32, 2) | {
        "g": f32(32, seed=6),
        "h": f32(32, seed=7),
        "cut": np.array([0, 0, 2, 16], np.int64),
        "join": np.array([0, 0, 32], np.int64),
        "gate": f32(32, 48, seed=8) / 6,
        "up": f32(32, 48, seed=9) / 6,
        "down": f32(48, 32, seed=10) / 6,
    }
    engine = check(GPT2, weights, {"x": f32(1, rows, 32, seed=5)}, profile={"x": ((1, 1, 32), (1, 8, 32), (1, 33, 32))})
    assert tactics(engine, "attention") == 1
    assert tactics(engine, "copy") == 0, layers_of(engine)


def test_a_plan_with_views_is_read_again_as_it_was_written() -> None:
    shop = Shop()
    model = model_of(QKV.format(rows=17, width=32), attention_weights(17, 32, 2))
    assert trt.OnnxParser(shop.network, shop.logger).parse(model.SerializeToString()), shop.logger.errors()
    engine = shader_engine(shop, shop.network)
    feed = {"x": f32(2, 17, 32, seed=4)}
    first = infer(engine.create_execution_context(), feed)["y"]
    again = infer(load(bytes(engine.serialize())).create_execution_context(), feed)["y"]
    assert np.array_equal(first, again)
