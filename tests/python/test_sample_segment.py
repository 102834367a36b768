"""The C++ sample `segment`: the tutorial's whole sequence on the demo's network and slices."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorvk
from tensorvk.demo import assets

pytestmark = pytest.mark.once

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

BATCH = 2


def sample_program() -> Path:
    """The program of the build tree that the package under test comes from."""
    build = Path(tensorvk.__file__).parents[2]
    program = build / "cpp" / "samples" / "segment" / "segment"
    if not program.is_file():
        pytest.skip(f"the C++ samples were not built beside this package ({program} is not there)")
    return program


@dataclass(frozen=True)
class Data:
    folder: Path
    input: Path
    reference: Path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Two slices and ONNX Runtime's result as .pb files, the way ONNX's own test data is stored."""
    folder = tmp_path_factory.mktemp("segment")
    images = assets.load_slices().image[:BATCH]
    session = onnxruntime.InferenceSession(assets.MODEL.read_bytes(), providers=["CPUExecutionProvider"])
    expected = session.run([assets.OUTPUT], {assets.INPUT: images})[0]
    files = Data(folder, folder / "input_0.pb", folder / "output_0.pb")
    files.input.write_bytes(onnx.numpy_helper.from_array(images, assets.INPUT).SerializeToString())
    files.reference.write_bytes(onnx.numpy_helper.from_array(expected, assets.OUTPUT).SerializeToString())
    return files


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(sample_program()), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env=os.environ)


def largest_difference(printed: str) -> float:
    match = re.search(r"Largest difference from the reference: (\S+)", printed)
    assert match is not None, printed
    return float(match[1])


def test_it_builds_runs_and_agrees_with_the_reference(data: Data) -> None:
    engine, picture = data.folder / "fp32.engine", data.folder / "result.pgm"
    first = run("--runs", 3, "--engine", engine, "--pgm", picture, assets.MODEL, data.input, data.reference)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Engine built" in first.stdout
    assert re.search(r"Average of 3 runs, batch 2: \S+ ms with copies, \S+ ms without", first.stdout)
    assert largest_difference(first.stdout) < 1e-4  # float32 sums in another order; values are at most 1
    assert first.stdout.endswith("OK\n")

    header, pixels = picture.read_bytes().split(b"255\n", 1)
    assert header == b"P5\n256 256\n"
    expected = onnx.numpy_helper.to_array(onnx.TensorProto.FromString(data.reference.read_bytes()))[0, 0]
    grey = np.frombuffer(pixels, np.uint8).reshape(expected.shape).astype(int)
    assert np.abs(grey - np.round(expected * 255)).max() <= 1  # rounding of a value beside a half

    second = run("--runs", 1, "--engine", engine, assets.MODEL, data.input, data.reference)
    assert "Engine read from" in second.stdout
    assert second.stdout.endswith("OK\n")


def test_half_precision_is_close_to_the_reference(data: Data) -> None:
    done = run("--fp16", "--runs", 1, assets.MODEL, data.input, data.reference)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("OK\n")


def test_a_wrong_reference_is_noticed(data: Data) -> None:
    wrong = data.folder / "wrong.pb"
    shape = (BATCH, 1, *assets.IMAGE_SHAPE[1:])
    wrong.write_bytes(onnx.numpy_helper.from_array(np.full(shape, 0.5, np.float32), "output").SerializeToString())
    done = run("--runs", 1, "--engine", data.folder / "fp32.engine", assets.MODEL, data.input, wrong)
    assert done.returncode == 1
    assert done.stdout.endswith("DIFFERENT\n")


def test_floats_may_be_stored_as_raw_bytes_or_as_a_list(data: Data) -> None:
    tensor = onnx.helper.make_tensor("input", onnx.TensorProto.FLOAT, [1, 3, 2, 2], np.arange(12.0).tolist())
    assert not tensor.raw_data
    listed = data.folder / "listed.pb"
    listed.write_bytes(tensor.SerializeToString())
    done = run("--engine", data.folder / "fp32.engine", assets.MODEL, listed, data.reference)
    assert done.returncode == 1
    assert "does not take the input's shape" in done.stderr  # so it was read


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot open the tensor file"),
        (b"", "does not hold float32 data"),
        (b"\x08\x02\x10\x01\x4a\x08\0\0", "ends in the middle"),
        (b"\x08\x02\x10\x01\x4a\x04\0\0\0\0", "shape and the amount"),
        (b"\x08\x02\x10\x07\x4a\x04\0\0\0\0", "does not hold float32 data"),
        (b"\x08" + b"\xff" * 11, "longer than ten bytes"),
    ],
    ids=["absent", "empty", "truncated", "too short", "int64", "endless number"],
)
def test_bad_tensor_files_are_refused(data: Data, content: bytes | None, sentence: str) -> None:
    bad = data.folder / "bad.pb"
    bad.unlink(missing_ok=True)
    if content is not None:
        bad.write_bytes(content)
    done = run(assets.MODEL, bad, data.reference)
    assert done.returncode == 1
    assert sentence in done.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["--speed", "3"], ["a", "b"], ["a", "b", "c", "--runs"], ["--runs", "0", "a", "b", "c"]]
)
def test_wrong_usage_prints_the_usage(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage: segment" in done.stderr


@pytest.mark.parametrize("runs", ["abc", "3.5", "0", "-1", "", "99999999999"])
def test_a_wrong_number_of_runs_is_named(runs: str) -> None:
    done = run("--runs", runs, "a", "b", "c")
    assert done.returncode == 2
    assert f"--runs needs a whole number from 1 on, not '{runs}'" in done.stderr
