"""Which parts of a model can be imported, asked before parsing it."""

from __future__ import annotations

import re
from typing import Any

import onnx
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


def errors(parser: Any) -> list[tuple[int, str]]:
    return [(e.node(), e.desc()) for e in (parser.get_error(i) for i in range(parser.num_errors))]


def test_operators_behind_bad_nodes_are_named_too(parser: Any) -> None:
    chain = model("Unheard", "Relu", "StringConcat", "Neg", "Unseen")
    assert not parser.parse(chain)
    assert [node for node, _ in errors(parser)] == [0, 2, 4]
    assert not parser.supports_model_v2(chain)
    assert subgraphs(parser) == [([0], False), ([1], True), ([2], False), ([3], True), ([4], False)]


def test_nodes_that_read_an_input_of_an_unsupported_type_are_named(parser: Any) -> None:
    nodes = [
        helper.make_node("StringNormalizer", ["s"], ["t"]),
        helper.make_node("LabelEncoder", ["t"], ["u"], domain="ai.onnx.ml"),
        helper.make_node("Identity", ["s"], ["v"]),
        helper.make_node("Relu", ["x"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info("s", TensorProto.STRING, [3]), helper.make_tensor_value_info("x", 1, [3])]
    graph = helper.make_graph(nodes, "strings", ends, [helper.make_tensor_value_info("y", 1, [3])])
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)]
    serialized = helper.make_model(graph, opset_imports=sets, ir_version=8).SerializeToString()
    assert not parser.supports_model_v2(serialized)
    assert [node for node, _ in errors(parser)] == [0, 1, 2]
    assert "'StringNormalizer'" in errors(parser)[0][1]
    assert "Input 's' has elements of type string" in errors(parser)[2][1]
    assert subgraphs(parser) == [([0, 1, 2], False), ([3], True)]


def test_an_input_of_an_unsupported_type_that_no_node_reads_is_an_error(parser: Any) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    ends = [helper.make_tensor_value_info(name, kind, [3]) for name, kind in (("x", 1), ("s", TensorProto.STRING))]
    graph = helper.make_graph([node], "unread", ends, [helper.make_tensor_value_info("y", 1, [3])])
    assert not parser.parse(helper.make_model(graph).SerializeToString())
    assert "Input 's' has elements of type string" in errors(parser)[0][1]


def test_branches_and_functions_behind_bad_nodes_are_looked_into(parser: Any) -> None:
    text = """<ir_version: 8, opset_import: ["" : 17, "acme" : 1, "own" : 1]>
    g (float[3] x, bool c) => (float[3] z) {
        y = If (c) <then_branch = t () => (a) { a = acme.One (x) }, else_branch = e () => (b) { b = acme.Two (x) }>
        w = own.F (y)
        z = own.F (w)
    }
    <domain: "own", opset_import: ["" : 17, "acme" : 1]> F (p) => (r) { q = acme.Three (p) r = Abs (q) }"""
    serialized = onnx.parser.parse_model(text).SerializeToString()
    assert not parser.parse(serialized)
    found = errors(parser)
    assert [node for node, _ in found] == [0, 0, 1, 2]
    for (_, sentence), op in zip(found[:3], ("One", "Two", "Three"), strict=True):
        assert f"acme.{op}" in sentence
    assert not parser.supports_model_v2(serialized)
    assert subgraphs(parser) == [([0, 1, 2], False)]


@pytest.mark.parametrize(
    ("op", "domain", "hint"),
    [
        ("EfficientNMS_TRT", "TRT", "plug-ins are not offered .*NonMaxSuppression"),
        ("InstanceNormalization_TRT", "", "plug-ins are not offered .*ONNX operators"),
        ("MoE", "com.microsoft", "default domain or com.microsoft that are"),
        ("Gellu", "com.microsoft", "did you mean 'com.microsoft.Gelu'"),
    ],
)
def test_what_to_try_instead_of_an_operator(parser: Any, op: str, domain: str, hint: str) -> None:
    node = helper.make_node(op, ["x"], ["y"], domain=domain)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("x", "y")]
    sets = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    graph = helper.make_graph([node], "one", ends[:1], ends[1:])
    assert not parser.parse(helper.make_model(graph, opset_imports=sets).SerializeToString())
    assert re.search(hint, errors(parser)[0][1])


def test_functions_of_other_operators_are_supported(parser: Any) -> None:
    assert parser.supports_operator("Conv")
    assert not parser.supports_operator("Unheard")
    assert not parser.supports_operator("com.microsoft.Unheard")
    assert parser.supports_operator("SwiGLU") == onnx.defs.has("SwiGLU")


def test_a_surplus_input_is_an_error(parser: Any) -> None:
    node = helper.make_node("Add", ["x", "x", "x"], ["y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("x", "y")]
    assert not parser.parse(
        helper.make_model(helper.make_graph([node], "surplus", ends[:1], ends[1:])).SerializeToString()
    )
    assert "takes 2 inputs at most, 3 were given" in errors(parser)[0][1]


def test_deep_nesting_is_counted(parser: Any) -> None:
    body = "a = Relu (x)"
    for _ in range(20):
        other = "else_branch = e () => (float[3] a) { a = Neg (x) }"
        body = f"a = If (c) <then_branch = t () => (float[3] a) {{ {body} }}, {other}>"
    text = f'<ir_version: 8, opset_import: ["" : 17]> g (float[3] x, bool c) => (float[3] a) {{ {body} }}'
    assert not parser.parse(onnx.parser.parse_model(text).SerializeToString())
    assert "more than 16 levels deep" in errors(parser)[0][1]
