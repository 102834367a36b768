"""Bad input gets one clear sentence, and the process lives on: after each case a good network is built and run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tensorvk as trt
from engines import CollectingLogger, build_plan, infer, load
from onnx import TensorProto, helper, numpy_helper
from tensorvk import cudart

H2D = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice


def model(
    nodes: list[Any],
    inputs: dict[str, Any],
    outputs: list[str],
    initializers: dict[str, Any] | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (initializers or {}).items()],
    )
    for output in graph.output:
        output.type.tensor_type.elem_type = TensorProto.FLOAT
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def relu_model(shape: list[Any]) -> onnx.ModelProto:
    return model([helper.make_node("Relu", ["x"], ["y"], name="only_relu")], {"x": shape}, ["y"])


GOOD = relu_model([2, 3]).SerializeToString()


@pytest.fixture(autouse=True)
def process_lives_on() -> Any:
    yield
    x = np.array([[-1, 2, -3], [4, -5, 6]], np.float32)
    np.testing.assert_array_equal(
        infer(load(build_plan(GOOD, level=0)).create_execution_context(), {"x": x})["y"], np.maximum(x, 0)
    )


def parse_errors(data: bytes) -> list[str]:
    """What the parser says about bytes that it must refuse."""
    logger = CollectingLogger()
    network = trt.Builder(logger).create_network(1)
    parser = trt.OnnxParser(network, logger)
    assert not parser.parse(data)
    assert parser.num_errors > 0
    return [parser.get_error(i).desc() for i in range(parser.num_errors)]


def build_errors(data: bytes, prepare: Callable[[Any, Any, Any], None] = lambda builder, network, config: None) -> str:
    """What the builder logs about a network that parses but must not build."""
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    network = builder.create_network(1)
    assert trt.OnnxParser(network, logger).parse(data), logger.errors()
    config = builder.create_builder_config()
    prepare(builder, network, config)
    assert builder.build_serialized_network(network, config) is None
    return only(logger.errors())


def load_errors(plan: bytes) -> str:
    logger = CollectingLogger()
    assert trt.Runtime(logger).deserialize_cuda_engine(plan) is None
    return only(logger.errors())


def only(messages: list[str]) -> str:
    assert messages, "nothing was logged"
    return sentence(messages[-1])


def sentence(message: str) -> str:
    """One clear sentence: neither empty nor a novel."""
    assert 20 <= len(message) <= 700, message
    assert "\n" not in message.strip(), message
    return message


def mentions(message: str, *parts: str) -> None:
    for part in parts:
        assert part in message, message


# --- files and bytes ---


def test_no_file(tmp_path: Path) -> None:
    logger = CollectingLogger()
    parser = trt.OnnxParser(trt.Builder(logger).create_network(1), logger)
    assert not parser.parse_from_file(str(tmp_path / "absent.onnx"))
    mentions(sentence(parser.get_error(0).desc()), "absent.onnx")


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    logger = CollectingLogger()
    parser = trt.OnnxParser(trt.Builder(logger).create_network(1), logger)
    assert not parser.parse_from_file(str(tmp_path))
    mentions(sentence(parser.get_error(0).desc()), tmp_path.name)


def test_no_onnx() -> None:
    sentence(parse_errors(b"this is a text file, not a network\n" * 10)[0])


def test_empty_bytes() -> None:
    sentence(parse_errors(b"")[0])


def test_truncated_onnx() -> None:
    data = model(
        [helper.make_node("Add", ["x", "c"], ["y"])], {"x": [100]}, ["y"], {"c": np.ones(100, np.float32)}
    ).SerializeToString()
    sentence(parse_errors(data[: len(data) // 2])[0])


# --- nodes ---


def test_unknown_operator() -> None:
    data = model([helper.make_node("Frobnicate", ["x"], ["y"], name="strange")], {"x": [2]}, ["y"]).SerializeToString()
    mentions(sentence(parse_errors(data)[0]), "strange", "Frobnicate")


def test_unknown_domain() -> None:
    proto = model([helper.make_node("Relu", ["x"], ["y"], name="foreign", domain="com.example")], {"x": [2]}, ["y"])
    proto.opset_import.append(helper.make_opsetid("com.example", 1))
    mentions(sentence(parse_errors(proto.SerializeToString())[0]), "foreign", "com.example")


@pytest.mark.parametrize(("domain", "op"), [("", "com.microsoft.Trilu"), ("com", "microsoft.Trilu")])
def test_a_domain_belongs_to_the_domain_and_not_into_the_operators_name(domain: str, op: str) -> None:
    proto = model([helper.make_node(op, ["x"], ["y"], name="odd", domain=domain)], {"x": [2]}, ["y"])
    proto.opset_import.extend([helper.make_opsetid("com", 1), helper.make_opsetid("com.microsoft", 1)])
    mentions(sentence(parse_errors(proto.SerializeToString())[0]), "odd", op)


def test_all_bad_nodes_at_once() -> None:
    nodes = [
        helper.make_node("Frobnicate", ["x"], ["a"], name="first"),
        helper.make_node("Relu", ["x"], ["b"], name="fine"),
        helper.make_node("Defrobnicate", ["b"], ["c"], name="second"),
        helper.make_node("Add", ["a", "c"], ["y"], name="innocent"),
    ]
    errors = parse_errors(model(nodes, {"x": [2]}, ["y"]).SerializeToString())
    text = " ".join(errors)
    mentions(text, "first", "second")
    assert "innocent" not in text and "fine" not in text


def test_each_bad_node_is_logged_and_recorded_once_with_its_kind() -> None:
    class Recorder(trt.IErrorRecorder):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IErrorRecorder.__init__(self)
            self.errors: list[tuple[Any, str]] = []

        def report_error(self, code: Any, desc: str) -> bool:
            self.errors.append((code, desc))
            return False

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="misfit"),
        helper.make_node("Frobnicate", ["x"], ["b"], name="unknown"),
        helper.make_node("Relu", ["x"], ["b"], name="again"),
    ]
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    recorder = Recorder()
    builder.error_recorder = recorder
    network = builder.create_network(1)
    data = model(nodes, {"x": [1, 4, 8, 8]}, ["a"], {"w": np.zeros((3, 3, 3, 3), np.float32)}).SerializeToString()
    assert not trt.OnnxParser(network, logger).parse(data)
    for name in ("misfit", "unknown", "again"):
        assert sum(name in message for message in logger.errors()) == 1, logger.errors()
    codes = {name: code for code, text in recorder.errors for name in ("misfit", "unknown", "again") if name in text}
    assert len(recorder.errors) == 3
    assert codes == {
        "misfit": trt.ErrorCodeTRT.INVALID_ARGUMENT,
        "unknown": trt.ErrorCodeTRT.UNSUPPORTED_STATE,
        "again": trt.ErrorCodeTRT.INVALID_ARGUMENT,
    }


def test_wrong_rank() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="flat_conv")
    data = model([node], {"x": [3, 3]}, ["y"], {"w": np.ones((1, 1, 3, 3), np.float32)}).SerializeToString()
    mentions(sentence(parse_errors(data)[0]), "flat_conv")


def test_wrong_channels() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="misfit")
    data = model([node], {"x": [1, 3, 8, 8]}, ["y"], {"w": np.ones((4, 5, 3, 3), np.float32)}).SerializeToString()
    mentions(sentence(parse_errors(data)[0]), "misfit", "108", "180")


def test_missing_input_tensor() -> None:
    data = model([helper.make_node("Add", ["x", "ghost"], ["y"], name="lonely")], {"x": [2]}, ["y"]).SerializeToString()
    mentions(sentence(parse_errors(data)[0]), "lonely", "ghost")


def test_missing_attribute() -> None:
    data = model(
        [helper.make_node("MaxPool", ["x"], ["y"], name="windowless")], {"x": [1, 1, 4, 4]}, ["y"]
    ).SerializeToString()
    mentions(sentence(parse_errors(data)[0]), "windowless", "kernel_shape")


def test_weights_shorter_than_their_shape() -> None:
    proto = model([helper.make_node("Add", ["x", "c"], ["y"])], {"x": [4]}, ["y"], {"c": np.ones(4, np.float32)})
    proto.graph.initializer[0].raw_data = proto.graph.initializer[0].raw_data[:-4]
    mentions(sentence(parse_errors(proto.SerializeToString())[0]), "'c'")


def test_shapes_that_do_not_broadcast() -> None:
    data = model(
        [helper.make_node("Add", ["x", "c"], ["y"], name="sum")], {"x": [4]}, ["y"], {"c": np.ones(3, np.float32)}
    ).SerializeToString()
    mentions(sentence(parse_errors(data)[0]), "sum", "4", "3")


def test_reshape_to_another_number_of_elements() -> None:
    node = helper.make_node("Reshape", ["x", "s"], ["y"], name="shrink")
    data = model([node], {"x": [4]}, ["y"], {"s": np.array([3], np.int64)}).SerializeToString()
    mentions(sentence(parse_errors(data)[0]), "shrink")


def test_absurd_weight_shape() -> None:
    proto = model([helper.make_node("Add", ["x", "c"], ["y"])], {"x": [4]}, ["y"], {"c": np.ones(4, np.float32)})
    proto.graph.initializer[0].dims[:] = [1 << 40, 1 << 40]
    sentence(parse_errors(proto.SerializeToString())[0])


# --- external data ---


def external(tmp_path: Path, location: str, length: int = 16) -> Path:
    proto = model([helper.make_node("Add", ["x", "c"], ["y"])], {"x": [4]}, ["y"], {"c": np.ones(4, np.float32)})
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": "0", "length": str(length)}.items():
        tensor.external_data.add(key=key, value=value)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(proto.SerializeToString())
    return folder / "model.onnx"


def file_error(path: Path) -> str:
    logger = CollectingLogger()
    parser = trt.OnnxParser(trt.Builder(logger).create_network(1), logger)
    assert not parser.parse_from_file(str(path))
    return sentence(parser.get_error(0).desc())


def test_external_data_outside_the_models_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    mentions(file_error(external(tmp_path, "../secret.bin")), "../secret.bin")


def test_external_data_at_an_absolute_path(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    mentions(file_error(external(tmp_path, str(tmp_path / "secret.bin"))), "secret.bin")


def test_external_data_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    path = external(tmp_path, "weights.bin")
    (path.parent / "weights.bin").symlink_to(tmp_path / "secret.bin")
    mentions(file_error(path), "weights.bin")


def test_external_data_that_is_too_short(tmp_path: Path) -> None:
    path = external(tmp_path, "weights.bin")
    (path.parent / "weights.bin").write_bytes(bytes(8))
    mentions(file_error(path), "weights.bin")


def test_external_data_that_is_absent(tmp_path: Path) -> None:
    mentions(file_error(external(tmp_path, "weights.bin")), "weights.bin")


# --- networks and profiles ---


def test_network_without_output() -> None:
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    network = builder.create_network(1)
    network.add_input("x", trt.float32, (2,))
    assert builder.build_serialized_network(network, builder.create_builder_config()) is None
    mentions(only(logger.errors()), "output")


def test_profile_that_says_nothing_of_a_dynamic_input() -> None:
    def prepare(builder: Any, network: Any, config: Any) -> None:
        config.add_optimization_profile(builder.create_optimization_profile())

    mentions(build_errors(relu_model(["n", 3]).SerializeToString(), prepare), "'x'", "profile")


def test_profile_with_min_above_max() -> None:
    profile = trt.Builder(CollectingLogger()).create_optimization_profile()
    with pytest.raises((RuntimeError, ValueError)) as refusal:
        profile.set_shape("x", (4, 3), (4, 3), (2, 3))
    mentions(sentence(str(refusal.value)), "'x'", "(4, 3)", "max shape (2, 3)", "must not exceed")


def test_profile_that_contradicts_a_fixed_dimension() -> None:
    def prepare(builder: Any, network: Any, config: Any) -> None:
        profile = builder.create_optimization_profile()
        profile.set_shape("x", (1, 4), (1, 4), (2, 4))
        config.add_optimization_profile(profile)

    mentions(build_errors(relu_model(["n", 3]).SerializeToString(), prepare), "'x'", "fixes this axis to 3")


# --- plans ---


@pytest.fixture(scope="module")
def plan() -> bytes:
    return build_plan(GOOD, level=0)


def test_no_plan() -> None:
    load_errors(b"definitely not a plan" * 10)


def test_empty_plan() -> None:
    load_errors(b"")


def test_truncated_plan(plan: bytes) -> None:
    load_errors(plan[:-1])


def test_corrupted_plan(plan: bytes) -> None:
    damaged = bytearray(plan)
    damaged[len(plan) // 2] ^= 0x40
    load_errors(bytes(damaged))


def test_plan_of_a_future_version(plan: bytes) -> None:
    future = bytearray(plan)
    future[8] += 1  # the version follows the eight magic bytes
    mentions(load_errors(bytes(future)), "version")


# --- running ---


class Running:
    """A context of the good network with memory bound, and the logger that hears about it."""

    def __init__(self, plan: bytes) -> None:
        self.logger = CollectingLogger()
        self.engine = trt.Runtime(self.logger).deserialize_cuda_engine(plan)
        self.context = self.engine.create_execution_context()
        self.memory = [cudart.cudaMalloc(24)[1], cudart.cudaMalloc(24)[1]]

    def refused(self, bindings: list[int]) -> str:
        assert not self.context.execute_v2(bindings)
        return only(self.logger.errors())


@pytest.fixture
def running(plan: bytes) -> Any:
    state = Running(plan)
    yield state
    for address in state.memory:
        cudart.cudaFree(address)


def test_null_pointer(running: Running) -> None:
    mentions(running.refused([0, running.memory[1]]), "'x'")


def test_freed_pointer(running: Running) -> None:
    _, address = cudart.cudaMalloc(24)
    cudart.cudaFree(address)
    mentions(running.refused([address, running.memory[1]]), "'x'", f"{address:x}")


def test_too_small_buffer(running: Running) -> None:
    _, address = cudart.cudaMalloc(8)
    mentions(running.refused([address, running.memory[1]]), "'x'", "24")
    cudart.cudaFree(address)


def test_pointer_that_was_never_allocated(running: Running) -> None:
    running.refused([0x1234560, running.memory[1]])


def test_too_few_bindings(running: Running) -> None:
    mentions(running.refused([running.memory[0]]), "1", "2")


@pytest.fixture
def dynamic() -> tuple[Any, CollectingLogger]:
    """A context for 1 to 4 rows, and the logger that hears about it."""
    logger = CollectingLogger()
    data = build_plan(relu_model(["n", 3]).SerializeToString(), {"x": ((1, 3), (2, 3), (4, 3))}, level=0)
    return trt.Runtime(logger).deserialize_cuda_engine(data).create_execution_context(), logger


def test_shape_outside_a_profile(dynamic: tuple[Any, CollectingLogger]) -> None:
    context, logger = dynamic
    assert not context.set_input_shape("x", (5, 3))
    mentions(only(logger.errors()), "'x'", "5", "1 to 4")
    assert context.set_input_shape("x", (4, 3))


def test_shape_of_the_wrong_rank(dynamic: tuple[Any, CollectingLogger]) -> None:
    context, logger = dynamic
    assert not context.set_input_shape("x", (4, 3, 1))
    mentions(only(logger.errors()), "'x' has 2 dimensions", "shape of 3")


def test_shapes_not_set() -> None:
    logger = CollectingLogger()
    data = build_plan(relu_model(["n", 3]).SerializeToString(), {"x": ((1, 3), (2, 3), (4, 3))}, level=0)
    context = trt.Runtime(logger).deserialize_cuda_engine(data).create_execution_context()
    _, address = cudart.cudaMalloc(64)
    assert not context.execute_v2([address, address])
    mentions(only(logger.errors()), "'x'")
    cudart.cudaFree(address)


def test_unknown_tensor_name(plan: bytes) -> None:
    logger = CollectingLogger()
    context = trt.Runtime(logger).deserialize_cuda_engine(plan).create_execution_context()
    assert not context.set_tensor_address("nobody", 0)
    mentions(only(logger.errors()), "'nobody'", "x")


# --- memory ---


def test_copy_past_the_end_of_an_allocation() -> None:
    _, address = cudart.cudaMalloc(16)
    (error,) = cudart.cudaMemcpy(address + 8, np.zeros(4, np.float32), 16, H2D)
    assert error == cudart.cudaError_t.cudaErrorInvalidValue
    cudart.cudaFree(address)


def test_copy_from_a_numpy_array_that_is_too_small() -> None:
    _, address = cudart.cudaMalloc(1024)
    (error,) = cudart.cudaMemcpy(address, np.zeros(4, np.float32), 1024, H2D)
    assert error == cudart.cudaError_t.cudaErrorInvalidValue
    cudart.cudaFree(address)


def test_double_free() -> None:
    _, address = cudart.cudaMalloc(16)
    assert cudart.cudaFree(address)[0] == cudart.cudaError_t.cudaSuccess
    assert cudart.cudaFree(address)[0] != cudart.cudaError_t.cudaSuccess


def test_more_memory_than_there_is() -> None:
    assert cudart.cudaMalloc(1 << 60)[0] == cudart.cudaError_t.cudaErrorMemoryAllocation
