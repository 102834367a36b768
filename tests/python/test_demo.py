"""The demo: its assets, its pictures, its plan cache, and the whole of it as a user runs it."""

from __future__ import annotations

import re
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tensorvk.demo import assets, pictures, plan

# The network was trained to find lesions in pictures like these; 0.8 leaves room for another training run.
LEAST_DICE = 0.8


def run_demo(output: Path, *options: str) -> str:
    command = [sys.executable, "-m", "tensorvk.demo", "--output", str(output), "--seconds", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read_png(path: Path) -> npt.NDArray[np.uint8]:
    """The pixels of an 8-bit RGB file whose lines are not filtered."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, position = {}, 8
    while position < len(content):
        size, kind = struct.unpack(">I4s", content[position : position + 8])
        body = content[position + 8 : position + 8 + size]
        assert struct.unpack(">I", content[position + 8 + size : position + 12 + size])[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        position += 12 + size
    width, height, depth, colours = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colours) == (8, 2)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(height, width, 3)


# Assets


def test_assets_are_small_and_have_their_licence() -> None:
    assert assets.MODEL.stat().st_size < 2.1e6
    assert (assets.FOLDER / "slices.npz").stat().st_size < 1e6
    assert "McConnell Brain Imaging Centre" in (assets.FOLDER / "LICENSE-MNI-ICBM152.txt").read_text()


def test_slices_have_the_shape_that_the_network_takes() -> None:
    slices = assets.load_slices()
    count = len(slices.image)
    assert count >= 4
    assert slices.image.shape == (count, *assets.IMAGE_SHAPE)
    assert slices.image.dtype == np.float32
    assert slices.mask.shape == (count, *assets.IMAGE_SHAPE[1:])
    assert slices.number.shape == (count,)
    assert 0 <= slices.image.min() < slices.image.max() <= 1
    assert slices.mask.any(axis=(1, 2)).all()


def test_network_finds_the_lesions_with_onnxruntime() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    slices = assets.load_slices()
    session = onnxruntime.InferenceSession(assets.MODEL.read_bytes(), providers=["CPUExecutionProvider"])
    found = session.run([assets.OUTPUT], {assets.INPUT: slices.image})[0][:, 0] > 0.5
    assert np.mean([assets.dice(f, t) for f, t in zip(found, slices.mask, strict=True)]) > LEAST_DICE


@pytest.mark.parametrize(
    ("found", "truth", "expected"),
    [
        ([1, 1, 0, 0], [1, 1, 0, 0], 1),
        ([1, 1, 0, 0], [0, 0, 1, 1], 0),
        ([1, 1, 1, 0], [1, 0, 0, 0], 0.5),
        ([0, 0, 0, 0], [0, 0, 0, 0], 1),
        ([0, 0, 0, 1], [0, 0, 0, 0], 0),
    ],
)
def test_dice(found: list[int], truth: list[int], expected: float) -> None:
    assert assets.dice(np.array(found) > 0, np.array(truth) > 0) == expected


# Pictures


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 17), (33, 2)])
def test_png_gives_the_pixels_back(tmp_path: Path, height: int, width: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pictures.write_png(tmp_path / "new folder" / "one.png", image)
    assert np.array_equal(read_png(tmp_path / "new folder" / "one.png"), image)


@pytest.mark.parametrize("image", [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3), np.float32)])
def test_png_refuses_other_arrays(tmp_path: Path, image: npt.NDArray[np.generic]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        pictures.write_png(tmp_path / "one.png", image)


def test_triptych_tints_the_masks_only() -> None:
    image = np.full((3, 64, 64), 0.5, np.float32)
    truth = np.zeros((64, 64), bool)
    truth[10, 30] = True
    page = pictures.triptych(image, truth, ~truth)
    width = (page.shape[1] - 2 * 4) // 3
    first, second, third = (page[:, start : start + width] for start in (0, width + 4, 2 * (width + 4)))
    assert (first == 128).all()
    assert (second != first).any(axis=2).sum() == 1
    assert (third != first).any(axis=2).sum() == first.shape[0] * first.shape[1] - 1


def test_sheet_fills_the_last_row() -> None:
    page = np.zeros((5, 7, 3), np.uint8)
    assert pictures.sheet([page] * 3).shape == (2 * 5 + 4, 2 * 7 + 4, 3)


# Plan cache


def test_plan_key_depends_on_all_that_a_plan_depends_on() -> None:
    keys = {
        plan.plan_key(b"model", "device", False),
        plan.plan_key(b"model2", "device", False),
        plan.plan_key(b"model", "device 2", False),
        plan.plan_key(b"model", "device", True),
    }
    assert len(keys) == 4
    assert plan.plan_key(b"model", "device", False) in keys


def test_runs_that_share_a_folder_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run builds and saves the same plan while the first one is writing its own."""
    monkeypatch.setattr(plan, "build", lambda model, fp16: b"plan")
    write = Path.write_bytes
    script = (
        "import sys; from pathlib import Path; from tensorvk.demo import plan; plan.build = lambda *_: b'plan';"
        "plan.find_or_build(Path(sys.argv[1]), fp16=False, rebuild=True)"
    )

    def write_slowly(path: Path, content: bytes) -> int:
        written = write(path, content)
        subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
        return written

    monkeypatch.setattr(Path, "write_bytes", write_slowly)
    made = plan.find_or_build(tmp_path, fp16=False, rebuild=True)
    assert made.path.read_bytes() == b"plan"
    assert list(tmp_path.iterdir()) == [made.path]


def test_a_plan_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "build", lambda model, fp16: bytes(5000))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # ends a file as a full disk does
    try:
        with pytest.raises(OSError, match="large"):
            plan.find_or_build(tmp_path, fp16=False, rebuild=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


def test_an_output_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "tensorvk.demo", "--output", str(tmp_path / "file" / "folder")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert re.fullmatch(r"TensorVK demo: .*Not a directory.*\n", done.stderr)


# The whole


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    output = tmp_path_factory.mktemp("demo")
    return output, run_demo(output, "--picture", str(output / "page.png"))


def test_first_run_builds_and_saves_the_plan(first_run: tuple[Path, str]) -> None:
    output, printed = first_run
    assert re.search(r"Plan: built in [\d.]+ s and saved", printed)
    assert len(list(output.glob("*.plan"))) == 1
    assert not list(output.glob("*.partial"))


def test_the_build_shows_its_progress(first_run: tuple[Path, str]) -> None:
    _, printed = first_run
    before_plan = printed[: printed.index("Plan: built")]
    assert re.search(r": \d+ of \d+, [\d.]+ s", before_plan)


def test_lesions_are_found(first_run: tuple[Path, str]) -> None:
    _, printed = first_run
    match = re.search(r"Dice: mean ([\d.]+)", printed)
    assert match is not None
    assert float(match[1]) > LEAST_DICE


def test_timings_of_both_batch_sizes_are_shown(first_run: tuple[Path, str]) -> None:
    _, printed = first_run
    assert printed.index("Measuring batches of 1 and 4") < printed.index("share of copies")
    rows = re.findall(r"^ +(\d+) +(\d+) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)%$", printed, re.MULTILINE)
    assert [row[0] for row in rows] == ["1", "4"]
    for batch, _, median, p95, rate, copies in rows:
        assert 0 < float(median) <= float(p95)
        assert float(rate) == pytest.approx(1000 * int(batch) / float(median), rel=0.01, abs=0.06)  # printed digits
        assert 0 <= float(copies) < 100


def test_result_agrees_with_onnxruntime(first_run: tuple[Path, str]) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    output, printed = first_run
    assert "ONNX Runtime on the CPU" in printed
    session = onnxruntime.InferenceSession(assets.MODEL.read_bytes(), providers=["CPUExecutionProvider"])
    expected = session.run([assets.OUTPUT], {assets.INPUT: assets.load_slices().image})[0]
    with np.load(output / "probabilities.npz") as data:
        # float32 sums in another order through 23 layers; probabilities are at most 1
        assert np.abs(data["probability"] - expected).max() < 1e-4


def test_pictures_are_written(first_run: tuple[Path, str]) -> None:
    output, _ = first_run
    count = len(assets.load_slices().image)
    assert len(list(output.glob("picture*_slice*.png"))) == count
    assert read_png(output / "page.png").shape[0] > read_png(next(output.glob("picture0_*.png"))).shape[0]


def test_second_run_finds_the_plan(first_run: tuple[Path, str]) -> None:
    output, _ = first_run
    printed = run_demo(output)
    assert "Plan: found the one of an earlier run" in printed
    assert "built in" not in printed


@pytest.mark.slow
def test_damaged_plan_is_built_again(first_run: tuple[Path, str]) -> None:
    output, _ = first_run
    (path,) = output.glob("*.plan")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    printed = run_demo(output)
    assert "building it again" in printed
    assert "Plan: built" in printed
    assert path.read_bytes() != bytes(content)


@pytest.mark.slow
def test_half_precision_finds_the_same_lesions(tmp_path: Path) -> None:
    printed = run_demo(tmp_path, "--fp16")
    match = re.search(r"Dice: mean ([\d.]+)", printed)
    assert match is not None
    assert float(match[1]) > LEAST_DICE
