"""Objects that users write in Python: loggers, error recorders; and where failures go."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
import tensorvk as trt
from engines import CollectingLogger


def fail(network: Any) -> str:
    """Makes the network log one error and returns the sentence."""
    assert network.add_concatenation([]) is None
    return str(trt.last_error())


class Recorder(trt.IErrorRecorder):
    def __init__(self) -> None:
        trt.IErrorRecorder.__init__(self)
        self.errors: list[tuple[Any, str]] = []

    def report_error(self, code: Any, desc: str) -> bool:
        self.errors.append((code, desc))
        return False

    def num_errors(self) -> int:
        return len(self.errors)

    def get_error_code(self, index: int) -> Any:
        return self.errors[index][0]

    def get_error_desc(self, index: int) -> str:
        return self.errors[index][1]

    def has_overflowed(self) -> bool:
        return False

    def clear(self) -> None:
        self.errors.clear()


def test_the_logger_prints_as_tensorrts_does(capfd: pytest.CaptureFixture[str]) -> None:
    logger = trt.Logger(trt.Logger.INFO)
    logger.log(trt.Logger.ERROR, "bad")
    logger.log(trt.Logger.VERBOSE, "chatter")
    logger.log(trt.Logger.INFO, "news")
    lines = capfd.readouterr().out.splitlines()
    assert [re.sub(r"^\[\d\d/\d\d/\d{4}-\d\d:\d\d:\d\d\]", "[time]", line) for line in lines] == [
        "[time] [TRT] [E] bad",
        "[time] [TRT] [I] news",
    ]


def test_the_loggers_threshold_can_be_changed(capfd: pytest.CaptureFixture[str]) -> None:
    logger = trt.Logger()
    assert logger.min_severity == trt.Logger.WARNING
    logger.min_severity = trt.Logger.INTERNAL_ERROR
    logger.log(trt.Logger.ERROR, "hidden")
    assert capfd.readouterr().out == ""


def test_a_python_logger_hears_every_message() -> None:
    logger = CollectingLogger()
    sentence = fail(trt.Builder(logger).create_network())
    assert logger.messages == [(trt.ILogger.Severity.ERROR, sentence)]


def test_what_a_python_logger_raises_is_printed_and_nothing_breaks() -> None:
    code = """
import tensorvk as trt
class Broken(trt.ILogger):
    def log(self, severity, message):
        raise ValueError("the logger is broken")
network = trt.Builder(Broken()).create_network()
assert network.add_concatenation([]) is None
assert network.add_input("x", trt.float32, (1,)) is not None
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "the logger is broken" in done.stderr


def test_a_logger_without_log_is_named() -> None:
    code = """
import tensorvk as trt
class Mute(trt.ILogger):
    pass
trt.Builder(Mute()).create_network().add_concatenation([])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "must define the method log" in done.stderr


def test_a_logger_is_needed() -> None:
    with pytest.raises(TypeError):
        trt.Builder(None)
    with pytest.raises(TypeError):
        trt.Runtime("logger")


def test_an_error_recorder_is_told_and_handed_back() -> None:
    recorder = Recorder()
    builder = trt.Builder(CollectingLogger())
    assert builder.error_recorder is None
    builder.error_recorder = recorder
    assert builder.error_recorder is recorder
    sentence = fail(builder.create_network())
    assert recorder.errors == [(trt.ErrorCodeTRT.INVALID_ARGUMENT, sentence)]
    builder.error_recorder = None
    assert builder.error_recorder is None


def test_a_networks_own_recorder_comes_before_its_builders() -> None:
    outer, inner = Recorder(), Recorder()
    builder = trt.Builder(CollectingLogger())
    builder.error_recorder = outer
    network = builder.create_network()
    network.error_recorder = inner
    fail(network)
    assert (outer.num_errors(), inner.num_errors()) == (0, 1)


def test_the_runtimes_recorder_hears_of_a_bad_plan() -> None:
    runtime = trt.Runtime(CollectingLogger())
    runtime.error_recorder = recorder = Recorder()
    assert runtime.deserialize_cuda_engine(b"") is None
    assert "plan is empty" in recorder.get_error_desc(0)


@pytest.mark.parametrize(("value", "raises"), [("1", True), ("0", False), ("", False)])
def test_the_environment_can_ask_for_exceptions(value: str, raises: bool) -> None:
    code = """
import tensorvk as trt
print(trt.raise_on_error(), flush=True)
trt.Builder(trt.Logger()).create_network().add_concatenation([])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "TENSORVK_RAISE": value},
    )
    assert done.stdout.startswith(str(raises))
    assert ("RuntimeError: A concatenation needs one or more inputs" in done.stderr) == raises


def test_a_profiler_and_a_monitor_can_be_called_directly(capfd: pytest.CaptureFixture[str]) -> None:
    class Monitor(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None: ...
        def phase_finish(self, phase_name: str) -> None: ...
        def step_complete(self, phase_name: str, step: int) -> bool:
            return step < 2

    config = trt.Builder(CollectingLogger()).create_builder_config()
    config.progress_monitor = monitor = Monitor()
    assert config.progress_monitor is monitor
    trt.Profiler().report_layer_time("conv", 0.5)
    assert "conv: 0.5" in capfd.readouterr().out


def test_a_logger_that_makes_tensorvk_log_is_told_so() -> None:
    code = """
import tensorvk as trt
class Curious(trt.ILogger):
    def log(self, severity, message):
        trt.Runtime(self).deserialize_cuda_engine(b"no plan")
trt.Builder(Curious()).create_network().add_concatenation([])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "RecursionError: This object's log is running" in done.stderr
    assert "not a TensorVK plan" in done.stderr, "the message is not lost"
