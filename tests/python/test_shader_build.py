"""shaders/compile.py: what it makes of a shader and its table, and what it says when it cannot."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

COMPILE = Path(__file__).resolve().parents[2] / "shaders" / "compile.py"

SHADER = """#version 450
#extension GL_GOOGLE_include_directive : require
#include "one.glsl"
layout(local_size_x = 64) in;
layout(binding = 0) buffer B { T x[]; };
void main() { x[gl_GlobalInvocationID.x] += T(ONE); }
"""
TABLE = """
[[variant]]
name = "f32"
defines = ["T=float"]
[[variant]]
name = "i32"
defines = ["T=int"]
"""


@pytest.fixture
def shader(tmp_path: Path) -> Path:
    family = tmp_path / "family"
    family.mkdir()
    (family / "one.glsl").write_text("#define ONE 1\n")
    (family / "add.toml").write_text(TABLE)
    path = family / "add.comp"
    path.write_text(SHADER)
    return path


def run(*arguments: Path | str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(COMPILE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def pack(shader: Path) -> list[tuple[str, bytes, int]]:
    """Id, SPIR-V and subgroup size of each kernel."""
    output = shader.with_suffix(".pack")
    result = run("pack", shader, output)
    assert result.returncode == 0, result.stderr
    kernels: list[tuple[str, bytes, int]] = pickle.loads(output.read_bytes())
    return kernels


def refusal(shader: Path) -> str:
    result = run("pack", shader, shader.with_suffix(".pack"))
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    return result.stderr


def test_a_shader_becomes_one_spirv_module_for_each_variant(shader: Path) -> None:
    kernels = pack(shader)
    assert [name for name, _, _ in kernels] == ["family/add:f32", "family/add:i32"]
    assert all(spirv[:4] == bytes.fromhex("03022307") for _, spirv, _ in kernels)
    assert kernels[0][1] != kernels[1][1]


def test_a_shader_says_for_which_subgroups_it_is_made(shader: Path) -> None:
    assert [size for _, _, size in pack(shader)] == [0, 0]
    shader.with_suffix(".toml").write_text("subgroup_size = 32\n" + TABLE)
    assert [size for _, _, size in pack(shader)] == [32, 32]


def test_two_builds_give_the_same_bytes(shader: Path) -> None:
    assert pack(shader) == pack(shader)


def test_included_headers_are_reported_as_inputs(shader: Path) -> None:
    pack(shader)
    inputs = Path(f"{shader.with_suffix('.pack')}.d").read_text()
    assert str(shader) in inputs
    assert str(shader.parent / "one.glsl") in inputs


def test_a_mistake_is_named_with_file_line_and_variant(shader: Path) -> None:
    shader.write_text(SHADER.replace("T(ONE)", "T(TWO)"))
    assert f"{shader}:6: error: 'TWO' : undeclared identifier  [variant f32]" in refusal(shader)


def test_a_mistake_in_a_header_is_named_there(shader: Path) -> None:
    (shader.parent / "one.glsl").write_text("#define ONE 1\nint broken( {\n")
    assert f"{shader.parent / 'one.glsl'}:2: error:" in refusal(shader)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (None, "no table of variants beside it"),
        ("", "needs one or more [[variant]]"),
        ('[[variant]]\nname = "f32"\n[[variant]]\nname = "f32"\n', "with different names"),
        ('[[variant]]\nname = "F 32"\n', "names of [a-z0-9_]"),
        ('[[variant]]\nname = "f32"\nflags = ["T=float"]\n', "unknown keys ['flags']"),
        ("[[variant\n", "line 1"),
        ('subgroup_size = 33\n[[variant]]\nname = "f32"\n', "subgroup_size is 33; allowed are powers of two"),
        ('subgroup_size = false\n[[variant]]\nname = "f32"\n', "subgroup_size is False; allowed are powers of two"),
    ],
)
def test_a_wrong_table_is_refused_with_its_name(shader: Path, table: str | None, said: str) -> None:
    path = shader.with_suffix(".toml")
    path.unlink()
    if table is not None:
        path.write_text(table)
    message = refusal(shader)
    assert said in message
    assert "add.toml" in message


def test_the_embedded_table_is_sorted_and_has_room_for_every_kernel(shader: Path) -> None:
    shader.with_suffix(".toml").write_text("subgroup_size = 32\n" + TABLE)
    sizes = {name: len(spirv) for name, spirv, _ in pack(shader)}
    packs, output = shader.with_name("packs.txt"), shader.with_name("embedded.cpp")
    packs.write_text(f"{shader.with_suffix('.pack')}\n")
    assert run("embed", packs, output).returncode == 0
    rows = [line for line in output.read_text().splitlines() if line.startswith('    {"')]
    assert [row.split('"')[1] for row in rows] == sorted(sizes)
    assert f", {sizes['family/add:f32']}U, {sizes['family/add:i32']}U, 32U}}," in rows[1]
