"""Bodies of ONNX operators that are functions of others, from the ``onnx`` package when it is installed.

The parser asks :func:`find` for operators that TensorVK does not know, so that a new composite operator works with the
``onnx`` release that brings it.
"""

from __future__ import annotations

from typing import Any


def find(op_type: str, domain: str, opset: int, node: bytes, input_types: list[bytes]) -> bytes | None:
    """Serialized FunctionProto of an operator, or None when it is no function or ``onnx`` is not installed.

    ``node`` is the serialized NodeProto of the call, ``input_types`` a serialized TypeProto for each of its inputs
    (empty for an absent one): some operators have another body for each set of attributes and types. Without a node
    the question is whether the operator always has a body.
    """
    try:
        import onnx.defs
    except ImportError:
        return None
    try:
        schema: Any = onnx.defs.get_schema(op_type, opset, domain)  # its stubs leave the functions out
    except onnx.defs.SchemaError:
        return None
    # A body may be written in a later operator set than the operator: the newest that the model's own set still means.
    if schema.has_function:
        return bytes(schema.get_function_with_opset_version(_at_most(opset, schema.function_opset_versions)))
    if schema.has_context_dependent_function and node:
        version = _at_most(opset, schema.context_dependent_function_opset_versions)
        return bytes(schema.get_context_dependent_function_with_opset_version(version, node, input_types))
    return None


def _at_most(opset: int, versions: list[int]) -> int:
    return max([version for version in versions if version <= opset], default=min(versions))
