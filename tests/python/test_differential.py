"""Random models give ONNX Runtime's results: some of them every day, ten thousand graphs in `./run test-all`."""

from __future__ import annotations

import collections
import os

import numpy as np
import onnx
import pytest
from differential.check import CRASHED, FAILED, UNSUPPORTED, WRONG
from differential.minimise import minimise
from differential.pool import make_case, run
from differential.recipes import RECIPES
from tensorvk.onnx_backend import prepare

JOBS = os.cpu_count() or 1


def expect_no_difference(names: list[str], most_unsupported: float) -> collections.Counter[str]:
    """Each model runs and gives the reference's result, but for a share that TensorVK refuses by name.
    Returns how many layers each pass of the compiler had a hand in."""
    counts: collections.Counter[str] = collections.Counter()
    passes: collections.Counter[str] = collections.Counter()
    bad = []
    for name, verdict, _ in run(names, JOBS):
        counts[verdict.status] += 1
        passes += verdict.passes
        if verdict.status in (CRASHED, FAILED, WRONG):
            bad.append(f"{verdict.status}: {verdict.reason}\n    python -m tests.python.differential --repeat {name}")
    assert not bad, "\n".join(bad)
    assert sum(counts.values()) == len(names)
    assert counts[UNSUPPORTED] <= most_unsupported * len(names)
    return passes


def test_one_model_of_each_operator() -> None:
    expect_no_difference([f"{op}:0" for op in RECIPES], most_unsupported=0)


def test_some_graphs() -> None:
    expect_no_difference([f"graph:{number}" for number in range(200)], most_unsupported=0)


def test_some_graphs_of_parts() -> None:
    expect_no_difference([f"parts:{number}" for number in range(100)], most_unsupported=0)


@pytest.mark.slow
@pytest.mark.once  # it says which kernels compute
def test_a_thousand_graphs_of_parts_by_shaders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges with gaps are read, and siblings joined, where no host's kernels compute."""
    monkeypatch.setenv("TENSORVK_DISABLE", "host_kernels")
    passes = expect_no_difference([f"parts:{number}" for number in range(1000)], most_unsupported=0.005)
    for name in ("view_slices", "fuse_siblings", "keep_blocks", "fuse_attention", "place_parts"):
        assert passes[name] > 0, name


@pytest.mark.slow
def test_ten_thousand_graphs() -> None:
    # Four of 1,500 meet an extent that only the run tells (of Loop, of Compress) and that does not equal another there;
    # they are refused by name.
    expect_no_difference([f"graph:{number}" for number in range(10_000)], most_unsupported=0.005)


def test_a_recipe_is_of_an_operator_that_is_offered() -> None:
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history() if schema.domain == ""}
    assert RECIPES.keys() <= known
    assert len(RECIPES) > 100


def test_the_same_name_is_the_same_model() -> None:
    for name in ("graph:7", "parts:7", "Slice:3"):
        first, again = make_case(name), make_case(name)
        assert first.model == again.model
        for feed, other in zip(first.feeds, again.feeds, strict=True):
            assert all(np.array_equal(feed[key], other[key]) for key in feed)


def test_outputs_of_graphs_are_not_all_zeros() -> None:
    """What is zero in any case shows no mistake of what lies before it."""
    for number in range(30):
        for outputs in make_case(f"graph:{number}").expected:
            zeros = [k for k, y in outputs.items() if y.dtype.kind == "f" and y.size > 1 and not y.any()]
            assert not zeros, f"graph:{number}: {zeros}"


def test_a_wrong_result_is_found_and_its_model_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend whose every Relu is the identity: what is left of a graph is the node that shows it."""

    class Spoiled:
        def __init__(self, model: onnx.ModelProto, **options: object) -> None:
            copy = onnx.ModelProto()
            copy.CopyFrom(model)
            for node in copy.graph.node:
                if node.op_type == "Relu":
                    node.op_type = "Identity"
            self.backend = prepare(copy, **options)
            self._engine = self.backend._engine

        def run(self, feed: object) -> object:
            return self.backend.run(feed)

    monkeypatch.setattr("tensorvk.onnx_backend.prepare", Spoiled)
    from differential.check import check

    for number in range(200):
        case = make_case(f"graph:{number}")
        if any(node.op_type == "Relu" for node in case.model.graph.node) and len(case.model.graph.node) > 4:
            verdict = check(case)
            if verdict.status == WRONG:
                small, verdict = minimise(case, verdict)
                assert verdict.status == WRONG
                assert "Relu" in [node.op_type for node in small.model.graph.node]
                assert len(small.model.graph.node) < len(case.model.graph.node)
                return
    pytest.fail("none of 200 graphs shows a Relu that does nothing")
