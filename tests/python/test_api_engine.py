"""Engines and contexts: by tensor name (TensorRT 10) and by binding index (<= 9) at once; runs, failures, lifetimes."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from engines import CollectingLogger, infer
from tensorvk import cudart

X = np.array([[-1, 2, -3], [4, -5, 6]], np.float32)


def relu_plan(
    *, verbosity: Any = trt.ProfilingVerbosity.DETAILED, profiles: int = 1, monitor: Any = None, logger: Any = None
) -> Any:
    """y = relu(x) for x of (-1, 3); profile k takes 1 .. 5 + k rows."""
    builder = trt.Builder(logger or CollectingLogger())
    network = builder.create_network()
    network.name = "relu"
    y = network.add_activation(network.add_input("x", trt.float32, (-1, 3)), trt.ActivationType.RELU).get_output(0)
    y.name = "y"
    network.mark_output(y)
    config = builder.create_builder_config()
    config.profiling_verbosity = verbosity
    config.progress_monitor = monitor
    for k in range(profiles):
        profile = builder.create_optimization_profile()
        profile.set_shape("x", (1, 3), (2, 3), (5 + k, 3))
        config.add_optimization_profile(profile)
    return builder.build_serialized_network(network, config)


def load(plan: Any, logger: Any = None) -> Any:
    return trt.Runtime(logger or CollectingLogger()).deserialize_cuda_engine(plan)


@pytest.fixture(scope="module")
def plan() -> bytes:
    memory = relu_plan(profiles=2)
    assert memory is not None, trt.last_error()
    return bytes(memory)


@pytest.fixture
def engine(plan: bytes) -> Any:
    engine = load(plan)
    assert engine is not None, trt.last_error()
    return engine


@pytest.fixture
def context(engine: Any) -> Any:
    return engine.create_execution_context()


@pytest.fixture
def memory() -> Iterator[list[int]]:
    """Device addresses of x (filled) and y (zeros)."""
    addresses = [cudart.cudaMalloc(X.nbytes)[1] for _ in range(2)]
    cudart.cudaMemcpy(addresses[0], X, X.nbytes, cudart.cudaMemcpyKind.cudaMemcpyHostToDevice)
    cudart.cudaMemset(addresses[1], 0, X.nbytes)
    yield addresses
    for address in addresses:
        cudart.cudaFree(address)


def result(memory: list[int]) -> Any:
    y = np.empty_like(X)
    cudart.cudaMemcpy(y, memory[1], y.nbytes, cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost)
    return y


# What an engine says about itself


def test_tensors_by_name(engine: Any) -> None:
    assert [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)] == ["x", "y"]
    assert [engine.get_tensor_mode(n) for n in ("x", "y")] == [trt.TensorIOMode.INPUT, trt.TensorIOMode.OUTPUT]
    assert engine.get_tensor_shape("y") == (-1, 3)
    assert engine.get_tensor_dtype("y") == trt.float32
    assert engine.get_tensor_profile_shape("x", 1) == [(1, 3), (2, 3), (6, 3)]
    assert engine.get_tensor_profile_shape("y", 1) == [(1, 3), (2, 3), (6, 3)]  # so that buffers can be made from it
    assert engine.get_tensor_location("x") == trt.TensorLocation.DEVICE
    assert engine.get_tensor_format("x") == trt.TensorFormat.LINEAR
    assert engine.get_tensor_bytes_per_component("x") == 4
    assert "Row major linear FP32" in engine.get_tensor_format_desc("x", 0)
    assert not engine.is_shape_inference_io("x")


def test_bindings_by_index(engine: Any) -> None:
    assert len(engine) == engine.num_bindings == 4  # two tensors, two profiles
    assert list(engine) == ["x", "y", "x [profile 1]", "y [profile 1]"]
    assert (engine[1], engine["y"], engine.get_binding_index("y"), engine.get_binding_index("z")) == ("y", 1, 1, -1)
    assert [engine.binding_is_input(i) for i in range(4)] == [True, False, True, False]
    assert engine.binding_is_input("x") and not engine.binding_is_input("y")
    assert engine.get_binding_shape(3) == engine.get_binding_shape("y") == (-1, 3)
    assert engine.get_binding_dtype(0) == trt.float32
    assert (
        engine.get_profile_shape(0, 0)
        == engine.get_profile_shape(profile_index=0, binding="x")
        == [(1, 3), (2, 3), (5, 3)]
    )
    with pytest.raises(IndexError, match="4 bindings"):
        engine[4]
    with pytest.raises(KeyError, match="'z'"):
        engine["z"]


def test_facts(engine: Any) -> None:
    assert engine.name == "relu"
    assert engine.num_optimization_profiles == 2
    assert engine.num_layers >= 1
    assert engine.device_memory_size == engine.device_memory_size_v2 >= 0
    assert not engine.refittable and not engine.has_implicit_batch_dimension


def test_no_property_raises(engine: Any, context: Any) -> None:
    for thing in (engine, context):
        for name in dir(thing):
            if not name.startswith("_") and name != "device_memory":  # write-only in TensorRT as well
                str(getattr(thing, name))


def test_an_unknown_name_is_logged_with_those_there_are(plan: bytes) -> None:
    logger = CollectingLogger()
    engine = load(plan, logger)
    assert engine.get_tensor_mode("z") == trt.TensorIOMode.NONE
    assert "'z'" in logger.errors()[0] and "y" in logger.errors()[0]


def test_a_plan_is_the_same_after_a_round_trip(engine: Any, plan: bytes) -> None:
    assert bytes(engine.serialize()) == plan


@pytest.mark.parametrize("convert", [bytes, bytearray, memoryview, lambda b: np.frombuffer(b, np.uint8)])
def test_any_buffer_is_a_plan(plan: bytes, convert: Any) -> None:
    assert load(convert(plan)).num_io_tensors == 2


def test_the_inspector_tells_layers_and_bindings(engine: Any, context: Any) -> None:
    inspector = engine.create_engine_inspector()
    inspector.execution_context = context
    assert inspector.execution_context is context
    information = json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))
    assert len(information["Layers"]) == engine.num_layers
    assert information["Layers"][0]["Name"]
    assert "Candidates" in information["Layers"][0]
    layer = json.loads(inspector.get_layer_information(0, trt.LayerInformationFormat.JSON))
    assert layer["Name"] == information["Layers"][0]["Name"]
    assert "Bindings" in inspector.get_engine_information(trt.LayerInformationFormat.ONELINE)
    assert inspector.get_layer_information(99, trt.LayerInformationFormat.JSON) == ""


def test_no_more_tactics_are_tried_than_the_user_wants() -> None:
    def tried(most: int) -> int:
        """For a convolution and what lays its input out."""
        builder = trt.Builder(CollectingLogger())
        network = builder.create_network()
        x = network.add_input("x", trt.float32, (1, 16, 20, 20))
        weights = np.random.default_rng(0).standard_normal((16, 16, 3, 3), np.float32)
        network.mark_output(network.add_convolution_nd(x, 16, (3, 3), weights).get_output(0))
        config = builder.create_builder_config()
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        config.max_num_tactics = most
        inspector = load(builder.build_serialized_network(network, config)).create_engine_inspector()
        layers = json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))["Layers"]
        candidates = [candidate for layer in layers for candidate in layer["Candidates"]]
        refusals = [candidate.get("Refused") for candidate in candidates]
        assert (f"not tried, max_num_tactics is {most}" in refusals) == (most == 1)
        return len([candidate for candidate in candidates if candidate.get("Milliseconds", -1) >= 0])

    assert tried(1) < tried(-1)


def test_the_inspector_gives_names_only_unless_asked_in_detail() -> None:
    engine = load(relu_plan(verbosity=trt.ProfilingVerbosity.LAYER_NAMES_ONLY))
    information = json.loads(engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON))
    assert information["Bindings"] == ["x", "y"]
    assert all(isinstance(layer, str) for layer in information["Layers"])


# Runs


def test_execute_v2(context: Any, memory: list[int]) -> None:
    assert context.set_binding_shape(0, (2, 3))
    assert context.execute_v2(bindings=memory)
    np.testing.assert_array_equal(result(memory), np.maximum(X, 0))


def test_execute_v2_takes_anything_with_int(context: Any, memory: list[int]) -> None:
    class Allocation:
        def __init__(self, address: int) -> None:
            self.address = address

        def __int__(self) -> int:
            return self.address

    context.set_input_shape("x", (2, 3))
    assert context.execute_v2([Allocation(memory[0]), np.uint64(memory[1])])
    np.testing.assert_array_equal(result(memory), np.maximum(X, 0))


def test_execute_async_v3(context: Any, memory: list[int]) -> None:
    _, stream = cudart.cudaStreamCreate()
    assert context.set_input_shape("x", X.shape)
    for name, address in zip("xy", memory, strict=True):
        assert context.set_tensor_address(name, address)
        assert context.get_tensor_address(name) == address
    assert context.execute_async_v3(stream_handle=stream)
    cudart.cudaStreamSynchronize(stream)
    np.testing.assert_array_equal(result(memory), np.maximum(X, 0))
    cudart.cudaStreamDestroy(stream)


def test_execute_async_v2_and_the_default_stream(context: Any, memory: list[int]) -> None:
    context.set_binding_shape(0, X.shape)
    assert context.execute_async_v2(memory, 0)
    np.testing.assert_array_equal(result(memory), np.maximum(X, 0))  # a synchronous copy waits for the default stream


def test_implicit_batch_spelling_runs(context: Any, memory: list[int]) -> None:
    context.set_binding_shape(0, X.shape)
    assert context.execute(batch_size=1, bindings=memory)
    np.testing.assert_array_equal(result(memory), np.maximum(X, 0))


def test_shapes_before_and_after_they_are_set(context: Any) -> None:
    assert not context.all_binding_shapes_specified
    assert context.infer_shapes() == ["x"]
    assert context.get_tensor_shape("y") == (-1, 3)
    assert context.set_input_shape("x", [4, 3])
    assert context.all_binding_shapes_specified and context.infer_shapes() == []
    assert context.get_tensor_shape("y") == context.get_binding_shape(1) == (4, 3)
    assert context.get_tensor_strides("y") == (3, 1)
    assert context.get_max_output_size("y") == 5 * 3 * 4


def test_a_second_profile_has_its_own_bindings(context: Any, memory: list[int]) -> None:
    assert context.active_optimization_profile == 0
    assert context.set_optimization_profile_async(1, 0)
    assert context.active_optimization_profile == 1
    assert context.set_binding_shape(2, (6, 3))
    assert context.set_binding_shape(2, (2, 3))
    assert context.execute_v2([0, 0, *memory])
    np.testing.assert_array_equal(result(memory), np.maximum(X, 0))
    with pytest.raises(RuntimeError, match="profile"):
        context.active_optimization_profile = 2


def test_a_profiler_hears_of_every_layer(engine: Any, context: Any, memory: list[int]) -> None:
    class Profiler(trt.IProfiler):
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)
            self.times: list[tuple[str, float]] = []

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self.times.append((layer_name, ms))

    context.profiler = profiler = Profiler()
    assert context.profiler is profiler
    context.set_input_shape("x", X.shape)
    assert context.execute_v2(memory)
    assert len(profiler.times) == engine.num_layers
    assert all(name and ms >= 0 for name, ms in profiler.times)
    np.testing.assert_array_equal(result(memory), np.maximum(X, 0))
    context.enqueue_emits_profile = False
    assert context.execute_v2(memory)
    assert len(profiler.times) == engine.num_layers
    assert context.report_to_profiler()
    assert len(profiler.times) == 2 * engine.num_layers


def test_threads_share_an_engine(engine: Any) -> None:
    def work(results: list[bool]) -> None:
        context = engine.create_execution_context()
        context.set_input_shape("x", X.shape)
        buffers = [cudart.cudaMalloc(X.nbytes)[1] for _ in range(2)]
        cudart.cudaMemcpy(buffers[0], X, X.nbytes, cudart.cudaMemcpyKind.cudaMemcpyHostToDevice)
        good = all(context.execute_v2(buffers) for _ in range(20))
        results.append(good and bool((result(buffers) == np.maximum(X, 0)).all()))
        for buffer in buffers:
            cudart.cudaFree(buffer)

    results: list[bool] = []
    threads = [threading.Thread(target=work, args=(results,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert results == [True] * 4


# Builds


def test_a_build_tells_its_monitor() -> None:
    class Monitor(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.steps: dict[str, list[int]] = {}
            self.open: list[str] = []

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            assert parent_phase is None and num_steps > 0
            self.open.append(phase_name)
            self.steps[phase_name] = []

        def step_complete(self, phase_name: str, step: int) -> bool:
            self.steps[phase_name].append(step)
            return True

        def phase_finish(self, phase_name: str) -> None:
            self.open.remove(phase_name)

    monitor = Monitor()
    assert relu_plan(monitor=monitor) is not None
    assert monitor.open == []
    assert monitor.steps and all(steps == list(range(len(steps))) and steps for steps in monitor.steps.values())


def test_a_monitor_cancels_a_build() -> None:
    class Impatient(trt.IProgressMonitor):
        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None: ...
        def phase_finish(self, phase_name: str) -> None: ...
        def step_complete(self, phase_name: str, step: int) -> bool:
            return False

    assert relu_plan(monitor=Impatient()) is None
    assert "cancelled" in trt.last_error()


def test_the_same_timing_cache_gives_the_same_bytes() -> None:
    def build(cache: bytes) -> tuple[bytes, bytes]:
        builder = trt.Builder(CollectingLogger())
        network = builder.create_network()
        x = network.add_input("x", trt.float32, (1, 3, 8, 8))
        network.mark_output(network.add_convolution_nd(x, 4, (3, 3), np.ones((4, 3, 3, 3), np.float32)).get_output(0))
        config = builder.create_builder_config()
        config.set_timing_cache(config.create_timing_cache(cache), False)
        plan = builder.build_serialized_network(network, config)
        return bytes(plan), bytes(config.get_timing_cache().serialize())

    _, cache = build(b"")
    first, _ = build(cache)
    second, _ = build(cache)
    assert first == second


def test_the_old_ways_to_an_engine() -> None:
    builder = trt.Builder(CollectingLogger())
    network = builder.create_network()
    network.mark_output(network.add_identity(network.add_input("x", trt.float32, (2, 3))).get_output(0))
    config = builder.create_builder_config()
    for engine in (
        builder.build_engine(network, config),
        builder.build_engine_with_config(network, config),
        builder.build_cuda_engine(network),
    ):
        assert engine.num_bindings == 2
    assert config.get_timing_cache() is not None  # the build's own


def test_a_failed_build_gives_none_and_one_sentence() -> None:
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    assert builder.build_serialized_network(builder.create_network(), builder.create_builder_config()) is None
    (sentence,) = logger.errors()
    assert "output" in sentence
    trt.set_raise_on_error(True)
    try:
        with pytest.raises(RuntimeError, match="output"):
            builder.build_serialized_network(builder.create_network(), builder.create_builder_config())
    finally:
        trt.set_raise_on_error(False)


# Lifetimes


@pytest.mark.parametrize("order", list(permutations(["logger", "runtime", "engine"])))
def test_a_context_outlives_all_that_it_came_from(plan: bytes, memory: list[int], order: tuple[str, ...]) -> None:
    objects: dict[str, Any] = {"logger": CollectingLogger()}
    objects["runtime"] = trt.Runtime(objects["logger"])
    objects["engine"] = objects["runtime"].deserialize_cuda_engine(plan)
    context = objects["engine"].create_execution_context()
    for name in order:
        del objects[name]
        gc.collect()
        assert not context.set_input_shape("x", (99, 3))  # logs an error: the logger is alive inside
    context.set_input_shape("x", X.shape)
    assert context.execute_v2(memory)
    assert context.engine.name == "relu"
    np.testing.assert_array_equal(result(memory), np.maximum(X, 0))


def test_a_context_gives_back_its_engine(engine: Any) -> None:
    assert engine.create_execution_context().engine is engine


def test_with_names_engine_and_context(plan: bytes) -> None:
    with load(plan) as engine, engine.create_execution_context() as context:
        context.name = "mine"
        assert context.name == "mine"


# Failures of runs


@pytest.mark.parametrize(
    ("bindings", "word"),
    [
        (lambda m: m[:1], "1 bindings"),
        (lambda m: [m[0], 0], "'y'"),
        (lambda m: [m[0], 12345], "'y'"),
    ],
)
def test_bad_bindings_are_refused(plan: bytes, memory: list[int], bindings: Any, word: str) -> None:
    logger = CollectingLogger()
    context = load(plan, logger).create_execution_context()
    context.set_input_shape("x", X.shape)
    assert not context.execute_v2(bindings(memory))
    assert word in logger.errors()[0]
    assert context.execute_v2(memory)


def test_a_run_without_shapes_is_refused(plan: bytes, memory: list[int]) -> None:
    logger = CollectingLogger()
    context = load(plan, logger).create_execution_context()
    assert not context.execute_v2(memory)
    assert "'x'" in logger.errors()[0]


def test_activations_may_live_in_the_users_memory() -> None:
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    network = builder.create_network()
    tensor = network.add_input("x", trt.float32, (1, 4, 5, 5))
    for _ in range(3):  # something must lie between the kernels
        layer = network.add_convolution_nd(tensor, 4, (3, 3), np.ones((4, 4, 3, 3), np.float32))
        layer.padding_nd = (1, 1)
        tensor = layer.get_output(0)
    network.mark_output(tensor)
    engine = builder.build_engine(network, builder.create_builder_config())
    feed = {"x": np.arange(100, dtype=np.float32).reshape(1, 4, 5, 5)}
    own = engine.create_execution_context()
    users = engine.create_execution_context_without_device_memory()
    assert engine.device_memory_size > 0
    _, memory = cudart.cudaMalloc(engine.device_memory_size)
    users.device_memory = memory
    for expected, actual in zip(infer(own, feed).values(), infer(users, feed).values(), strict=True):
        np.testing.assert_array_equal(expected, actual)
    users.set_device_memory(memory, 4)
    x = y = cudart.cudaMalloc(400)[1]
    assert not users.execute_v2([x, y])
    assert "activations" in trt.last_error().lower()
    cudart.cudaFree(memory)
    cudart.cudaFree(x)


@pytest.mark.parametrize("address", [1.0e9, np.float32(1e9), "4096", b"4096"])
def test_an_address_is_no_float_and_no_text(context: Any, address: Any) -> None:
    with pytest.raises(TypeError, match="An address or handle is an int"):
        context.set_tensor_address("x", address)
    with pytest.raises(TypeError, match="An address or handle is an int"):
        context.execute_v2([address, address])
