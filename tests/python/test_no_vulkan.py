"""Machines without a Vulkan loader or driver: one device, whose kernels are functions of the host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorvk
from digits_process import digits, weights

from bench.arrays import largest_difference

pytestmark = pytest.mark.once

HERE = Path(__file__).parent
NAME = "cpu (no Vulkan)"
# Sums of 784 float32 products in another order.
TOLERANCE = 1e-5
# Ways to be without Vulkan, and what the one message says about it.
ABSENCES = {
    "no loader": ({"TENSORVK_VULKAN_LIBRARY": "/nowhere/libvulkan.so.1"}, "apt-get install libvulkan1"),
    "no driver": ({"VK_DRIVER_FILES": "/nowhere.json", "VK_ICD_FILENAMES": "/nowhere.json"}, "mesa-vulkan-drivers"),
    "switched off": ({"TENSORVK_DISABLE": "vulkan"}, "TENSORVK_DISABLE switches Vulkan off"),
}
SWITCHED_OFF = ABSENCES["switched off"][0]


def start(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    packages = [str(Path(tensorvk.__file__).parents[1]), str(HERE), str(HERE.parents[1])]
    # Who asks for validation gets no device without Vulkan, and none that is opened late.
    inherited = {
        key: value for key, value in os.environ.items() if key not in ("TENSORVK_DISABLE", "TENSORVK_VALIDATION")
    }
    return subprocess.run(
        [sys.executable, *arguments],
        env={**inherited, "PYTHONPATH": os.pathsep.join(packages), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def digits_process(verb: str, plan: Path, environment: dict[str, str]) -> dict[str, Any]:
    done = start([str(HERE / "digits_process.py"), verb, str(plan)], environment)
    assert done.returncode == 0, done.stdout + done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def expected() -> np.ndarray[Any, Any]:
    """The network in plain numpy."""
    values = weights()
    x = digits()
    for name, padding in (("conv1", 2), ("conv2", 1)):
        kernel = values[name]
        padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[2:], axis=(2, 3))
        x = np.maximum(np.einsum("nchwij,ocij->nohw", windows, kernel), 0)
        n, c, h, w = x.shape
        x = x.reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5))
    sums = x.reshape(2, -1) @ values["dense"]
    powers = np.exp(sums - sums.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def check(seen: dict[str, Any]) -> None:
    assert not seen["errors"]
    for result in seen["results"]:
        assert largest_difference(np.array(result, np.float32), expected()) < TOLERANCE


@pytest.mark.parametrize("absence", ABSENCES)
def test_a_network_is_built_and_run_and_the_absence_is_said_once(absence: str, tmp_path: Path) -> None:
    environment, reason = ABSENCES[absence]
    seen = digits_process("build", tmp_path / "plan", environment)
    check(seen)
    assert seen["devices"] == 1
    assert seen["device"] == NAME
    said = [message for message in seen["messages"] if "functions of the host alone" in message]
    assert len(said) == 1, seen["messages"]
    assert reason in said[0] and NAME in said[0]
    if absence != "no driver":  # the loader is what tells that there is none
        assert not [name for name in seen["libraries"] if "vulkan" in Path(name).name]


def test_a_plan_built_here_runs_where_there_is_vulkan(tmp_path: Path) -> None:
    built = digits_process("build", tmp_path / "plan", SWITCHED_OFF)
    loaded = digits_process("run", tmp_path / "plan", {})
    assert loaded["device"] != NAME
    check(loaded)
    if "llvmpipe" in loaded["device"]:  # memory of the host: the same functions serve
        assert any(f"section for {NAME} serves" in message for message in loaded["messages"])
        assert loaded["results"] == built["results"]


def test_a_plan_of_shaders_is_refused_with_the_layer(tmp_path: Path) -> None:
    digits_process("build", tmp_path / "plan", {"TENSORVK_DISABLE": "host_kernels"})
    seen = digits_process("run", tmp_path / "plan", SWITCHED_OFF)
    assert "results" not in seen
    (error,) = seen["errors"]
    assert "Layer 'conv1" in error and f"cannot run on {NAME}" in error and "is a shader" in error


def test_the_device_is_named_in_refusals_of_a_wish(tmp_path: Path) -> None:
    script = "from tensorvk import cudart; print(cudart.cudaMalloc(4)[0].name, cudart.cudaGetLastErrorMessage())"
    assert "cudaSuccess" in start(["-c", script], {**SWITCHED_OFF, "TENSORVK_DEVICE": "cpu"}).stdout
    refused = start(["-c", script], {**SWITCHED_OFF, "TENSORVK_DEVICE": "llvmpipe"}).stdout
    assert "cudaErrorInvalidValue" in refused and f"0 = {NAME}" in refused


@pytest.mark.parametrize("absence", ABSENCES)
def test_doctor_shows_the_device_and_what_to_do(absence: str) -> None:
    environment, reason = ABSENCES[absence]
    done = start(["-m", "tensorvk", "doctor"], environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"device 0: {NAME}  (the default)\n  CPU, functions of the host alone" in done.stdout
    assert f"problem: {reason}" in done.stdout or reason in done.stdout.split("problem: ")[1].splitlines()[0]
    hint = "take 'vulkan' out of TENSORVK_DISABLE" if absence == "switched off" else "apt-get install"
    assert hint in done.stdout.split("\nhint: ")[1]
    assert "subgroups" not in done.stdout and "workgroup" not in done.stdout


def check_fork(environment: dict[str, str]) -> None:
    """A process forked after the first use of a device is told so by its first call."""
    script = (
        "import os\n"
        "from tensorvk import cudart\n"
        "assert cudart.cudaMalloc(4)[0].name == 'cudaSuccess'\n"
        "if os.fork() == 0:\n"
        "    print(cudart.cudaMalloc(4)[0].name, cudart.cudaGetLastErrorMessage(), flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    done = start(["-c", script], environment)
    assert done.stdout.startswith("cudaErrorInitializationError") and "spawn" in done.stdout, done.stderr


def test_a_forked_process_is_told_so() -> None:
    check_fork(SWITCHED_OFF)
