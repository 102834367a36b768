"""BuilderFlag.BF16: where the processor has instructions for it the host computes with bfloat16; else a warning."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from networks import Array, Shop
from tensorvk import doctor
from test_bfloat16 import from_bits, to_bits

from bench.arrays import largest_error
from bench.datasets import load_model

MODELS = Path(os.environ.get("TENSORVK_MODELS", Path(__file__).resolve().parents[3] / "shared" / "models"))
ROUNDING = 2.0**-8  # of a number to bfloat16: at most half of this, and factors of a product are rounded, too

Op, Reduce = trt.ElementWiseOperation, trt.ReduceOperation


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    shop.config.set_flag(trt.BuilderFlag.BF16)
    return shop


def said(shop: Shop) -> list[str]:
    return [text for _, text in shop.logger.messages if "BuilderFlag.BF16 has no effect" in text]


def types_of(shop: Shop) -> dict[str, list[str]]:
    """Of each layer's results."""
    text = shop.engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    layers = json.loads(text)["Layers"]
    return {each["Name"]: [output["Format/Datatype"].split()[-1] for output in each["Outputs"]] for each in layers}


def convolution(shop: Shop, x: Any, weights: Array, name: str) -> Any:
    layer = shop.network.add_convolution_nd(x, len(weights), weights.shape[2:], trt.Weights(weights))
    layer.padding_nd = tuple(extent // 2 for extent in weights.shape[2:])
    layer.name = name
    return layer


def random(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def two_convolutions(shop: Shop) -> tuple[Any, Array, Array]:
    first, second = random(17, 3, 3, 3, seed=1), random(5, 17, 1, 1, seed=2)
    inner = convolution(shop, shop.input(1, 3, 33, 17), first, "first")
    shop.output(convolution(shop, inner.get_output(0), second, "second").get_output(0))
    return inner, first, second


def expected(x: Array, first: Array, second: Array) -> Array:
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    inner = np.einsum("nchwij,ocij->nohw", windows, first.astype(np.float64))
    result: Array = np.einsum("nohw,po->nphw", inner, second[:, :, 0, 0].astype(np.float64))
    return result


def error(result: Array, reference: Array) -> float:
    return float(np.abs(result - reference).max() / np.abs(reference).max())


def test_activations_are_bfloat16_or_a_warning_says_why_not(shop: Shop) -> None:
    _, first, second = two_convolutions(shop)
    x = random(1, 3, 33, 17)
    result = shop.run({"x": x})["y"]
    assert result.dtype == np.float32
    off = error(result, expected(x, first, second))
    if said(shop):
        assert off < 1e-5
        return
    assert 1e-4 < off < 2 * ROUNDING  # two products, whose roundings are not all in one direction
    types = types_of(shop)
    assert types["first"] == ["bfloat16"]
    assert types["second"] == ["float32"], "nobody has to round the last sums"


def test_it_has_an_effect_where_the_processor_has_instructions_for_it(shop: Shop) -> None:
    flags = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").is_file() else []
    found = doctor.gather()
    on_host = found["devices"][0]["type"] == "CPU" and "host_kernels" not in os.environ.get("TENSORVK_DISABLE", "")
    if "avx512_bf16" not in flags or not found["host_library"] or not on_host:
        pytest.skip("no AVX512_BF16 here, no oneDNN, or kernels of the host are not in use")
    two_convolutions(shop)
    shop.build()
    assert not said(shop)


def test_pinned_layers_keep_all_digits(shop: Shop) -> None:
    inner, first, second = two_convolutions(shop)
    for layer in (inner, shop.network.get_layer(1)):
        layer.precision = trt.float32
        layer.set_output_type(0, trt.float32)
    x = random(1, 3, 33, 17)
    assert error(shop.run({"x": x})["y"], expected(x, first, second)) < 1e-5


def test_it_goes_before_float16_where_it_has_an_effect(shop: Shop) -> None:
    shop.config.set_flag(trt.BuilderFlag.FP16)
    two_convolutions(shop)
    shop.build()
    inside = types_of(shop).get("first", [])
    assert said(shop) or inside == ["bfloat16"]


def test_without_the_source_of_host_tactics_it_has_no_effect(shop: Shop) -> None:
    shop.config.set_tactic_sources(0)
    _, first, second = two_convolutions(shop)
    x = random(1, 3, 33, 17)
    plan = shop.builder.build_serialized_network(shop.network, shop.config)
    stays_on = any("HOST stays on" in text for _, text in shop.logger.messages)  # the device has no other source
    shop.engine = trt.Runtime(shop.logger).deserialize_cuda_engine(plan)
    rounds = stays_on and not said(shop)
    assert rounds or said(shop)
    assert error(shop.run({"x": x})["y"], expected(x, first, second)) < (2 * ROUNDING if rounds else 1e-5)
    assert (types_of(shop)["first"] == ["bfloat16"]) == rounds


def test_a_normalisation_is_computed_from_unrounded_differences(shop: Shop) -> None:
    """A mean of 200: bfloat16's unit there is 1, the variance of what is left is smaller."""
    x = shop.input(3, 33)
    half = shop.elementwise(x, shop.constant([[0.5]], np.float32), Op.PROD)
    mean = shop.network.add_reduce(half, Reduce.AVG, 2, True).get_output(0)
    centred = shop.elementwise(half, mean, Op.SUB)
    square = shop.elementwise(centred, centred, Op.PROD)
    variance = shop.network.add_reduce(square, Reduce.AVG, 2, True).get_output(0)
    deviation = shop.network.add_unary(variance, trt.UnaryOperation.SQRT).get_output(0)
    shop.output(shop.elementwise(centred, deviation, Op.DIV))
    numbers = 400 + random(3, 33)
    wide = numbers.astype(np.float64)
    reference = (wide - wide.mean(1, keepdims=True)) / wide.std(1, keepdims=True)
    assert error(shop.run({"x": numbers})["y"], reference) < 1e-3


def test_what_is_added_to_products_of_itself_is_not_rounded(shop: Shop) -> None:
    """A transformer's norm and its residual; the second weights are zeros, so that nothing but the residual is left."""
    x = shop.input(17, 33)
    mean = shop.network.add_reduce(x, Reduce.AVG, 2, True).get_output(0)
    norm = shop.elementwise(x, mean, Op.SUB)
    none = trt.MatrixOperation.NONE
    inner = shop.network.add_matrix_multiply(norm, none, shop.constant(random(33, 40), np.float32), none).get_output(0)
    inner = shop.network.add_activation(inner, trt.ActivationType.RELU).get_output(0)
    zeros = shop.constant(np.zeros((40, 33)), np.float32)
    outer = shop.network.add_matrix_multiply(inner, none, zeros, none).get_output(0)
    total = shop.elementwise(outer, norm, Op.SUM)
    again = shop.network.add_reduce(total, Reduce.AVG, 2, True).get_output(0)
    shop.output(shop.elementwise(total, again, Op.SUB))
    numbers = random(17, 33)
    wide = numbers.astype(np.float64)
    assert error(shop.run({"x": numbers})["y"], wide - wide.mean(1, keepdims=True)) < 1e-5


def test_what_reaches_an_output_without_a_product_is_not_rounded(shop: Shop) -> None:
    """A picture, its corrected one, sums of it and sums of those: products read rounded copies."""
    x = shop.input(1, 3, 17, 33)
    bright = shop.elementwise(shop.elementwise(x, x, Op.PROD), x)
    first, second = random(4, 3, 1, 1, seed=1), random(5, 4, 1, 1, seed=2)
    inner = convolution(shop, bright, first, "first").get_output(0)
    outer = convolution(shop, inner, second, "second").get_output(0)
    joined = shop.network.add_concatenation([x, bright, inner, outer])
    joined.axis = 1
    turned = shop.network.add_shuffle(joined.get_output(0))
    turned.first_transpose = (0, 2, 3, 1)
    shop.output(turned.get_output(0))
    numbers = random(1, 3, 17, 33)
    result = shop.run({"x": numbers})["y"].transpose(0, 3, 1, 2)
    picture = (numbers.astype(np.float64) ** 2 + numbers).astype(np.float32)
    np.testing.assert_array_equal(result[:, :3], numbers)
    np.testing.assert_allclose(result[:, 3:6], picture, rtol=1e-6, atol=1e-7)
    rounded = picture if said(shop) else from_bits(to_bits(picture))
    weights = first[:, :, 0, 0] if said(shop) else from_bits(to_bits(first[:, :, 0, 0]))
    sums = np.einsum("nchw,oc->nohw", rounded.astype(np.float64), weights.astype(np.float64))
    np.testing.assert_allclose(result[:, 6:10], sums, rtol=1e-5, atol=1e-5)  # sums of float32
    assert error(result[:, 10:], np.einsum("nchw,oc->nohw", sums, second[:, :, 0, 0].astype(np.float64))) < 2 * ROUNDING


def test_an_extent_read_from_memory_beside_floats(shop: Shop) -> None:
    """What reads it for the host has no result whose type there would be to choose."""
    x = shop.input(3, 17)
    layer = shop.network.add_topk(shop.elementwise(x, x), trt.TopKOperation.MAX, 2, 2)
    layer.set_input(1, shop.input(name="k", dtype=trt.int32))
    shop.output(layer.get_output(0))
    numbers = from_bits(to_bits(random(3, 17)))
    result = shop.run({"x": numbers, "k": np.array(4, np.int32)})["y"]
    np.testing.assert_array_equal(result, 2 * -np.sort(-numbers, axis=1)[:, :4])


@pytest.mark.parametrize("name", ["resnet20_cifar10", "chargpt", "yunet_s_320", "ppocr_cls_v2", "silero_vad_16k_op15"])
def test_whole_networks_stay_close(name: str) -> None:
    """One rounding of 2^-9 in each of dozens of layers, which add up like a random walk; measured: 4e-3 to 7e-2."""
    if "host_kernels" in os.environ.get("TENSORVK_DISABLE", ""):
        pytest.skip("the flag has no effect: these are the networks of test_models.py")
    if not MODELS.is_dir():
        pytest.skip(f"no models at {MODELS}; TENSORVK_MODELS names another folder")
    model = load_model(MODELS / name)
    shop = Shop()
    shop.config.set_flag(trt.BuilderFlag.BF16)
    parser = trt.OnnxParser(shop.network, shop.logger)
    assert parser.parse_from_file(str(model.path)), shop.error()
    data = model.sets[0]
    if any(-1 in shop.network.get_input(i).shape for i in range(shop.network.num_inputs)):
        for key, array in data.inputs.items():
            shop.profile.set_shape(key, array.shape, array.shape, array.shape)
        shop.profiled = True
    assert largest_error(shop.run(data.inputs), data.outputs) < (1e-4 if said(shop) else 0.1)
