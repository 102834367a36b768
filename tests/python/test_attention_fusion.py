"""Forms of attention that become one dispatch where shaders compute, beside the formula in numpy or ONNX Runtime."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorvk as trt
from engines import infer, load
from networks import Array, Shop, f32
from test_network_attention import attention

INF = np.float32(np.inf)


def shader_engine(shop: Shop, network: Any) -> Any:
    """Without the host's kernels; skips where a device has no others."""
    shop.config.set_tactic_sources(0)
    shop.config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if shop.profiled:
        shop.config.add_optimization_profile(shop.profile)
    plan = shop.builder.build_serialized_network(network, shop.config)
    assert plan is not None, shop.logger.errors()
    if any("HOST stays on" in text for _, text in shop.logger.messages):
        pytest.skip("the device has no shaders")
    return load(bytes(plan))


def tactics_of(engine: Any) -> list[str]:
    text = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    return [layer["TacticName"] for layer in json.loads(text)["Layers"]]


def run_onnx(graph: str, feed: dict[str, Array], *, alone: bool = False, half: bool = False, opset: int = 23) -> Array:
    """The output y of a network of which one layer is attention's, or all of it is."""
    shop = Shop()
    if half:
        shop.config.set_flag(trt.BuilderFlag.FP16)
    model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : {opset}, "com.microsoft" : 1]>\ng {graph}')
    parser = trt.OnnxParser(shop.network, shop.logger)
    assert parser.parse(model.SerializeToString()), shop.logger.errors()
    engine = shader_engine(shop, shop.network)
    tactics = tactics_of(engine)
    assert sum(name.startswith("attention/") for name in tactics) == 1, tactics
    assert not alone or len(tactics) == 1, tactics
    return infer(engine.create_execution_context(), feed)["y"]


def heads(x: Array, count: int) -> Array:
    return x.reshape(*x.shape[:2], count, -1).swapaxes(1, 2)


def rows(x: Array) -> Array:
    return x.swapaxes(1, 2).reshape(x.shape[0], x.shape[2], -1)


# Batch, heads of q, heads of k and v, rows, keys, columns of q and k, of v.
SIZES = [(1, 1, 1, 1, 1, 16, 16), (2, 12, 3, 17, 33, 16, 8), (1, 3, 3, 33, 17, 7, 5), (1, 3, 1, 3, 64, 64, 64)]


def factors(size: tuple[int, ...]) -> dict[str, Array]:
    b, h, g, r, k, d, w = size
    return {"q": f32(b, h, r, d, seed=1), "k": f32(b, g, k, d, seed=2), "v": f32(b, g, k, w, seed=3)}


def declared(feed: dict[str, Array]) -> str:
    kinds = {"float32": "float", "bool": "bool", "int32": "int32"}
    return ", ".join(f"{kinds[x.dtype.name]}{list(x.shape)} {name}" for name, x in feed.items())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mask", ["none", "causal", "rows", "keys", "added"])
def test_attention_of_onnx(size: tuple[int, ...], mask: str) -> None:
    b, h, _, r, k, d, _ = size
    feed = factors(size)
    seen: Array | None = None
    bias: Any = 0.0
    if mask == "causal":
        seen = np.tri(r, k, dtype=bool)
    elif mask == "rows":
        seen = feed["m"] = (np.arange(r * k).reshape(r, k) % 3 != 1) | (np.arange(k) == 0)
    elif mask == "keys":
        seen = feed["m"] = np.broadcast_to((np.arange(k) % 5 != 3), (b, 1, 1, k)).copy()
    elif mask == "added":
        bias = feed["m"] = f32(b, h, r, k, seed=4)
    inputs = "q, k, v, m" if "m" in feed else "q, k, v"
    graph = f"({declared(feed)}) => (float[] y) {{ y = Attention <is_causal = {int(mask == 'causal')}> ({inputs}) }}"
    y = run_onnx(graph, feed)
    q = feed["q"] / np.sqrt(np.float32(d))
    np.testing.assert_allclose(y, attention(q, feed["k"], feed["v"], seen, bias), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mask", ["causal", "added"])
def test_attention_of_float16(mask: str) -> None:
    feed = factors((1, 4, 2, 17, 33, 64, 64))
    seen = np.tri(17, 33, dtype=bool) if mask == "causal" else None
    bias = f32(17, 33, seed=4) * (mask == "added")
    if mask == "added":
        feed["m"] = bias
    inputs = "q, k, v, m" if mask == "added" else "q, k, v"
    graph = f"({declared(feed)}) => (float[] y) {{ y = Attention <is_causal = {int(mask == 'causal')}> ({inputs}) }}"
    y = run_onnx(graph, feed, half=True)
    # Queries, keys, values and the result are rounded to 11 bits.
    np.testing.assert_allclose(y, attention(feed["q"] / 8, feed["k"], feed["v"], seen, bias), atol=2e-3)


def test_rows_of_heads_side_by_side_a_past_and_a_soft_cap() -> None:
    b, h, g, r, k, d = 2, 4, 2, 3, 5, 8
    feed = {"q": f32(b, r, h * d, seed=1), "k": f32(b, r, g * d, seed=2), "v": f32(b, r, g * d, seed=3)}
    feed |= {"pk": f32(b, g, k, d, seed=4), "pv": f32(b, g, k, d, seed=5)}
    attributes = f"is_causal = 1, q_num_heads = {h}, kv_num_heads = {g}, softcap = 2.0, scale = 0.7"
    graph = f"""({declared(feed)}) => (float[] y, float[] nk, float[] nv) {{
        y, nk, nv = Attention <{attributes}> (q, k, v, "", pk, pv) }}"""
    y = run_onnx(graph, feed)
    key, value = (np.concatenate([feed[p], heads(feed[x], g)], 2) for p, x in (("pk", "k"), ("pv", "v")))
    scores = 2 * np.tanh(heads(feed["q"], h) * np.float32(0.7) @ key.repeat(h // g, 1).swapaxes(2, 3) / 2)
    powers = np.exp(scores) * np.tri(r, k + r, k)
    expected = powers / powers.sum(-1, keepdims=True) @ value.repeat(h // g, 1)
    np.testing.assert_allclose(y, rows(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_rows_that_see_no_key_are_zeros(kind: str) -> None:
    feed = factors((1, 2, 2, 3, 5, 16, 16))
    seen = np.ones((3, 5), bool)
    seen[1] = False
    feed["m"] = seen if kind == "bool" else np.where(seen, np.float32(0), -INF)
    y = run_onnx(f"({declared(feed)}) => (float[] y) {{ y = Attention(q, k, v, m) }}", feed)
    expected = attention(feed["q"] / 4, feed["k"], feed["v"], np.ones((3, 5), bool))
    expected[:, :, 1] = 0
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


# As exporters write it: scores of a product, a condition that is an input, keys copied for each head.
WHERE = """float low = {LOW}> {
    kt = Transpose <perm = [0, 1, 3, 2]> (k)
    products = MatMul(q, kt)
    scores = Mul(products, scale)
    masked = Where(m, MASKED)
    weights = Softmax <axis = -1> (masked)
    y = MatMul(weights, v) }"""


@pytest.mark.parametrize("low", ["-3.4028234663852886e38", "-10000.0"])
@pytest.mark.parametrize("order", ["scores, low", "low, scores"])
def test_where_with_a_number_is_as_onnx_runtime_has_it(low: str, order: str) -> None:
    """Also in a row whose keys are all masked: they count alike."""
    feed = factors((2, 3, 3, 5, 7, 16, 8))
    hidden = (np.arange(35).reshape(1, 1, 5, 7) % 3 == 1) | (np.arange(5) == 2)[:, None]
    feed["m"] = hidden if order == "low, scores" else ~hidden
    graph = f"({declared(feed)}) => (float[] y) < float scale = {{0.25}}, " + WHERE.replace("LOW", low).replace(
        "MASKED", order
    )
    y = run_onnx(graph, feed, opset=17)
    np.testing.assert_allclose(y, reference(graph, feed), rtol=1e-5, atol=1e-5)


def reference(graph: str, feed: dict[str, Array]) -> Array:
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>\ng {graph}')
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y: Array = session.run(["y"], feed)[0]
    return y


def test_keys_that_are_copied_for_each_head_are_not() -> None:
    """As exporters of language models have it, the causal mask a constant."""
    b, h, g, r, d = 2, 6, 2, 17, 16
    feed = {"q": f32(b, r, h * d, seed=1), "k": f32(b, r, g * d, seed=2), "v": f32(b, r, g * d, seed=3)}
    triangle = ", ".join("0" if key <= row else "-3.4e38" for row in range(r) for key in range(r))
    copies = "".join(
        f"""{x}4 = Reshape({x}, apart_k) {x}t = Transpose <perm = [0, 2, 1, 3]> ({x}4) {x}u = Unsqueeze({x}t, two)
        {x}e = Expand({x}u, copies) {x}h = Reshape({x}e, all_heads) """
        for x in "kv"
    )
    sizes = f"""
        int64[4] apart = {{{b}, {r}, {h}, {d}}}, int64[4] apart_k = {{{b}, {r}, {g}, {d}}}, int64[1] two = {{2}},
        int64[5] copies = {{{b}, {g}, {h // g}, {r}, {d}}}, int64[4] all_heads = {{{b}, {h}, {r}, {d}}},
        int64[3] joined = {{{b}, {r}, {h * d}}}"""
    numbers = f"float root = {{0.5}}, float[{r}, {r}] triangle = {{{triangle}}}"
    graph = f"""({declared(feed)}) => (float[] y) <{sizes}, {numbers}> {{
        q4 = Reshape(q, apart) qt = Transpose <perm = [0, 2, 1, 3]> (q4) qs = Mul(qt, root)
        {copies} kc = Transpose <perm = [0, 1, 3, 2]> (kh) ks = Mul(kc, root)
        scores = MatMul(qs, ks) masked = Add(scores, triangle) weights = Softmax <axis = -1> (masked)
        yh = MatMul(weights, vh) yt = Transpose <perm = [0, 2, 1, 3]> (yh) y = Reshape(yt, joined) }}"""
    y = run_onnx(graph, feed, alone=True, opset=17)
    np.testing.assert_allclose(y, reference(graph, feed), rtol=1e-5, atol=1e-5)


# Inputs behind q, k and v, with their order, of operators of ONNX Runtime's domain.
MICROSOFT: dict[str, tuple[str, dict[str, Array]]] = {
    "MultiHeadAttention <num_heads = 4>": (
        '"", m',
        {"m": (np.arange(34).reshape(2, 17) % 5 != 3).astype(np.int32)},
    ),
    "MultiHeadAttention <num_heads = 4, unidirectional = 1>": ("", {}),
    "GroupQueryAttention <num_heads = 4, kv_num_heads = 2>": (
        '"", "", n, t',
        {"n": np.array([16, 16], np.int32), "t": np.array([17], np.int32)},
    ),
}


@pytest.mark.parametrize("node", MICROSOFT)
def test_operators_of_onnx_runtime(node: str) -> None:
    order, more = MICROSOFT[node]
    key_heads = 2 if "Group" in node else 4
    feed = {
        "q": f32(2, 17, 64, seed=1),
        "k": f32(2, 17, 16 * key_heads, seed=2),
        "v": f32(2, 17, 16 * key_heads, seed=3),
    }
    feed |= more
    operator, attributes = node.split(" ", 1)
    outputs = "y, nk, nv" if "Group" in node else "y"
    inputs = ", ".join(["q", "k", "v", *([order] if order else [])])
    declared_outputs = ", ".join(f"float[] {name}" for name in outputs.split(", "))
    graph = (
        f"({declared(feed)}) => ({declared_outputs}) {{ {outputs} = com.microsoft.{operator} {attributes} ({inputs}) }}"
    )
    np.testing.assert_allclose(run_onnx(graph, feed, opset=17), reference(graph, feed), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["UPPER_LEFT", "LOWER_RIGHT"])
def test_causal_with_rows_and_keys_that_are_dynamic_needs_no_host(kind: str) -> None:
    shop = Shop()
    profile = {"q": ((1, 2, 1, 8), (1, 2, 8, 8), (1, 2, 40, 8)), "k": ((1, 2, 1, 8), (1, 2, 8, 8), (1, 2, 50, 8))}
    profile["v"] = profile["k"]
    tensors = [shop.input(1, 2, -1, 8, name=name, profile=shapes) for name, shapes in profile.items()]
    layer = shop.network.add_attention_v2(
        *tensors, trt.AttentionNormalizationOp.SOFTMAX, getattr(trt.CausalMaskKind, kind)
    )
    shop.output(layer.get_output(0))
    engine = shader_engine(shop, shop.network)
    tactics = tactics_of(engine)
    assert len(tactics) == 1 and tactics[0].startswith("attention/"), tactics
    context = engine.create_execution_context()
    for r, k in ((1, 1), (1, 33), (17, 33), (33, 50), (33, 33)):
        feed = factors((1, 2, 2, r, k, 8, 8))
        for name, array in feed.items():
            assert context.set_input_shape(name, array.shape)
        seen = np.tri(r, k, 0 if kind == "UPPER_LEFT" else k - r, dtype=bool)
        y = infer(context, feed)["y"]
        np.testing.assert_allclose(y, attention(feed["q"], feed["k"], feed["v"], seen), rtol=1e-5, atol=1e-5)


def triangle(rows: int, keys: int, more: int, low: float) -> Array:
    return np.where(np.tri(rows, keys, more, dtype=bool), 0, low).astype(np.float32)


def every_third(*dims: int) -> Array:
    return np.where(np.arange(np.prod(dims)).reshape(dims) % 3 == 1, -1e9, 0).astype(np.float32)


# Feed, what is constant, what lies between the products. Rows and heads that a reshape turns round under a mask;
# numbers that tell hidden keys apart.
NEAR = {
    "heads_as_rows": (
        {
            "q": f32(1, 1, 12, 8, seed=1),
            "k": f32(1, 1, 17, 8, seed=2),
            "v": f32(1, 1, 17, 8, seed=3),
            "m": every_third(3, 17),
        },
        {"apart": np.array([1, 4, 3, 17]), "together": np.array([1, 1, 12, 17])},
        "a = Reshape(s, apart) b = Add(a, m) p = Softmax<axis=-1>(b) w = Reshape(p, together)",
    ),
    "batch_as_heads": (
        {
            "q": f32(1, 6, 5, 8, seed=1),
            "k": f32(1, 6, 7, 8, seed=2),
            "v": f32(1, 6, 7, 8, seed=3),
            "m": every_third(2, 1, 5, 7),
        },
        {"apart": np.array([2, 3, 5, 7]), "together": np.array([1, 6, 5, 7])},
        "a = Reshape(s, apart) b = Add(a, m) p = Softmax<axis=-1>(b) w = Reshape(p, together)",
    ),
    "first_row_sees_none": (
        {"q": f32(1, 2, 5, 8, seed=1), "k": f32(1, 2, 5, 8, seed=2), "v": f32(1, 2, 5, 8, seed=3)},
        {"m": triangle(5, 5, -1, -1e4)},
        "b = Add(s, m) w = Softmax<axis=-1>(b)",
    ),
    "triangle_and_padding": (
        {
            "q": f32(2, 2, 6, 8, seed=1),
            "k": f32(2, 2, 6, 8, seed=2),
            "v": f32(2, 2, 6, 8, seed=3),
            "m": triangle(1, 6, 2, -1e4)[:, ::-1].reshape(1, 1, 1, 6).copy(),
        },
        {"t": triangle(6, 6, 0, -1e4)},
        "a = Add(s, t) b = Add(a, m) w = Softmax<axis=-1>(b)",
    ),
}


@pytest.mark.parametrize("name", NEAR)
def test_what_is_nearly_attention_stays_right(name: str) -> None:
    feed, constants, between = NEAR[name]
    graph = f"""({declared(feed)}) => (float{[*feed["q"].shape[:-1], 8]} y) {{
        turned = Transpose<perm=[0, 1, 3, 2]>(k) s = MatMul(q, turned) {between} y = MatMul(w, v) }}"""
    model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 17]>\ng {graph}')
    model.graph.initializer.extend(onnx.numpy_helper.from_array(value, key) for key, value in constants.items())
    shop = Shop()
    shop.config.builder_optimization_level = 0
    parser = trt.OnnxParser(shop.network, shop.logger)
    assert parser.parse(model.SerializeToString()), shop.logger.errors()
    result = infer(shader_engine(shop, shop.network).create_execution_context(), feed)["y"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(
        result, session.run(None, feed)[0], atol=1e-5
    )  # float32, sums of at most 17 terms near 1


def test_normalisations_may_share_a_reshape() -> None:
    graph = """(float[2, 4, 6] x) => (float[2, 4, 6] y) {
        c = Constant<value = int64[4] {2, 4, 2, 3}>() d = Constant<value = int64[3] {2, 4, 6}>()
        one = Constant<value = float[4] {1, 1, 1, 1}>() zero = Constant<value = float[4] {0, 0, 0, 0}>()
        a = InstanceNormalization(x, one, zero) b = Reshape(a, c)
        e = InstanceNormalization(b, one, zero) f = Reshape(e, d) y = Relu(f) }"""
    model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 17]>\ng {graph}')
    shop = Shop()
    parser = trt.OnnxParser(shop.network, shop.logger)
    assert parser.parse(model.SerializeToString()), shop.logger.errors()
    feed = {"x": f32(2, 4, 6, seed=1)}
    result = infer(shader_engine(shop, shop.network).create_execution_context(), feed)["y"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(
        result, session.run(None, feed)[0], atol=1e-4
    )  # a normalisation of numbers near 1, twice
