"""bench.families: layers of every family are built and timed, and what is said of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench.families import __main__ as command
from bench.families import limits, report, timing
from bench.families.sketch import Sketch
from bench.families.table import MICROS, SQUARE, Micro, Size
from bench.families.timing import Timed
from bench.gpu.surroundings import Surroundings
from bench.limits import Machine

pytestmark = pytest.mark.once

TINY = Size(edge=17, batch=1, rows=256)
EVERY = [(micro, precision) for micro in MICROS for precision in micro.precisions]
BY_NAME = {(micro.family, micro.name): micro for micro in MICROS}


def layer(family: str = "product", precision: str = "fp32", ms: float = 1.0, flops: int = 0, size: int = 0) -> Timed:
    return Timed(family, "square", precision, "matrix/cpu", ms, ms, 0.0, flops, size)


@pytest.mark.parametrize(
    ("micro", "precision"), EVERY, ids=[f"{micro.family}, {micro.name}, {type}" for micro, type in EVERY]
)
def test_every_layer_is_built_and_timed(micro: Micro, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Level 0 takes oneDNN's on a processor, which needs seconds for three channels in int8.
    monkeypatch.setenv("TENSORVK_TACTIC", "conv_int8/cpu_tile")
    timed = timing.measure(micro, precision, TINY, level=0, seconds=0)
    assert (timed.family, timed.name, timed.precision) == (micro.family, micro.name, precision)
    assert 0 < timed.best_ms <= timed.ms < 10_000
    assert timed.around_ms >= 0
    assert "/" in timed.tactics


def test_layers_of_a_family_have_names_of_their_own() -> None:
    assert len(BY_NAME) == len(MICROS)


@pytest.mark.parametrize(
    ("family", "name", "precision", "flops", "size"),
    [
        ("product", "square", "fp32", 2 * 17**3, 4 * 3 * 17**2),
        ("product", "square", "int8", 2 * 17**3, 3 * 17**2),
        ("convolution", "3x3, 64 to 64, 56", "fp16", 2 * 56**2 * 64 * 64 * 9, 2 * (2 * 64 * 56**2 + 64 * 64 * 9)),
        ("convolution", "7x7 / 2, 3 to 64, 224", "fp32", 2 * 112**2 * 64 * 147, 4 * (3 * 224**2 + 64 * 112**2 + 9408)),
        ("depthwise", "3x3, 144, 56", "fp32", 2 * 56**2 * 144 * 9, 4 * (2 * 144 * 56**2 + 144 * 9)),
        (
            "transposed convolution",
            "2x2 / 2, 256 to 128, 28",
            "fp32",
            2 * 28**2 * 256 * 512,
            4 * (256 * 28**2 + 128 * 56**2 + 256 * 128 * 4),
        ),
        ("attention", "12 heads of 64, 128 tokens", "fp16", 4 * 12 * 128**2 * 64, 2 * 4 * 12 * 128 * 64),
        ("softmax", "rows of 1000", "fp32", 0, 4 * 2 * 256 * 1000),
        ("gather", "rows of 768", "fp32", 0, 4 * (1024 * 768 + 256 + 256 * 768)),
        ("top-k", "5 of rows of 1000", "fp32", 0, 4 * 256 * 1005),
    ],
)
def test_operations_and_bytes(family: str, name: str, precision: str, flops: int, size: int) -> None:
    timed = timing.measure(BY_NAME[family, name], precision, TINY, level=0, seconds=0)
    assert (timed.flops, timed.bytes) == (flops, size)


def test_the_limit_is_the_fastest_product_of_the_type() -> None:
    timed = [
        layer(ms=2, flops=2_000_000),
        layer(ms=1, flops=3_000_000),
        layer("convolution", ms=0.1, flops=3_000_000),
        layer(precision="fp16", ms=1, flops=5_000_000),
    ]
    found = limits.machines(timed, 1e9, {"fp16": 9e9, "fp32": 1e9, "int8": 1e9})
    assert found == {"fp32": Machine(3e9, 1e9, "ours"), "fp16": Machine(9e9, 1e9, "torch")}


def test_a_copy_has_a_bandwidth() -> None:
    assert 1e8 < limits.bandwidth(TINY) < 1e14


@pytest.mark.parametrize(("flops", "size", "expected"), [(1_000_000, 1000, 0.5), (1000, 1_000_000, 0.25)])
def test_the_share_is_that_of_what_takes_longer(flops: int, size: int, expected: float) -> None:
    machine = Machine(flops=1e9, bandwidth=2e9, product="ours")
    assert report.share(layer(ms=2, flops=flops, size=size), machine) == pytest.approx(expected)


def broken(sketch: Sketch, size: Size) -> int:
    raise RuntimeError("it does not fit")


def test_one_command_writes_a_table_and_numbers_failures_included(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    softmax = BY_NAME["softmax", "rows of 1000"]
    monkeypatch.setattr(command, "MICROS", [SQUARE, softmax, Micro("softmax", "broken", broken)])
    monkeypatch.setitem(command.SIZES, "small", TINY)
    words = [
        "bench.families",
        "--only",
        "softmax",
        "--types",
        "fp32",
        "--size",
        "small",
        "--level",
        "0",
        "--seconds",
        "0",
    ]
    words += ["--json", str(tmp_path / "numbers.json"), "--markdown", str(tmp_path / "table.md")]
    monkeypatch.setattr(sys, "argv", words)
    assert command.main() == 1
    text = (tmp_path / "table.md").read_text()
    assert text.strip() == capsys.readouterr().out.strip()
    assert "The fastest matrix products: fp32 " in text
    assert "| softmax | rows of 1000 | fp32 | softmax/" in text
    assert text.rstrip().endswith("- softmax, broken, fp32: failed: it does not fit")
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    assert numbers["failed"] == [["softmax, broken, fp32", "it does not fit"]]
    assert [each["family"] for each in numbers["layers"]] == ["product", "softmax"]
    assert all(each["share"] > 0 for each in numbers["layers"])
    assert {"date", "device", "driver", "limits"} <= numbers.keys()


def test_without_a_product_of_the_type_there_is_no_share() -> None:
    here = Surroundings("2026-11-23", "a GPU", "1.2", "a CPU", "0.1", {})
    text = report.markdown(here, {}, [layer("softmax", "int8", 2.0, 0, 1_000_000)], [])
    assert "| softmax | square | int8 | matrix/cpu | 2 |  | 0.5 |  |  |" in text
