"""Builder, its configuration and optimization profiles, in today's and in older spellings."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
import tensorvk as trt
from engines import CollectingLogger


@pytest.fixture
def logger() -> CollectingLogger:
    return CollectingLogger()


@pytest.fixture
def builder(logger: CollectingLogger) -> Any:
    return trt.Builder(logger)


@pytest.fixture
def config(builder: Any) -> Any:
    return builder.create_builder_config()


FACTS = """
import tensorvk as trt
builder = trt.Builder(trt.Logger(trt.Logger.ERROR))
print(builder.platform_has_fast_fp16, builder.platform_has_fast_int8)
"""


def facts(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", FACTS],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def test_what_a_platform_has_is_what_its_device_has() -> None:
    assert facts(TENSORVK_DISABLE="cooperative_matrix,fp16,host_kernels,int8,integer_dot_product") == "False False"
    assert facts(TENSORVK_DISABLE="vulkan").endswith(" True")  # the host's functions compute in 8 bits
    report = subprocess.run(
        [sys.executable, "-m", "tensorvk", "doctor"], capture_output=True, text=True, timeout=60, check=False
    )
    stores_halves = re.search(r"^ *no +fp16 storage", report.stdout, re.MULTILINE) is None
    assert facts().startswith(f"{stores_halves} ")


def test_int8_is_asked_for_by_the_network(builder: Any, config: Any, logger: CollectingLogger) -> None:
    network = builder.create_network(0)
    x = network.add_input("x", trt.float32, (2,))
    network.mark_output(network.add_activation(x, trt.ActivationType.RELU).get_output(0))
    config.set_flag(trt.BuilderFlag.INT8)
    assert builder.build_serialized_network(network, config) is not None
    (warning,) = [text for _, text in logger.messages if "BuilderFlag.INT8" in text]
    assert "QuantizeLinear and DequantizeLinear compute in int8 without it" in warning


def public_attributes(thing: Any) -> list[str]:
    return [name for name in dir(thing) if not name.startswith("_")]


def test_no_property_of_a_configuration_raises(config: Any) -> None:
    for name in public_attributes(config):
        str(getattr(config, name))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DLA_core", 0),
        ("avg_timing_iterations", 4),
        ("builder_optimization_level", 5),
        ("default_device_type", trt.DeviceType.DLA),
        ("engine_capability", trt.EngineCapability.SAFETY),
        ("flags", 0b101),
        ("hardware_compatibility_level", trt.HardwareCompatibilityLevel.AMPERE_PLUS),
        ("l2_limit_for_tiling", 1 << 20),
        ("max_aux_streams", 2),
        ("max_num_tactics", 7),
        ("max_workspace_size", 1 << 28),
        ("min_timing_iterations", 3),
        ("plugins_to_serialize", ["a.so"]),
        ("profile_stream", 0),
        ("profiling_verbosity", trt.ProfilingVerbosity.DETAILED),
        ("quantization_flags", 1),
        ("remote_auto_tuning_config", "x"),
        ("runtime_platform", trt.RuntimePlatform.WINDOWS_AMD64),
        ("tiling_optimization_level", trt.TilingOptimizationLevel.FULL),
        ("int8_calibrator", None),
        ("algorithm_selector", None),
        ("progress_monitor", None),
    ],
)
def test_every_property_keeps_what_it_is_given_until_reset(config: Any, name: str, value: Any) -> None:
    before = getattr(config, name)
    setattr(config, name, value)
    assert getattr(config, name) == value
    config.reset()
    assert getattr(config, name) == before


def test_flags_one_by_one_and_as_a_mask(config: Any) -> None:
    config.flags = 0
    config.set_flag(trt.BuilderFlag.FP16)
    config.set_flag(trt.BuilderFlag.REFIT)
    assert config.flags == 1 << int(trt.BuilderFlag.FP16) | 1 << int(trt.BuilderFlag.REFIT)
    config.clear_flag(trt.BuilderFlag.FP16)
    assert config.get_flag(trt.BuilderFlag.REFIT) and not config.get_flag(trt.BuilderFlag.FP16)


def test_workspace_has_two_spellings(config: Any) -> None:
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 30)
    assert config.max_workspace_size == 1 << 30
    config.max_workspace_size = 5
    assert config.get_memory_pool_limit(trt.MemoryPoolType.WORKSPACE) == 5


def test_preview_and_quantization_flags(config: Any) -> None:
    config.set_preview_feature(trt.PreviewFeature.ALIASED_PLUGIN_IO_10_03, True)
    assert config.get_preview_feature(trt.PreviewFeature.ALIASED_PLUGIN_IO_10_03)
    config.set_quantization_flag(trt.QuantizationFlag.CALIBRATE_BEFORE_FUSION)
    assert config.get_quantization_flag(trt.QuantizationFlag.CALIBRATE_BEFORE_FUSION)


@pytest.mark.parametrize(
    ("name", "value", "word"), [("builder_optimization_level", 6, "0"), ("avg_timing_iterations", 0, "1 or more")]
)
def test_a_value_outside_the_allowed_is_logged_and_not_taken(
    config: Any, logger: CollectingLogger, name: str, value: int, word: str
) -> None:
    before = getattr(config, name)
    setattr(config, name, value)
    assert getattr(config, name) == before
    assert word in logger.errors()[0]


@pytest.mark.parametrize("name", ["int8_calibrator", "algorithm_selector"])
def test_what_is_not_offered_says_so_when_used(config: Any, name: str) -> None:
    with pytest.raises(RuntimeError, match="not offered"):
        setattr(config, name, object())


def test_layers_can_be_given_to_devices(builder: Any, config: Any) -> None:
    network = builder.create_network(0)
    layer = network.add_identity(network.add_input("x", trt.float32, (1,)))
    assert not config.can_run_on_DLA(layer) and not config.is_device_type_set(layer)
    config.set_device_type(layer, trt.DeviceType.DLA)
    assert config.get_device_type(layer) == trt.DeviceType.DLA
    config.reset_device_type(layer)
    assert config.get_device_type(layer) == trt.DeviceType.GPU


def test_a_timing_cache_goes_in_and_out_as_bytes(config: Any) -> None:
    assert config.get_timing_cache() is None
    cache = config.create_timing_cache(b"")
    assert config.set_timing_cache(cache, ignore_mismatch=False)
    data = bytes(config.get_timing_cache().serialize())
    again = config.create_timing_cache(data)
    assert bytes(again.serialize()) == data
    assert again.combine(cache, False) and again.reset()


def test_bytes_that_are_no_timing_cache_give_none(config: Any, logger: CollectingLogger) -> None:
    assert config.create_timing_cache(b"not a cache at all") is None
    assert "timing cache" in logger.errors()[0]


def test_host_memory_is_a_buffer(config: Any, tmp_path: Any) -> None:
    memory = config.create_timing_cache(b"").serialize()
    data = bytes(memory)
    assert len(data) == memory.nbytes > 0
    assert memoryview(memory).readonly and memoryview(memory).tobytes() == data
    (tmp_path / "cache").write_bytes(memory)
    assert (tmp_path / "cache").read_bytes() == data


# Profiles


def test_a_profile_keeps_three_shapes_per_input(builder: Any, config: Any) -> None:
    profile = builder.create_optimization_profile()
    assert profile.get_shape("x") == []
    profile.set_shape("x", (1, 3), [4, 3], trt.Dims((8, 3)))
    assert profile.get_shape("x") == [(1, 3), (4, 3), (8, 3)]
    profile.set_shape(input="x", min=(20, 3), opt=(30, 3), max=(40, 3))  # wholly above the old range
    assert profile.get_shape("x")[0] == (20, 3)
    profile.set_shape_input("s", [1], [2], [3])
    assert profile.get_shape_input("s") == [[1], [2], [3]]
    assert profile and config.add_optimization_profile(profile) == 0
    assert config.add_optimization_profile(builder.create_optimization_profile()) == 1
    assert config.num_optimization_profiles == 2


@pytest.mark.parametrize(
    "shapes",
    [((2,), (1,), (3,)), ((1,), (4,), (3,)), ((1, 1), (1,), (1,)), ((-1,), (1,), (1,))],
)
def test_a_profile_refuses_ranges_out_of_order_and_keeps_the_old_one(builder: Any, shapes: Any) -> None:
    profile = builder.create_optimization_profile()
    profile.set_shape("x", (5,), (6,), (7,))
    with pytest.raises(RuntimeError, match="'x'"):
        profile.set_shape("x", *shapes)
    assert profile.get_shape("x") == [(5,), (6,), (7,)]


# TensorRT 7 and 8


def test_the_builder_has_its_old_properties(builder: Any) -> None:
    builder.max_batch_size = 16
    builder.max_workspace_size = 1 << 30
    builder.fp16_mode = True
    builder.strict_type_constraints = True
    assert (builder.max_batch_size, builder.max_workspace_size, builder.fp16_mode, builder.strict_type_constraints) == (
        16,
        1 << 30,
        True,
        True,
    )
    assert not builder.int8_mode
    builder.reset()
    assert (builder.max_batch_size, builder.fp16_mode) == (1, False)


def test_no_property_of_a_builder_raises(builder: Any) -> None:
    for name in public_attributes(builder):
        str(getattr(builder, name))


def test_a_network_knows_its_builder_and_flags(builder: Any) -> None:
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    assert network.builder is builder
    assert network.get_flag(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    assert not network.has_implicit_batch_dimension
    network.name = "mine"
    assert network.name == "mine"


def test_with_names_every_object(logger: CollectingLogger) -> None:
    with (
        trt.Builder(logger) as b,
        b.create_network() as n,
        b.create_builder_config() as c,
        trt.OnnxParser(n, logger) as p,
        trt.Runtime(logger) as r,
    ):
        assert all(thing is not None for thing in (b, n, c, p, r))
    b.__del__()
    assert b.max_threads == 1


def test_a_builder_may_be_derived_from(logger: CollectingLogger) -> None:
    class Mine(trt.Builder):
        def __init__(self) -> None:
            trt.Builder.__init__(self, logger)

        def create_network(self, flags: int = 0) -> Any:
            self.asked = flags
            return trt.Builder.create_network(self, flags)

    mine = Mine()
    assert mine.create_network(1).num_layers == 0 and mine.asked == 1


def test_a_network_without_outputs_is_not_supported(builder: Any, config: Any, logger: CollectingLogger) -> None:
    assert not builder.is_network_supported(builder.create_network(0), config)
    assert "output" in logger.errors()[0]


def source_mask(*names: str) -> int:
    return sum(1 << int(getattr(trt.TacticSource, name)) for name in names)


def tactics_of_relu(sources: int | None = None) -> tuple[set[str], list[str]]:
    """The kernels that a network of one layer runs with these sources, and what the logger was told."""
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    network = builder.create_network()
    x = network.add_input("x", trt.float32, (2, 3))
    network.mark_output(network.add_activation(x, trt.ActivationType.RELU).get_output(0))
    config = builder.create_builder_config()
    config.builder_optimization_level = 0
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if sources is not None:
        config.set_tactic_sources(sources)
    engine = trt.Runtime(logger).deserialize_cuda_engine(builder.build_serialized_network(network, config))
    described = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    return {layer["TacticName"] for layer in json.loads(described)["Layers"]}, [text for _, text in logger.messages]


@pytest.mark.parametrize(
    ("mask", "host"),
    [
        pytest.param(source_mask("HOST"), True, id="ours"),
        pytest.param(source_mask("CUBLAS", "CUDNN"), True, id="the libraries that older scripts name"),
        pytest.param(source_mask("EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS"), False, id="the default less ours"),
        pytest.param(0, False, id="none"),
    ],
)
def test_tactic_sources_choose_between_host_and_shaders(mask: int, host: bool) -> None:
    usual, _ = tactics_of_relu()
    if not all(name.endswith("/cpu") for name in usual):
        pytest.skip("no functions of the host here: a GPU, or switched off by TENSORVK_DISABLE")
    tactics, messages = tactics_of_relu(mask)
    shaderless = "vulkan" in os.environ.get("TENSORVK_DISABLE", "")
    assert all(name.endswith("/cpu") for name in tactics) == (host or shaderless), tactics
    assert any("HOST stays on" in text for text in messages) == (shaderless and not host)
