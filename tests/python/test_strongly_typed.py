"""NetworkDefinitionCreationFlag.STRONGLY_TYPED: types follow the graph, in memory and where is computed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from engines import Array, CollectingLogger
from networks import Shop
from onnx import TensorProto, helper, numpy_helper
from test_bfloat16 import from_bits, to_bits

from bench.arrays import largest_error

STRONGLY_TYPED = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
NONE = trt.MatrixOperation.NONE
Op = trt.ElementWiseOperation
HALF_TOLERANCE = 4e-3  # a few roundings to 11 bits
PRECISIONS = ["FP16", "BF16", "INT8", "FP8", "INT4", "FP4"]


class TypedShop(Shop):
    def __init__(self, flags: int = STRONGLY_TYPED) -> None:
        super().__init__()
        self.network = self.builder.create_network(flags)
        self.config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED

    def cast(self, x: Any, dtype: Any, name: str = "") -> Any:
        layer = self.network.add_cast(x, dtype)
        layer.name = name or layer.name
        return layer.get_output(0)

    def convolution(self, x: Any, weights: Array, name: str = "convolution") -> Any:
        layer = self.network.add_convolution_nd(x, len(weights), weights.shape[2:], trt.Weights(weights))
        layer.name = name
        return layer.get_output(0)

    def product(self, a: Any, b: Any, name: str = "product") -> Any:
        layer = self.network.add_matrix_multiply(a, NONE, b, NONE)
        layer.name = name
        return layer.get_output(0)

    def plan(self) -> bytes:
        plan = self.builder.build_serialized_network(self.network, self.config)
        assert plan is not None, self.logger.errors()
        return bytes(plan)

    @property
    def half(self) -> str:
        """What float16 is inside: devices that cannot store it compute with float32."""
        return "float16" if self.builder.platform_has_fast_fp16 else "float32"


@pytest.fixture
def shop() -> TypedShop:
    return TypedShop()


def layers_of(engine: Any) -> list[dict[str, Any]]:
    text = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    layers: list[dict[str, Any]] = json.loads(text)["Layers"]
    return layers


def types_of(engine: Any) -> dict[str, list[str]]:
    """Of what each layer reads and writes, by the first of the layers that became one."""
    return {
        each["Name"].split(" + ")[0]: [
            t["Format/Datatype"].split()[-1] for t in (each["Inputs"][0], each["Outputs"][0])
        ]
        for each in layers_of(engine)
    }


def random(*shape: int, dtype: Any = np.float32, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).uniform(-1, 1, shape).astype(dtype)


@pytest.mark.parametrize("name", PRECISIONS)
def test_precision_flags_are_refused(shop: TypedShop, name: str) -> None:
    shop.output(shop.network.add_unary(shop.input(2, 3, dtype=trt.float16), trt.UnaryOperation.ABS).get_output(0))
    flag = getattr(trt.BuilderFlag, name)
    assert shop.builder.is_network_supported(shop.network, shop.config)
    shop.config.set_flag(flag)
    assert not shop.builder.is_network_supported(shop.network, shop.config)
    assert shop.builder.build_serialized_network(shop.network, shop.config) is None
    assert shop.builder.build_engine_with_config(shop.network, shop.config) is None
    assert f"BuilderFlag.{name} cannot be set" in shop.error()
    assert "types follow the graph" in shop.error()
    shop.config.clear_flag(flag)
    shop.build()


def test_flags_that_are_no_types_are_taken(shop: TypedShop) -> None:
    shop.output(shop.network.add_unary(shop.input(2, 3), trt.UnaryOperation.ABS).get_output(0))
    for flag in (trt.BuilderFlag.TF32, trt.BuilderFlag.DEBUG, trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS):
        shop.config.set_flag(flag)
    shop.build()


def test_layers_take_no_wishes(shop: TypedShop) -> None:
    layer = shop.network.add_unary(shop.input(2, 3, dtype=trt.float16), trt.UnaryOperation.ABS)
    layer.precision = trt.float32
    assert "takes no wish for float32; insert a Cast" in shop.error()
    layer.set_output_type(0, trt.float32)
    assert not layer.precision_is_set
    assert not layer.output_type_is_set(0)
    assert layer.get_output(0).dtype == trt.float16
    errors = len(shop.logger.errors())
    layer.precision = trt.float16  # what it does anyway
    layer.set_output_type(0, trt.float16)
    assert len(shop.logger.errors()) == errors == 2


def mixed(shop: TypedShop, weights: Array, factor: Array) -> None:
    inside = shop.convolution(shop.input(1, 8, 9, 9, dtype=trt.float16), weights)
    activated = shop.network.add_activation(inside, trt.ActivationType.RELU).get_output(0)
    product = shop.product(shop.cast(activated, trt.float32), shop.constant(factor))
    shop.output(product, "exact")
    shop.output(shop.cast(product, trt.float16, "rounded"))


def test_types_in_memory_are_the_graphs(shop: TypedShop) -> None:
    """A convolution of float16, a product of float32 that loses nothing, and its sums as float16."""
    x = np.random.default_rng(1).integers(-4, 5, (1, 8, 9, 9)).astype(np.float16)
    weights = np.random.default_rng(2).integers(-2, 3, (16, 8, 3, 3)).astype(np.float16)  # sums are exact
    factor = random(1, 1, 7, 5)
    mixed(shop, weights, factor)
    result = shop.run({"x": x})
    types = types_of(shop.engine)
    assert types["convolution"] == [shop.half, shop.half]
    assert types["product"] == ["float32", "float32"]
    assert types["rounded"] == ["float32", "float16"]
    windows = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), (3, 3), (2, 3))
    sums = np.maximum(np.einsum("nchwij,ocij->nohw", windows, weights.astype(np.float64)), 0)
    expected = sums @ factor.astype(np.float64)
    assert largest_error({"y": result["exact"]}, {"y": expected}) < 1e-6
    np.testing.assert_array_equal(result["y"], result["exact"].astype(np.float16))


def test_numbers_beyond_float16_stay_where_the_graph_says_float32(shop: TypedShop) -> None:
    """Scales, epilogues and products: each would overflow or lose digits in float16."""
    x = shop.input(1, 3, 4, 4, dtype=trt.float16)
    ones = np.ones((2, 3, 1, 1), np.float16)
    wide = shop.cast(shop.convolution(x, ones), trt.float32)
    scale = shop.constant(np.float32([300.001, 1e-9]).reshape(1, 2, 1, 1))
    scaled = shop.output(shop.elementwise(wide, scale, Op.PROD), "scaled")
    product = shop.product(scaled, shop.constant(np.eye(4, dtype=np.float32)[None, None] * 1e-3))
    shop.output(product, "product")
    unscaled = shop.elementwise(scaled, scale, Op.DIV)
    shop.output(shop.cast(unscaled, trt.float16), "back")
    result = shop.run({"x": np.full((1, 3, 4, 4), 100, np.float16)})
    expected = np.float64([300 * 300.001, 300e-9]).reshape(1, 2, 1, 1)
    np.testing.assert_allclose(result["scaled"], np.broadcast_to(expected, (1, 2, 4, 4)), rtol=1e-6)
    np.testing.assert_allclose(result["product"], np.broadcast_to(expected * 1e-3, (1, 2, 4, 4)), rtol=1e-6)
    np.testing.assert_allclose(result["back"], np.full((1, 2, 4, 4), 300), rtol=2**-10)


def test_a_program_of_float32_between_halves_keeps_its_constants(shop: TypedShop) -> None:
    """One step reads and writes float16, and multiplies by numbers that float16 does not have."""
    small = np.float32([1e-9, 3e-9, 70000.0])
    wide = shop.cast(shop.input(5, 3, dtype=trt.float16), trt.float32)
    shrunk = shop.elementwise(wide, shop.constant(small[None]), Op.PROD)
    grown = shop.elementwise(shrunk, shop.constant((1 / small)[None]), Op.PROD)
    shop.output(shop.cast(grown, trt.float16))
    x = random(5, 3, dtype=np.float16)
    np.testing.assert_allclose(shop.run({"x": x})["y"], x, rtol=2**-10)


def test_networks_of_float32_are_built_as_without_it() -> None:
    plans = []
    for flags in (0, STRONGLY_TYPED):
        shop = TypedShop(flags)
        inside = shop.convolution(shop.input(1, 8, 9, 9), random(16, 8, 3, 3))
        shop.output(shop.network.add_activation(inside, trt.ActivationType.RELU).get_output(0))
        plans.append(shop.plan())
    assert plans[0] == plans[1]


def test_networks_of_float16_are_built_as_with_the_flag() -> None:
    """The same layers by the same kernels as BuilderFlag.FP16 makes of them."""
    found = []
    for flags in (0, STRONGLY_TYPED):
        shop = TypedShop(flags)
        if flags == 0:
            shop.config.set_flag(trt.BuilderFlag.FP16)
        x = shop.input(1, 8, 9, 9, dtype=trt.float16)
        inside = shop.convolution(x, random(16, 8, 3, 3, dtype=np.float16))
        bias = shop.constant(random(1, 16, 1, 1, dtype=np.float16))
        sums = shop.elementwise(inside, bias)
        softmax = shop.network.add_softmax(shop.product(sums, shop.constant(random(1, 1, 7, 6, dtype=np.float16))))
        softmax.axes = 1 << 3
        shop.output(softmax.get_output(0))
        found.append(layers_of(shop.build()))
    assert found[0] == found[1]


def onnx_model(nodes: list[Any], inputs: dict[str, Any], constants: dict[str, Array], output: int) -> bytes:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, element, shape) for name, (element, shape) in inputs.items()],
        [helper.make_tensor_value_info("y", output, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def parsed(model: bytes) -> TypedShop:
    shop = TypedShop()
    parser = trt.OnnxParser(shop.network, shop.logger)
    assert parser.parse(model), [str(parser.get_error(i)) for i in range(parser.num_errors)]
    return shop


def test_a_normalisation_reads_what_a_product_of_halves_stores() -> None:
    """ONNX computes layer normalisations from float32: the cast costs no step, and the product keeps its bias."""
    rows, width = 33, 48
    constants = {
        "w": random(width, width, dtype=np.float16),
        "b": random(width, dtype=np.float16, seed=1),
        "scale": random(width, dtype=np.float16, seed=2),
        "shift": random(width, dtype=np.float16, seed=3),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"], name="product"),
        helper.make_node("Add", ["m", "b"], ["a"], name="sum"),
        helper.make_node("LayerNormalization", ["a", "scale", "shift"], ["y"], name="norm"),
    ]
    half = TensorProto.FLOAT16
    shop = parsed(onnx_model(nodes, {"x": (half, [rows, width])}, constants, half))
    x = random(rows, width, dtype=np.float16)
    result = shop.run({"x": x})["y"]
    assert types_of(shop.engine)["product"] == [shop.half, shop.half]
    assert not any("Cast" in each["Name"] or each["Name"].startswith("sum") for each in layers_of(shop.engine))
    sums = x.astype(np.float64) @ constants["w"].astype(np.float64) + constants["b"]
    centred = sums - sums.mean(-1, keepdims=True)
    norm = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    expected = norm * constants["scale"] + constants["shift"]
    assert largest_error({"y": result.astype(np.float32)}, {"y": expected}) < HALF_TOLERANCE


@pytest.mark.parametrize("softmax_in", ["float16", "float32"])
def test_attention_of_halves(shop: TypedShop, softmax_in: str) -> None:
    tensors = {name: random(2, 3, 17, 16, dtype=np.float16, seed=i) for i, name in enumerate("qkv")}
    q, k, v = (shop.input(2, 3, 17, 16, name=name, dtype=trt.float16) for name in tensors)
    scores = shop.network.add_matrix_multiply(q, NONE, k, trt.MatrixOperation.TRANSPOSE).get_output(0)
    scores = shop.cast(scores, trt.float32) if softmax_in == "float32" else scores
    softmax = shop.network.add_softmax(scores)
    softmax.axes = 1 << 3
    weights = softmax.get_output(0)
    weights = shop.cast(weights, trt.float16) if softmax_in == "float32" else weights
    shop.output(shop.product(weights, v))
    result = shop.run(tensors)["y"]
    assert result.dtype == np.float16
    q64, k64, v64 = (t.astype(np.float64) for t in tensors.values())
    e = np.exp(q64 @ k64.swapaxes(-1, -2))
    expected = e / e.sum(-1, keepdims=True) @ v64
    assert largest_error({"y": result.astype(np.float32)}, {"y": expected}) < HALF_TOLERANCE


@pytest.mark.parametrize("inside", [np.float16, np.float32])
def test_bodies_of_loops_have_types_too(shop: TypedShop, inside: Any) -> None:
    """x times the identity, three times, by way of numbers that float16 rounds to 11 bits."""
    dtype = trt.float16 if inside == np.float16 else trt.float32
    x = shop.input(1, 17, dtype=dtype)
    loop = shop.network.add_loop()
    loop.add_trip_limit(shop.constant(3, np.int32), trt.TripLimit.COUNT)
    carried = loop.add_recurrence(x)
    eye = np.eye(17, dtype=inside)
    large = shop.product(carried.get_output(0), shop.constant(eye * 3))
    third = shop.constant(np.full((1, 17), 3, inside))
    carried.set_input(1, shop.elementwise(large, third, Op.DIV))
    halves = shop.cast(shop.input(1, 17, name="h", dtype=trt.float16), dtype)  # float16 is somewhere in either network
    last = loop.add_loop_output(carried.get_output(0), trt.LoopOutput.LAST_VALUE).get_output(0)
    shop.output(shop.elementwise(last, halves))
    feed = {"x": np.linspace(1, 3.1, 17).astype(inside).reshape(1, 17), "h": np.zeros((1, 17), np.float16)}
    result = shop.run(feed)["y"]
    assert result.dtype == inside
    rounding = 4e-3 if inside == np.float16 else 1e-6
    np.testing.assert_allclose(result.astype(np.float64), feed["x"].astype(np.float64), rtol=rounding)


def test_bfloat16_is_computed_where_the_host_can(shop: TypedShop) -> None:
    """Else in float32, which is said."""
    x, weights = random(1, 16, 33), random(1, 33, 24, seed=1)
    short = shop.product(
        shop.cast(shop.input(1, 16, 33), trt.bfloat16), shop.cast(shop.constant(weights), trt.bfloat16)
    )
    factor = random(1, 24, 5, seed=2)
    shop.output(shop.product(shop.cast(short, trt.float32), shop.constant(factor), "exact"))
    result = shop.run({"x": x})["y"]
    said = [text for _, text in shop.logger.messages if text.startswith("Tensors of bfloat16 are computed in float32")]
    types = types_of(shop.engine)
    assert types["product"][0] == ("float32" if said else "bfloat16")
    assert types["exact"] == ["float32", "float32"]
    factors = [from_bits(to_bits(array)).astype(np.float64) for array in (x, weights)]
    expected = factors[0] @ factors[1] @ factor.astype(np.float64)
    assert (
        largest_error({"y": result}, {"y": expected}) < 2**-7
    )  # of products: rounded to 8 bits, and factors where they are float32


def test_bfloat16_beside_float16_keeps_its_range(shop: TypedShop) -> None:
    """Kernels compute with one short type: the other is float32."""
    x = shop.cast(shop.input(1, 5, dtype=trt.float16), trt.bfloat16)
    large = shop.elementwise(x, shop.cast(shop.constant(np.full((1, 5), 2.0**30, np.float32)), trt.bfloat16), Op.PROD)
    eye = shop.cast(shop.constant(np.eye(5, dtype=np.float32)), trt.bfloat16)
    ratio = shop.elementwise(shop.product(large, eye), large, Op.DIV)
    shop.output(shop.cast(ratio, trt.float16))
    result = shop.run({"x": np.float16([[1, 2, 3, 100, 60000]])})["y"]
    np.testing.assert_allclose(result, np.ones((1, 5)), rtol=2**-7)


def test_profiles_and_edges_of_another_type() -> None:
    """An edge converts, as ever; rows vary."""
    shop = TypedShop()
    x = shop.input(-1, 33, dtype=trt.float16, profile=((1, 33), (17, 33), (33, 33)))
    weights = random(33, 24, dtype=np.float16)
    y = shop.output(shop.product(x, shop.constant(weights)))
    y.dtype = trt.float32
    for rows in (1, 3, 33):
        feed = {"x": random(rows, 33, dtype=np.float16)}
        result = shop.run(feed)["y"]
        assert result.dtype == np.float32
        expected = feed["x"].astype(np.float64) @ weights.astype(np.float64)
        assert largest_error({"y": result}, {"y": expected}) < HALF_TOLERANCE


def test_the_logger_of_a_typed_build_hears_no_warning() -> None:
    shop = TypedShop()
    if not shop.builder.platform_has_fast_fp16:
        pytest.skip("the device stores no float16, which is said")
    mixed(shop, random(16, 8, 3, 3, dtype=np.float16), random(1, 1, 7, 5))
    shop.build()
    assert isinstance(shop.logger, CollectingLogger)
    assert [text for severity, text in shop.logger.messages if severity <= trt.ILogger.Severity.WARNING] == []
