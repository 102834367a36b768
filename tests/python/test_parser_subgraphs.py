"""Which parts of a model can be imported, asked before parsing it."""

from __future__ import annotations

from typing import Any

import pytest
import tensorvk as trt
from engines import CollectingLogger
from onnx import TensorProto, helper


def model(*operators: str) -> bytes:
    """A chain of operators with one input and one output each."""
    names = [f"t{i}" for i in range(len(operators) + 1)]
    nodes = [helper.make_node(op, [names[i]], [names[i + 1]]) for i, op in enumerate(operators)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3)) for name in (names[0], names[-1])]
    return bytes(helper.make_model(helper.make_graph(nodes, "chain", ends[:1], ends[1:])).SerializeToString())


@pytest.fixture
def parser() -> Any:
    logger = CollectingLogger()
    return trt.OnnxParser(trt.Builder(logger).create_network(0), logger)


def subgraphs(parser: Any) -> list[tuple[list[int], bool]]:
    return [(parser.get_subgraph_nodes(i), parser.is_subgraph_supported(i)) for i in range(parser.num_subgraphs)]


def test_a_supported_model_is_one_subgraph(parser: Any) -> None:
    assert parser.num_subgraphs == 0
    assert parser.supports_model_v2(model("Relu", "Exp", "Neg"))
    assert subgraphs(parser) == [([0, 1, 2], True)]


def test_an_unknown_operator_parts_the_model(parser: Any) -> None:
    assert not parser.supports_model_v2(model("Relu", "Exp", "Unheard", "Neg"))
    assert subgraphs(parser) == [([0, 1], True), ([2], False), ([3], True)]


def test_the_older_call_returns_all_at_once(parser: Any) -> None:
    assert parser.supports_model(model("Relu", "Neg")) == (True, [([0, 1], True)])
    assert parser.supports_model(model("Unheard", "Neg")) == (False, [([0], False), ([1], True)])


def test_a_damaged_file_has_no_subgraphs(parser: Any) -> None:
    assert parser.supports_model(b"no model") == (False, [])


def test_an_index_beyond_the_last_is_an_error(parser: Any) -> None:
    parser.supports_model_v2(model("Relu"))
    for call in (parser.is_subgraph_supported, parser.get_subgraph_nodes):
        with pytest.raises(IndexError, match="1 subgraphs; there is no subgraph 1"):
            call(1)
