"""Builds that have little time, and builds that share what they timed: in a file, between processes, byte for byte."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tensorvk as trt
from engines import CollectingLogger, infer, load
from onnx import TensorProto, helper, numpy_helper

from bench.gpu import shipped_cache

SHIPPED = Path(trt.__file__).parent / "timing_caches"

# Two products whose shapes come from `width`: networks of different widths have no timing in common.
NETWORK = """
import hashlib, sys
import numpy as np
import tensorvk as trt

def build(logger, width, change=lambda config: None, level=4):
    builder = trt.Builder(logger)
    network = builder.create_network()
    weights = np.linspace(-1, 1, width * width, dtype=np.float32).reshape(width, width)
    x = network.add_input("x", trt.float32, (3, width))
    for name in ("a", "b"):
        factor = network.add_constant((width, width), np.ascontiguousarray(weights)).get_output(0)
        product = network.add_matrix_multiply(x, trt.MatrixOperation.NONE, factor, trt.MatrixOperation.NONE)
        product.name = name
        x = network.add_activation(product.get_output(0), trt.ActivationType.RELU).get_output(0)
        weights = weights.T[::-1]
    x.name = "y"
    network.mark_output(x)
    config = builder.create_builder_config()
    config.builder_optimization_level = level
    change(config)
    return builder.build_serialized_network(network, config), config
"""
exec(compile(NETWORK, "network", "exec"))
build: Any = globals()["build"]


def expected(width: int, x: Any) -> Any:
    weights = np.linspace(-1, 1, width * width, dtype=np.float32).reshape(width, width)
    return np.maximum(np.maximum(x @ weights, 0) @ weights.T[::-1], 0)


def warnings(logger: CollectingLogger) -> list[str]:
    return [text for severity, text in logger.messages if severity == trt.ILogger.Severity.WARNING]


def process(script: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", NETWORK + script]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})


# Time


@pytest.mark.parametrize("budget", [0.0, 1e-9, 0.05, 60.0])
def test_a_build_of_any_time_computes_the_same(budget: float) -> None:
    def change(config: Any) -> None:
        config.tactic_time_budget = budget
        assert config.tactic_time_budget == budget

    logger = CollectingLogger()
    plan, _ = build(logger, 17, change)
    assert plan is not None, logger.errors()
    x = np.linspace(-1, 1, 3 * 17, dtype=np.float32).reshape(3, 17)
    y = infer(load(plan).create_execution_context(), {"x": x})["y"]
    # Sums of 17 products of numbers up to 17: each of the two rounds to 2^-24 of them.
    np.testing.assert_allclose(y, expected(17, x), rtol=1e-5, atol=1e-4)
    said = [text for text in warnings(logger) if "tactic time budget" in text]
    if budget == 1e-9:
        assert len(said) == 1 and "2 of 2 operations were untimed" in said[0], logger.messages
    if budget in (0.0, 60.0):
        assert not said


@pytest.mark.parametrize("budget", [-1.0, float("nan"), float("inf")])
def test_no_time_that_could_not_be_is_taken(budget: float) -> None:
    logger = CollectingLogger()
    config = trt.Builder(logger).create_builder_config()
    config.tactic_time_budget = budget
    assert config.tactic_time_budget == 0.0
    assert "time budget" in logger.errors()[0]


def test_builds_of_little_time_come_to_an_end_together() -> None:
    """Each goes on where the last one ended, until there is nothing left to time."""
    cache = b""
    sizes = []

    def change(config: Any) -> None:
        config.set_timing_cache(config.create_timing_cache(cache), False)
        config.tactic_time_budget = 0.02

    for _ in range(200):
        logger = CollectingLogger()
        _, config = build(logger, 18, change)
        cache = bytes(config.get_timing_cache().serialize())
        sizes.append(len(cache))
        if not warnings(logger):
            break
    assert not warnings(logger), "never"
    assert sizes == sorted(sizes)


def test_a_cancelled_build_keeps_what_it_timed(tmp_path: Path) -> None:
    class Monitor(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None: ...
        def phase_finish(self, phase_name: str) -> None: ...
        def step_complete(self, phase_name: str, step: int) -> bool:
            return phase_name != "Timing"  # after the first operation

    def change(config: Any) -> None:
        config.timing_cache_path = tmp_path / "timings"
        config.progress_monitor = monitor

    monitor = Monitor()
    assert build(CollectingLogger(), 19, change)[0] is None
    assert len((tmp_path / "timings").read_bytes()) > 24


# Files


def shared(path: Path) -> Any:
    def change(config: Any) -> None:
        config.timing_cache_path = path
        config.set_flag(trt.BuilderFlag.ERROR_ON_TIMING_CACHE_MISS)

    return change


def test_two_processes_at_once_leave_both_their_timings(tmp_path: Path) -> None:
    path = tmp_path / "timings"
    script = (
        "logger = trt.Logger(trt.Logger.WARNING)\n"
        f"plan, _ = build(logger, int(sys.argv[-1]), lambda c: setattr(c, 'timing_cache_path', {str(path)!r}))\n"
        "assert plan is not None\n"
    )
    widths = range(20, 24)
    running = [process(script.replace("sys.argv[-1]", str(width))) for width in widths]
    for one in running:
        out, _ = one.communicate(timeout=120)
        assert (one.returncode, out) == (0, "")
    for width in widths:
        logger = CollectingLogger()
        assert build(logger, width, shared(path))[0] is not None, logger.errors()
    assert build(CollectingLogger(), 24, shared(path))[0] is None, "which nobody has timed"
    assert [file.name for file in tmp_path.iterdir()] == ["timings"]


def test_the_same_timings_give_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    path = tmp_path / "timings"
    first, _ = build(CollectingLogger(), 25, lambda config: setattr(config, "timing_cache_path", str(path)))
    kept = path.read_bytes()

    def given(config: Any) -> None:
        config.set_timing_cache(config.create_timing_cache(kept), False)

    script = "plan, _ = build(trt.Logger(), 25)\nprint(hashlib.sha256(bytes(plan)).hexdigest())\n"
    processes = [process(script, TENSORVK_TIMING_CACHE=str(path)) for _ in range(2)]
    sums = {one.communicate(timeout=120)[0].strip() for one in processes}
    sums.add(hashlib.sha256(bytes(first)).hexdigest())
    for change in (shared(path), given):
        plan, _ = build(CollectingLogger(), 25, change)
        sums.add(hashlib.sha256(bytes(plan)).hexdigest())
    assert len(sums) == 1
    assert path.read_bytes() == kept, "nothing was timed again"


def test_what_a_build_takes_from_a_file_is_in_its_own_timing_cache(tmp_path: Path) -> None:
    path = tmp_path / "timings"
    build(CollectingLogger(), 26, lambda config: setattr(config, "timing_cache_path", path))
    _, config = build(CollectingLogger(), 26, shared(path))
    own = bytes(config.get_timing_cache().serialize())
    assert own == path.read_bytes()

    def alone(config: Any) -> None:
        config.set_timing_cache(config.create_timing_cache(own), False)
        config.set_flag(trt.BuilderFlag.ERROR_ON_TIMING_CACHE_MISS)

    assert build(CollectingLogger(), 26, alone)[0] is not None


def test_without_a_timing_cache_the_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "timings"

    def change(config: Any) -> None:
        config.timing_cache_path = path
        config.set_flag(trt.BuilderFlag.DISABLE_TIMING_CACHE)

    assert build(CollectingLogger(), 27, change)[0] is not None
    assert not path.exists()


def test_folders_of_the_file_are_made_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "timings"
    for expected in (1, 0):
        logger = CollectingLogger()
        assert build(logger, 30, lambda config: setattr(config, "timing_cache_path", path))[0] is not None
        said = [text for severity, text in logger.messages if f"The folder '{path.parent}' was made" in text]
        assert len(said) == expected
        assert warnings(logger) == []
    assert path.stat().st_size > 0


def test_a_file_of_another_kind_is_left_alone_with_one_warning(tmp_path: Path) -> None:
    path = tmp_path / "thesis.txt"
    path.write_text("To my parents")
    logger = CollectingLogger()
    assert build(logger, 28, lambda config: setattr(config, "timing_cache_path", path))[0] is not None
    (sentence,) = warnings(logger)
    assert "thesis.txt' is no timing cache" in sentence
    assert path.read_text() == "To my parents"


# Timings of other drivers


def test_timings_for_any_driver_need_no_timing_here() -> None:
    _, config = build(CollectingLogger(), 29)
    any_driver = bytes(config.get_timing_cache().serialize_for_any_driver())
    assert any_driver != bytes(config.get_timing_cache().serialize())

    def change(config: Any) -> None:
        config.set_timing_cache(config.create_timing_cache(any_driver), False)
        config.set_flag(trt.BuilderFlag.ERROR_ON_TIMING_CACHE_MISS)

    logger = CollectingLogger()
    plan, _ = build(logger, 29, change)
    assert plan is not None, logger.errors()
    x = np.linspace(-1, 1, 3 * 29, dtype=np.float32).reshape(3, 29)
    y = infer(load(plan).create_execution_context(), {"x": x})["y"]
    # Sums of 29 products of numbers up to 29: each of the two rounds to 2^-24 of them.
    np.testing.assert_allclose(y, expected(29, x), rtol=1e-5, atol=1e-3)


def test_the_shipped_caches_are_small_and_named_by_their_device() -> None:
    config = trt.Builder(CollectingLogger()).create_builder_config()
    files = sorted(SHIPPED.glob("*.cache"))
    for file in files:
        assert re.fullmatch("[0-9a-f]{4}-[0-9a-f]{4}.cache", file.name)
        assert config.create_timing_cache(file.read_bytes()) is not None, "of this version, and whole"
    assert sum(file.stat().st_size for file in files) < 4 << 20, "every user downloads them"


def test_a_shipped_cache_is_made_of_models_and_grows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = []
    for size in (30, 31):
        info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3, size]) for name in ("x", "y")]
        weights = numpy_helper.from_array(np.ones((size, size), np.float32), "w")
        graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", info[:1], info[1:], [weights])
        models.append(tmp_path / f"{size}.onnx")
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(models[-1]))
    folder = tmp_path / "caches"
    assert shipped_cache.main([f"{models[0]}:fp32", "--folder", str(folder)]) == 0
    (file,) = folder.iterdir()
    first = file.stat().st_size
    assert shipped_cache.main([str(models[1]), "--folder", str(folder)]) == 0
    assert file.stat().st_size > first > shipped_cache.FRAME
    assert f"{(file.stat().st_size - 24) // 24} timings" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="is no model"):
        shipped_cache.main([f"{models[0]}:fp64"])
