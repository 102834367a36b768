"""What a run refuses in one sentence that names the layer, and what ends early: the next run works."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import onnx
import pytest
import tensorvk as trt
from engines import CollectingLogger, build_plan, load
from onnx import parser
from tensorvk import cudart
from tensorvk.onnx_backend import prepare

Array = np.ndarray[Any, Any]


def model_of(graph: str) -> onnx.ModelProto:
    return parser.parse_model(f'<ir_version: 10, opset_import: ["": 21]> {graph}')


def ready(graph: str) -> Any:
    return prepare(model_of(graph), level=0)


ONES = np.ones(3, np.float32)
BRANCHES = """g (float[N] x, bool[Q] c) => (float[M] y) {
    [pick] y = If(c) <
        then_branch = t () => (float[a] p) { p = Neg(x) },
        else_branch = e () => (float[b] q) { q = Abs(x) }
    >
}"""
TRIPS = """g (float[N] x, int64[Q] n) => (float[M] y) {
    yes = Constant<value: tensor = bool {1}>()
    [again] y = Loop(n, yes, x) <body = b (int64 i, bool c, float[K] s) => (bool d, float[K] t) {
        d = Identity(c)
        t = Add(s, s)
    }>
}"""
GOES_ON = """g (float[N] x, bool[Q] more) => (float[M] y) {
    [again] y = Loop("", "", x) <body = b (int64 i, bool c, float[K] s) => (bool d, float[K] t) {
        d = Identity(more)
        t = Add(s, s)
    }>
}"""


@pytest.mark.parametrize(
    ("graph", "name", "layer", "good"),
    [
        (BRANCHES, "c", "pick", [True]),
        (TRIPS, "n", "again", [1]),
        (GOES_ON, "more", "again", [False]),
    ],
)
def test_conditions_and_counts_are_one_number(graph: str, name: str, layer: str, good: list[Any]) -> None:
    ours = ready(graph)
    for count in (0, 2):
        bad = np.array(good * count, np.array(good).dtype)
        with pytest.raises(RuntimeError, match=rf"'{layer}'.*takes one number.*\[{count}\]"):
            ours.run({"x": ONES, name: bad})
    assert ours.run({"x": ONES, name: np.array(good)})[0].shape == (3,)


RANGE = "g (int64 a, int64 b, int64 d) => (int64[N] y) { [steps] y = Range(a, b, d) }"


def test_a_division_by_zero_names_the_layer() -> None:
    ours = ready(RANGE)
    with pytest.raises(RuntimeError, match=r"'steps'.*divided by 0"):
        ours.run([np.int64(0), np.int64(3), np.int64(0)])
    np.testing.assert_array_equal(ours.run([np.int64(0), np.int64(3), np.int64(2)])[0], [0, 2])


def test_the_sentence_of_a_shape_stays_short() -> None:
    """Each sum doubles the expression's full text."""
    sums = " ".join(f"s{i + 1} = Add(s{i}, s{i}) q{i} = Mul(s{i + 1}, s{i + 1})" for i in range(20))
    text = f"g (float[N] x) => (float[M] y) {{ s0 = Shape(x) {sums} p = Add(q18, q19) [re] y = Reshape(x, p) }}"
    logger = CollectingLogger()
    with pytest.raises(RuntimeError) as failure:
        prepare(model_of(text), level=0).run([ONES])
    sentences = [str(failure.value), *logger.errors()]
    assert all(len(sentence) < 1500 for sentence in sentences), [len(sentence) for sentence in sentences]


GROWING = """g (int64 n) => (int64[A, B] y) {
    [stack] y = Loop(n, "") <body = b (int64 i, bool c) => (bool d, int64[K] r) {
        d = Identity(c)
        zero = Constant<value = int64 {0}>()
        one = Constant<value = int64 {1}>()
        r = Range(zero, i, one)
    }>
}"""


def test_iterations_of_different_shapes_are_told_with_them() -> None:
    with pytest.raises(RuntimeError, match=r"'stack'.*iteration 0 gave \[0\], iteration 1 gives \[1\]"):
        ready(GROWING).run([np.int64(3)])


EMPTY_LOOP = """g (float[N, 3] x, int64 n) => (float[N, 3] y, float[T, N, 3] all) {
    y, all = Loop(n, "", x) <body = b (int64 i, bool c, float[N, 3] s) => (bool d, float[N, 3] t, float[N, 3] seen) {
        d = Identity(c)
        t = Add(s, x)
        seen = Identity(t)
    }>
}"""
EMPTY_SCAN = """g (float[T, N] x, float[N] s0) => (float[N] y, float[T, N] all) {
    y, all = Scan<num_scan_inputs: int = 1, body = b (float[N] s, float[N] e) => (float[N] t, float[N] seen) {
        t = Add(s, e)
        seen = Identity(t)
    }>(s0, x)
}"""


def test_no_iterations_give_empty_results_of_the_right_shape() -> None:
    loop = ready(EMPTY_LOOP)
    for trips in (0, 2, 0):
        results = loop.run([np.ones((2, 3), np.float32), np.int64(trips)])
        assert [r.shape for r in results] == [(2, 3), (trips, 2, 3)]
    scan = ready(EMPTY_SCAN)
    for length in (0, 2, 0):
        results = scan.run([np.ones((length, 5), np.float32), np.ones(5, np.float32)])
        assert [r.shape for r in results] == [(5,), (length, 5)]


ENDLESS = """g (float[N] x, bool more) => (float[N] y) {
    [endless] y = Loop("", "", x) <body = b (int64 i, bool c, float[K] s) => (bool d, float[K] t) {
        d = Identity(more)
        t = Neg(s)
    }>
}"""


def test_an_interrupt_ends_a_loop_and_the_next_run_works() -> None:
    ours = ready(ENDLESS)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's job in the background ignores it
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    begin = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            ours.run([ONES, np.array(True)])
        assert time.monotonic() - begin < 30
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)
    np.testing.assert_array_equal(ours.run([ONES, np.array(False)])[0], -ONES)


def test_names_that_are_not_utf8_are_refused_in_utf8() -> None:
    good = model_of("g (float[N] aaa) => (float[N] y) { y = Foo(aaa) }").SerializeToString()
    for bad in (good.replace(b"aaa", b"\xff\xfe\x80"), good.replace(b"Foo", b"F\xffo")):
        logger = CollectingLogger()
        reader = trt.OnnxParser(trt.Builder(logger).create_network(1), logger)
        assert not reader.parse(bad)
        assert "not UTF-8" in reader.get_error(0).desc()
        assert reader.get_error(0).node_operator() in ("", "Foo", "F?o")
        assert any("not UTF-8" in sentence for sentence in logger.errors())


def test_memory_that_the_context_gave_may_be_freed() -> None:
    """By users who free all they are told of: the context takes new memory, and ends without a word."""
    engine = load(build_plan(model_of("g (float[5] x) => (int64[1, M] y) { y = NonZero(x) }").SerializeToString()))
    context = engine.create_execution_context()
    _, x = cudart.cudaMalloc(20)
    ones = np.ones(5, np.float32)
    cudart.cudaMemcpy(x, ones, 20, cudart.cudaMemcpyKind.cudaMemcpyHostToDevice)
    assert context.set_tensor_address("x", x)
    for _ in range(3):
        assert context.execute_async_v3(0)
        found = np.empty((1, 5), np.int64)
        (error,) = cudart.cudaMemcpy(
            found, context.get_tensor_address("y"), 40, cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
        )
        assert error == cudart.cudaError_t.cudaSuccess
        np.testing.assert_array_equal(found, [[0, 1, 2, 3, 4]])
        assert cudart.cudaFree(context.get_tensor_address("y"))[0] == cudart.cudaError_t.cudaSuccess
    del context
    assert cudart.cudaFree(x)[0] == cudart.cudaError_t.cudaSuccess


def test_an_allocator_is_not_told_of_the_contexts_own_memory() -> None:
    told: list[int] = []

    class Freeing(trt.IOutputAllocator):
        def __init__(self) -> None:
            trt.IOutputAllocator.__init__(self)

        def reallocate_output(self, tensor_name: str, memory: int, size: int, alignment: int) -> int:
            told.append(memory)
            cudart.cudaFree(memory)
            return int(cudart.cudaMalloc(max(size, 1))[1])

        def notify_shape(self, tensor_name: str, shape: Any) -> None:
            pass

    engine = load(build_plan(model_of("g (float[5] x) => (int64[1, M] y) { y = NonZero(x) }").SerializeToString()))
    context = engine.create_execution_context()
    _, x = cudart.cudaMalloc(20)
    assert context.set_tensor_address("x", x)
    assert context.execute_async_v3(0)
    allocator = Freeing()
    assert context.set_output_allocator("y", allocator)
    assert context.execute_async_v3(0)
    mine = context.get_tensor_address("y")
    assert context.execute_async_v3(0)
    assert told == [0, mine]


def build_error(graph: str) -> str:
    """What the builder says at the level that times nothing."""
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    network = builder.create_network(1)
    assert trt.OnnxParser(network, logger).parse(model_of(graph).SerializeToString()), logger.errors()
    config = builder.create_builder_config()
    config.builder_optimization_level = 0
    assert builder.build_serialized_network(network, config) is None
    return str(logger.errors()[-1])


def test_a_tensor_too_large_for_the_device_is_refused_when_built() -> None:
    repeats = "r = Constant<value = int64[4] {1, 2, 8796093022211, 4}>()"
    said = build_error(f"g (float[1, 2, 3, 4] x) => (float[A, B, C, D] y) {{ {repeats} [tile] y = Tile(x, r) }}")
    assert "'tile'" in said and "at most" in said


def test_what_a_number_stands_for_is_not_kept_in_the_plan() -> None:
    count = "n = Constant<value = int64 {20000000}>()"
    model = model_of(f"g (float[1] x) => (float[A] y) {{ {count} w = HannWindow(n) y = Add(w, x) }}")
    assert len(build_plan(model.SerializeToString(), level=0)) < 1 << 20


def test_a_made_up_profile_has_shapes_that_compute() -> None:
    """Windows of 4 rows each: with fewer rows the number of elements would be divided by 0."""
    ours = ready("""g (float[B, H, 3] x) => (float[A, W, 4, 3] y) {
        four = Constant<value = int64[1] {4}>()
        dims = Constant<value = int64[2] {4, 3}>()
        rest = Constant<value = int64[1] {-1}>()
        s = Shape<start: int = 1, end: int = 2>(x)
        windows = Div(s, four)
        t = Concat<axis: int = 0>(rest, windows, dims)
        y = Reshape(x, t)
    }""")
    assert [ours.run([np.ones((b, h, 3), np.float32)])[0].shape for b, h in ((1, 8), (3, 12))] == [
        (1, 2, 4, 3),
        (3, 3, 4, 3),
    ]
