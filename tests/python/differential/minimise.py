"""A failing model, as small as it still fails."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import helper

from .case import Case
from .check import PASSED, UNSUPPORTED, Verdict, check
from .draw import Array
from .recipe import onnx_type


def names_read(node: onnx.NodeProto) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        for graph in [attribute.g, *attribute.graphs]:
            for inner in graph.node:
                yield from names_read(inner)


def cut(case: Case, nodes: list[onnx.NodeProto], outputs: list[str]) -> Case:
    """Only these nodes; what others gave becomes an input."""
    given = {name for node in nodes for name in node.output}
    read = {name for node in nodes for name in names_read(node)}
    old = case.model.graph
    known = [{**feed, **inner} for feed, inner in zip(case.feeds, case.inner, strict=True)]
    constants = [tensor for tensor in old.initializer if tensor.name in read or tensor.name in outputs]
    inputs = [value for value in old.input if value.name in read or value.name in outputs]
    have = {value.name for value in inputs} | {tensor.name for tensor in constants} | given
    inputs += [_info(name, [run[name] for run in known]) for name in sorted(read - have) if name in known[0]]
    graph = helper.make_graph(
        nodes, old.name, inputs, [_info(name, [run[name] for run in known], True) for name in outputs], constants
    )
    model = helper.make_model(graph, opset_imports=case.model.opset_import, ir_version=case.model.ir_version)
    feeds = [{value.name: run[value.name] for value in inputs} for run in known]
    expected = [{name: run[name] for name in outputs} for run in known]
    return Case(case.kind, case.name, model, feeds, expected, case.tolerance, case.half_tolerance, case.inner)


def _info(name: str, samples: list[Array], untyped: bool = False) -> onnx.ValueInfoProto:
    shapes = list(zip(*(sample.shape for sample in samples), strict=True))
    dims = [dim[0] if len(set(dim)) == 1 else f"{name}_{axis}" for axis, dim in enumerate(shapes)]
    return helper.make_tensor_value_info(name, onnx_type(samples[0].dtype.type), None if untyped else dims)


def _similar(verdict: Verdict, other: Verdict) -> bool:
    return verdict.status == other.status and verdict.status not in (PASSED, UNSUPPORTED)


def minimise(case: Case, verdict: Verdict, half: bool = False) -> tuple[Case, Verdict]:
    """Outputs that are not needed go first, then one node after another, while the same kind of failure stays."""
    if not case.inner:
        return case, verdict
    # An inner value that is wrong already makes what follows it needless.
    best, best_verdict = case, verdict
    for name in case.inner[0]:
        candidate = cut(case, list(case.model.graph.node), [name])
        if any(name in node.output for node in candidate.model.graph.node) and _similar(
            check_quietly(candidate, half), verdict
        ):
            best, best_verdict = candidate, check_quietly(candidate, half)
            break
    changed = True
    while changed:
        changed = False
        nodes = list(best.model.graph.node)
        outputs = [value.name for value in best.model.graph.output]
        for node in nodes:
            if len(nodes) == 1 or (set(node.output) & set(outputs)):
                continue
            candidate = cut(best, [other for other in nodes if other is not node], outputs)
            found = check_quietly(candidate, half)
            if _similar(found, verdict):
                best, best_verdict, changed = candidate, found, True
                break
    return best, best_verdict


def check_quietly(case: Case, half: bool) -> Verdict:
    try:
        return check(case, half)
    except Exception as error:  # a cut that makes no model at all is not what is looked for
        return Verdict(PASSED, str(error))
