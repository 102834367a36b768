"""The house's rules that a reader of one file cannot see: who may include whom, and how large things may grow."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]

# Lowest first: a room includes itself and the rooms before it.
ROOMS = [
    "support",
    "shape",
    "vulkan",
    "stream",
    "plan",
    "kernels",
    "runtime",
    "graph",
    "onnx",
    "layers",
    "tactics",
    "compiler",
    "builder",
    "api",
    "bindings",
]
# The network definition and its reader work on machines without a device.
WITHOUT_DEVICE = {
    "graph": {"vulkan", "stream", "runtime"},
    "onnx": {"vulkan", "stream", "runtime"},
    "layers": {"vulkan", "stream", "runtime"},
}
TOP_LEVEL = {
    "CMakeLists.txt",
    "CMakePresets.json",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "run",
    "cpp",
    "python",
    "shaders",
    "notebooks",
    "tests",
    "bench",
    "docs",
}
SOURCE_SUFFIXES = {".cpp", ".hpp", ".h", ".inl", ".py", ".comp", ".glsl", ".cmake", ".txt", ".fbs", ".proto"}
MOST_LINES = 500
# onnx.proto is the format's own definition with our package name.
LONG_BY_NATURE = {"cpp/src/onnx/onnx.proto"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode != 0:
        pytest.skip("the house is checked in a git checkout")
    names = [name for name in listing.stdout.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def room_of(path: Path) -> str | None:
    """The room that a source file belongs to; bindings lie beside src/."""
    parts = path.relative_to(ROOT).parts
    if parts[:2] == ("cpp", "src"):
        return parts[2]
    return "bindings" if parts[:2] == ("cpp", "bindings") else None


def includes(path: Path) -> Iterator[str]:
    yield from INCLUDE.findall(path.read_text())


def upward_includes(room: str, included: list[str]) -> list[str]:
    """Those of the included names that a file of this room may not include."""
    allowed = ROOMS[: ROOMS.index(room) + 1]
    barred = WITHOUT_DEVICE.get(room, set())
    refused = []
    for name in included:
        # Bindings are one folder without rooms, and include each other by name alone.
        target = "bindings" if room == "bindings" and "/" not in name else name.split("/")[0]
        if target != "tensorvk" and (target not in allowed or target in barred):
            refused.append(name)
    return refused


def cpp_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix in {".cpp", ".hpp", ".h", ".inl"}]


def test_rooms_include_only_rooms_below_them() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} includes {name}"
        for path in cpp_files()
        if (room := room_of(path)) is not None
        for name in upward_includes(room, list(includes(path)))
    ]
    assert not wrong, "a room uses only the rooms below it:\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    ("room", "name", "refused"),
    [
        ("runtime", "plan/program.hpp", False),
        ("runtime", "runtime/engine.hpp", False),
        ("runtime", "tensorvk/runtime.h", False),
        ("runtime", "graph/network.hpp", True),
        ("runtime", "compiler/lower.hpp", True),
        ("support", "shape/expr.hpp", True),
        ("graph", "vulkan/device.hpp", True),
        ("builder", "vulkan/device.hpp", False),
        ("plan", "error.hpp", True),
        ("bindings", "share.hpp", False),
        ("plan", "../support/error.hpp", True),
    ],
)
def test_the_include_check_knows_up_from_down(room: str, name: str, refused: bool) -> None:
    assert upward_includes(room, [name]) == ([name] if refused else [])


def test_every_folder_of_the_sources_is_a_known_room() -> None:
    found = {room for path in cpp_files() if (room := room_of(path)) is not None}
    assert found <= set(ROOMS)


def test_public_headers_include_only_public_headers() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} includes {name}"
        for path in cpp_files()
        if path.is_relative_to(ROOT / "cpp/include")
        for name in includes(path)
        if not name.startswith("tensorvk/") and not (path.parent / name).is_file()
    ]
    assert not wrong, "\n".join(wrong)


def test_no_source_file_is_longer_than_a_reader_can_hold() -> None:
    long = {
        name: lines
        for path in tracked_files()
        if path.suffix in SOURCE_SUFFIXES and (name := str(path.relative_to(ROOT))) not in LONG_BY_NATURE
        if (lines := len(path.read_text().splitlines())) > MOST_LINES
    }
    assert not long, f"split these files (at most {MOST_LINES} lines): {long}"


def test_the_top_level_stays_small() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_every_shader_has_its_table_of_variants() -> None:
    shaders = [path for path in tracked_files() if path.suffix == ".comp"]
    assert [str(path) for path in shaders if not path.with_suffix(".toml").is_file()] == []
