"""bench.gpu: names of cases, engines in processes of their own, what is said of failures, and what is written."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
import types
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench import plot
from bench.gpu import __main__ as command
from bench.gpu import agreement, engines, iree_engine, prepare, report, rounds, webgpu_engine
from bench.gpu.agreement import Pair
from bench.gpu.cases import DEFAULT, Case
from bench.gpu.report import Measured
from bench.gpu.settings import Settings
from bench.gpu.surroundings import Surroundings
from bench.processes import made_or_absent
from bench.results import Absent, Ready, Result, Row

pytestmark = pytest.mark.once


def test_cases_have_a_network_a_type_and_a_batch() -> None:
    case = Case.parse("resnet50:fp16:8", Path("work"))
    assert (case.network, case.precision, case.batch) == ("resnet50", "fp16", 8)
    assert case.model == Path("work/resnet50_b8.onnx")
    assert len({Case.parse(text, Path()).name for text in DEFAULT}) == len(DEFAULT)


@pytest.mark.parametrize("text", ["resnet50", "resnet50:fp64:1", "resnet50:fp16:0", "resnet50:fp16:-1", "a:fp16:1:2"])
def test_other_words_are_no_cases(text: str) -> None:
    with pytest.raises(ValueError, match=rf"'{text}' is no case: .*resnet50:fp16:1"):
        Case.parse(text, Path())


@pytest.fixture
def doubled(tmp_path: Path) -> Case:
    """y = x + x, with a wrong third element expected."""
    case = Case("doubled", "fp32", 1, tmp_path)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 17])
    y = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 17])
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["output"])], "doubled", [x], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(case.model))
    numbers = np.arange(17, dtype=np.float32).reshape(1, 17)
    expected = 2 * numbers
    expected[0, 2] += 8
    case.save({"x": numbers}, {"output": expected})
    return case


def test_an_engine_is_measured_in_its_own_process_and_its_error_is_seen(doubled: Case) -> None:
    alone, stream = rounds.measure(doubled, {"tensorvk": sys.executable}, Settings(level=0), 0.01, 0.005)
    state = alone.subject.state
    assert isinstance(state, Ready)
    assert state.error == pytest.approx(8 / 32)
    assert alone.rounds == len(alone.subject.blocks) == len(stream.subject.blocks) >= rounds.MIN_ROUNDS
    assert 0 < stream.subject.ms < 1000


def interpreter(folder: Path, *, says: str) -> str:
    """A program that takes the place of an engine's interpreter, and says that after it was told the case."""
    program = folder / "interpreter"
    lines = [
        f"#!{sys.executable}",
        "import sys, time",
        "from multiprocessing.connection import Connection",
        "from bench.results import Ready",
        "connection = Connection(int(sys.argv[-1]))",
        "connection.recv()",
        says,
    ]
    program.write_text("\n".join(lines))
    program.chmod(0o755)
    return str(program)


def test_an_engine_that_ends_in_a_round_is_absent_and_the_others_go_on(doubled: Case, tmp_path: Path) -> None:
    dying = interpreter(tmp_path, says="connection.send(Ready(0.0, 1.0, 1.0, 1)); connection.recv()")
    both = {"tensorvk": sys.executable, "torch": dying}
    alone, _ = rounds.measure(doubled, both, Settings(level=0), 0.01, 0.005)
    assert alone.results[1] == Result("torch", Absent("failed: its process ended; what it said is above"))
    assert len(alone.subject.blocks) >= rounds.MIN_ROUNDS


@pytest.mark.parametrize("says", ["time.sleep(60)", "connection.send(Ready(0.0, 1.0, 1.0, 1)); time.sleep(60)"])
def test_an_engine_that_says_nothing_is_absent(
    doubled: Case, tmp_path: Path, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "FAREWELL_S", 0.1)
    silent = {"torch": interpreter(tmp_path, says=says)}
    alone, _ = rounds.measure(doubled, silent, Settings(patience_s=2), 0.01, 0.005)
    assert alone.subject.state == Absent("failed: said nothing for 2 s")


def test_an_interpreter_that_ends_at_once_is_absent(doubled: Case) -> None:
    alone, _ = rounds.measure(doubled, {"torch": "false"}, Settings(), 0.01, 0.005)
    assert alone.subject.state == Absent("failed: its process ended; what it said is above")
    assert alone.rounds == 0


def test_an_engine_that_cannot_be_made_is_absent_with_the_reason(tmp_path: Path) -> None:
    case = Case("no_such_network", "fp32", 1, tmp_path)
    alone, _ = rounds.measure(case, {"tensorvk": sys.executable}, Settings(level=0), 0.01, 0.005)
    assert isinstance(alone.subject.state, Absent)
    assert "no_such_network_b1.onnx" in alone.subject.state.reason


@pytest.mark.parametrize(("engine", "module"), [("ncnn-vulkan", "ncnn"), ("iree-vulkan", "iree.runtime")])
def test_other_vulkan_engines_compute_the_same(doubled: Case, engine: str, module: str) -> None:
    pytest.importorskip(module)
    both = {"tensorvk": sys.executable, engine: sys.executable}
    alone, _ = rounds.measure(doubled, both, Settings(level=0), 0.01, 0.005)
    assert isinstance(alone.results[1].state, Ready)
    assert agreement.compare(doubled, both) == [Pair("tensorvk", engine, 0.0)]


def test_iree_takes_the_first_target_that_it_can_compile_for(doubled: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_for(possible: str) -> list[str]:
        tried = []

        def compile_(model: Path, program: Path, target: str) -> None:
            tried.append(target)
            if target != possible:
                raise RuntimeError(f"nothing for {target}")
            program.touch()

        monkeypatch.setattr(iree_engine, "_compile", compile_)
        iree_engine.compiled(doubled, "NVIDIA H200 (580)")
        return tried

    with pytest.raises(RuntimeError, match="for ampere: nothing for ampere"):
        compile_for("none")
    assert compile_for("pascal") == ["ampere", "pascal"]
    assert compile_for("ampere") == []  # it is there
    assert iree_engine.compiled(doubled, "NVIDIA H200 (580)").name == "doubled_b1.fp32.pascal.vmfb"


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_tensors_are_bound_to_onnxruntimes_device(
    doubled: Case, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the WebGPU plug-in, but on ONNX Runtime's own device, which is everywhere."""
    plugin = types.ModuleType("onnxruntime_ep_webgpu")
    plugin.get_library_path = lambda: ""  # type: ignore[attr-defined]
    plugin.get_ep_name = lambda: "CPUExecutionProvider"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_webgpu", plugin)
    monkeypatch.setattr(onnxruntime, "register_execution_provider_library", lambda name, path: None)
    monkeypatch.setattr(webgpu_engine, "DEVICE", "cpu")
    case = dataclasses.replace(doubled, precision=precision)
    engine = webgpu_engine.Engine(case, Settings())
    for _ in range(2):
        engine.start()
    engine.wait()
    outputs = engine.outputs()
    assert outputs["output"].dtype == (np.float16 if precision == "fp16" else np.float32)
    np.testing.assert_array_equal(outputs["output"], 2 * np.arange(17).reshape(1, 17))


@pytest.mark.parametrize(
    ("engine", "module"),
    [
        ("torch", "torch"),
        ("ncnn-vulkan", "ncnn"),
        ("onnxruntime-cpu", "onnxruntime"),
        ("onnxruntime-webgpu", "onnxruntime_ep_webgpu"),
        ("iree-vulkan", "iree.runtime"),
    ],
)
def test_an_engine_that_is_not_installed_is_absent(
    doubled: Case, engine: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "bench.gpu.torch_engines", raising=False)
    state = made_or_absent(lambda: engines.make(engine, doubled, Settings()))
    assert isinstance(state, Absent)
    assert state.reason.startswith("not installed (")


def product_file(path: Path, rows: object, columns: int = 17) -> Path:
    """output = x * w + ids."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, columns])
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [rows])
    y = helper.make_tensor_value_info("output", TensorProto.FLOAT, [rows, 3])
    weights = numpy_helper.from_array(np.linspace(-1, 1, 17 * 3, dtype=np.float32).reshape(17, 3), "w")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"]),
        helper.make_node("Cast", ["ids"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["numbers", "axes"], ["column"]),
        helper.make_node("Add", ["product", "column"], ["output"]),
    ]
    axes = numpy_helper.from_array(np.array([1]), "axes")
    graph = helper.make_graph(nodes, "product", [x, ids], [y], [weights, axes])
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def test_onnx_files_are_cases_by_their_names(tmp_path: Path) -> None:
    case = Case.parse(f"{tmp_path}/deep/mine.onnx:fp16:2", tmp_path)
    assert case.name == "mine fp16 b2"
    assert Case.parse("models/brain/model.onnx:fp32:1", tmp_path).name == "brain fp32 b1"
    assert case.model != Case.parse(f"{tmp_path}/other/mine.onnx:fp16:2", tmp_path).model
    assert not case.is_there
    assert case.why_absent == f"failed: there is no file {tmp_path}/deep/mine.onnx"


def test_a_file_gets_a_batch_random_inputs_and_the_outputs_of_onnxruntime(tmp_path: Path) -> None:
    case = Case.parse(f"{product_file(tmp_path / 'p.onnx', 'rows')}:fp32:3", tmp_path / "work")
    case.work.mkdir()
    prepare.write(case)
    assert case.is_there
    inputs = case.inputs()
    assert (inputs["x"].shape, inputs["ids"].shape, inputs["ids"].dtype) == ((3, 17), (3,), np.int64)
    weights = np.linspace(-1, 1, 17 * 3).reshape(17, 3)
    expected = inputs["x"].astype(np.float64) @ weights + inputs["ids"][:, None]
    np.testing.assert_allclose(case.expected()["output"], expected, rtol=1e-5, atol=1e-5)
    fixed = onnx.load(str(case.model)).graph
    shapes = [[dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in [*fixed.input, *fixed.output]]
    assert shapes == [[3, 17], [3], [3, 3]]


def test_a_file_that_changed_is_prepared_again(tmp_path: Path) -> None:
    case = Case.parse(f"{product_file(tmp_path / 'p.onnx', 1)}:fp32:1", tmp_path)
    prepare.write(case)
    os.utime(tmp_path / "p.onnx", (time.time() + 60, time.time() + 60))
    assert not case.is_there


@pytest.mark.parametrize(
    ("shape", "batch", "message"),
    [
        ([1, "width"], 1, r"'x' has the shape \[1, 'width'\]: only the first dimension may be open"),
        ([2, 3], 1, r"'x' has the shape \[2, 3\], which is no batch of 1"),
    ],
)
def test_shapes_that_cannot_be_fixed_are_refused(shape: list[object], batch: int, message: str) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    model = helper.make_model(helper.make_graph([], "none", [x], []))
    with pytest.raises(ValueError, match=message):
        prepare.fix_shapes(model, batch)


def test_one_command_writes_a_table_numbers_and_a_plot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = product_file(tmp_path / "models" / "product.onnx", "rows")
    words = [
        "bench.gpu",
        f"{file}:fp32:3",
        f"{tmp_path}/nowhere.onnx:fp32:1",
        "--engines",
        "tensorvk",
        "onnxruntime-cpu",
    ]
    words += ["--seconds", "0.01", "--slice", "2", "--level", "0", "--work", str(tmp_path / "work")]
    words += ["--json", str(tmp_path / "numbers.json"), "--markdown", str(tmp_path / "table.md")]
    monkeypatch.setattr(sys, "argv", words)
    assert command.main() == 1  # for the case that is nowhere
    text = (tmp_path / "table.md").read_text()
    assert text.strip() == capsys.readouterr().out.strip()
    assert f"tensorvk, onnxruntime-cpu: failed: there is no file {tmp_path}/nowhere.onnx" in text
    assert "- onnxruntime-cpu: on the processor" in text
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    assert {"date", "device", "driver", "processor", "tensorvk"} <= numbers.keys()
    assert numbers["versions"].keys() == {"onnxruntime"}
    right, nowhere = numbers["cases"]
    assert right["pairs"][0]["difference"] < 1e-5
    assert [len(result["blocks"]) for result in right["alone"]["results"]] == [rounds.MIN_ROUNDS] * 2
    assert nowhere["pairs"] == []
    assert "onnxruntime-cpu" in (tmp_path / "numbers.svg").read_text()


def right_and_wrong() -> Row:
    """Two that agree, one that is off, one that could not."""
    results = [
        Result("tensorvk", Ready(0.001, 1, 1, 1), [1.0, 2.0, 1.0]),
        Result("torch-graph", Ready(0.002, 1, 1, 1), [2.0, 2.0, 2.0]),
        Result("iree-vulkan", Ready(0.9, 1, 1, 1), [0.1, 0.1, 0.1]),
        Result("ncnn-vulkan", Absent("failed: no memory")),
    ]
    return Row("net fp16 b1", results, 3, 0, 0.03)


def test_wrong_results_are_named_and_count_in_no_mean() -> None:
    row = right_and_wrong()
    here = Surroundings("2026-11-23", "a GPU", "1.2", "a CPU", "0.1", {"torch": "2.9"})
    pairs = [Pair("tensorvk", "torch-graph", 0.003), Pair("tensorvk", "iree-vulkan", 0.8)]
    text = report.markdown(here, [Measured(row, row, pairs)])
    assert text.startswith("2026-11-23: TensorVK 0.1 on a GPU, driver 1.2; a CPU. Other engines: torch 2.9.")
    assert "| net fp16 b1 | 1 | 2 (0.50, 0.50-0.75) | 0.1* (10.00, 10.00-15.00) | failed |" in text
    assert "| geometric mean | | 0.50 of 1, largest 0.50 |  |  | |" in text
    assert "- iree-vulkan: WRONG, more than 0.03 off: net fp16 b1" in text
    assert "- ncnn-vulkan: failed: no memory: net fp16 b1" in text
    assert "tensorvk and iree-vulkan 8.0e-01; of those that are right tensorvk and torch-graph 3.0e-03" in text


def test_results_are_compared_two_by_two(doubled: Case) -> None:
    for engine, numbers in {"a": [1.0, 4.0], "b": [1.0, 3.0], "c": [1.0, 4.0]}.items():
        doubled.results(engine).parent.mkdir(exist_ok=True)
        np.savez(doubled.results(engine), output=np.array(numbers))
    assert agreement.compare(doubled, "abc") == [Pair("a", "b", 0.25), Pair("a", "c", 0), Pair("b", "c", 1 / 3)]


@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_plot_is_written(tmp_path: Path, suffix: str, start: bytes) -> None:
    file = tmp_path / "plots" / f"plot.{suffix}"
    nothing = Row("nothing", [Result("tensorvk", Absent("failed: all"))], 0, 0)
    assert plot.write(file, [right_and_wrong(), nothing], "a GPU")
    assert file.read_bytes().startswith(start)


def test_a_plot_has_times_by_ours_of_all_that_were_measured(tmp_path: Path) -> None:
    row = right_and_wrong()
    assert plot.slowdowns(row, row.results[1]) == (1.5, 2, 2)
    assert plot.write(tmp_path / "plot.svg", [row], "a GPU")
    words = (tmp_path / "plot.svg").read_text()
    assert all(word in words for word in ("torch-graph", "iree-vulkan", "net fp16 b1 (1 ms)", "a GPU"))
    assert "ncnn-vulkan" not in words


def test_without_matplotlib_there_is_no_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert not plot.write(tmp_path / "plot.svg", [right_and_wrong()], "a GPU")
