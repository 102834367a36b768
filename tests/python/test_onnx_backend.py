"""The ONNX backend takes what loses nothing, and says by name what it does not take."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import tensorvk as trt
from onnx import TensorProto, helper
from tensorvk import cudart
from tensorvk.onnx_backend import UnsupportedModel, prepare, run_model

X, N = np.array([1.5, -2.0, 3.0], np.float32), np.array([4, 5], np.int32)


def model_of(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    """Takes `x`, three floats, and `n`, two integers; gives `y` and `m` of the same types."""
    ends = [
        [
            helper.make_tensor_value_info(a, TensorProto.FLOAT, [3]),
            helper.make_tensor_value_info(b, TensorProto.INT32, [2]),
        ]
        for a, b in ("xn", "ym")
    ]
    graph = helper.make_graph([*nodes, helper.make_node("Identity", ["n"], ["m"])], "g", *ends)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


NEGATES = model_of(helper.make_node("Neg", ["x"], ["y"]))


@pytest.mark.parametrize(
    "inputs",
    [
        [X, N],
        {"n": N, "x": X},
        [X.astype(np.float64), N.astype(np.int16)],  # double is computed with float32; int32 holds every int16
        [X[::-1].copy()[::-1], N],
    ],
    ids=["order", "names", "types", "strides"],
)
def test_inputs_that_are_taken(inputs: Any) -> None:
    y, m = prepare(NEGATES).run(inputs)
    assert (y.dtype, m.dtype) == (np.float32, np.int32)
    np.testing.assert_array_equal(y, -X)
    np.testing.assert_array_equal(m, N)


@pytest.mark.parametrize(
    ("inputs", "error", "words"),
    [
        ([X], ValueError, "1 inputs were given; the model's are x, n: 2"),
        ([X, N, N], ValueError, "3 inputs were given"),
        ({"x": X}, ValueError, r"missing: n\); its inputs are x, n"),
        ({"x": X, "n": N, "z": N}, ValueError, "unknown: z"),
        ({"x": X, "N": N}, ValueError, "missing: n; unknown: N"),
        ([X, np.array([1.7, 2.0])], TypeError, "Input 'n' was given as float64, which int32 does not hold"),
        ([X, np.array([2**33 + 1, 0])], TypeError, "Input 'n' was given as int64"),
        ([N, N], TypeError, "Input 'x' was given as int32, which float32 does not hold"),
        ([X[:2], N], RuntimeError, "'x'"),
    ],
)
def test_inputs_that_are_refused(inputs: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        prepare(NEGATES).run(inputs)


@pytest.mark.parametrize("direction", ["cudaMemcpyHostToDevice", "cudaMemcpyDeviceToHost"])
def test_a_copy_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, direction: str) -> None:
    copy = cudart.cudaMemcpy

    def fails(target: Any, source: Any, size: int, kind: Any) -> Any:
        # Of a pointer that there is not: the call's own error.
        return copy(0, 0, size, kind) if kind.name == direction else copy(target, source, size, kind)

    engine = prepare(NEGATES)
    monkeypatch.setattr(cudart, "cudaMemcpy", fails)
    with pytest.raises(RuntimeError, match="The target is null"):
        engine.run([X, N])


def test_an_address_that_is_refused_is_told() -> None:
    class Refuses:
        """The context, but for one call."""

        def __init__(self, context: Any) -> None:
            self.context = context

        def __getattr__(self, name: str) -> Any:
            return getattr(self.context, name)

        def set_tensor_address(self, name: str, address: int) -> bool:
            return bool(self.context.set_tensor_address("no such tensor", address))

    engine = prepare(NEGATES)
    engine._context = Refuses(engine._context)
    with pytest.raises(RuntimeError, match="no such tensor"):
        engine.run([X, N])


def test_options_reach_the_builder_and_unknown_ones_are_refused() -> None:
    np.testing.assert_array_equal(run_model(NEGATES, [X, N], level=1)[0], -X)
    with pytest.raises(TypeError, match="nonsense"):
        run_model(NEGATES, [X, N], nonsense=1)
    with pytest.raises(TypeError, match="nonsense"):
        prepare(NEGATES).run([X, N], nonsense=1)


UNSUPPORTED = helper.make_node("NoSuchOperator", ["x"], ["y"])
INVALID = helper.make_node("Transpose", ["x"], ["y"], perm=[1, 0])


@pytest.mark.parametrize(
    ("nodes", "is_unsupported"), [([UNSUPPORTED], True), ([INVALID], False), ([UNSUPPORTED, INVALID], False)]
)
def test_only_a_valid_model_counts_as_unsupported(nodes: list[onnx.NodeProto], is_unsupported: bool) -> None:
    with pytest.raises(RuntimeError) as refusal:
        prepare(model_of(*nodes))
    assert isinstance(refusal.value, UnsupportedModel) == is_unsupported
    assert trt.last_error()
