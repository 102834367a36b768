"""A CPU device of Vulkan's whose driver is opened by the first shader, in processes that share a folder of caches."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from test_no_vulkan import NAME, check, check_fork, digits_process, start

pytestmark = pytest.mark.once

LOOK = "from tensorvk import cudart; print(cudart.cudaGetDeviceProperties(0)[1].name.decode())"


def has_driver(seen: dict[str, Any]) -> bool:
    return any(Path(name).name.startswith("libvulkan") for name in seen["libraries"])


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a process is started with: an earlier one has looked at the devices."""
    if os.environ.get("TENSORVK_DEVICE_PROFILE"):
        pytest.skip("a profile asks the driver what it lowers")
    environment = {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")), "TENSORVK_DEVICE": "cpu"}
    done = start(["-c", LOOK], environment)
    if "llvmpipe" not in done.stdout:
        pytest.skip("no CPU device of Vulkan's here: " + (done.stdout + done.stderr).strip())
    (look,) = Path(environment["XDG_CACHE_HOME"], "tensorvk").glob("devices-*.bin")
    assert look.stat().st_size > 0
    return environment


@pytest.fixture(scope="module")
def plans(caches: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("plans")
    built = {"host": folder / "host", "shaders": folder / "shaders"}
    digits_process("build", built["host"], {**caches, "TENSORVK_DISABLE": "vulkan"})
    digits_process("build", built["shaders"], {**caches, "TENSORVK_DISABLE": "host_kernels"})
    return built


def test_a_network_of_host_functions_loads_no_driver(caches: dict[str, str], plans: dict[str, Path]) -> None:
    at_once = digits_process("run", plans["host"], {**caches, "TENSORVK_DISABLE": "late_driver"})
    late = digits_process("run", plans["host"], caches)
    check(late)
    assert has_driver(at_once) and not has_driver(late)
    for same in ("device", "devices", "results", "messages"):
        assert late[same] == at_once[same]
    assert late["device"] != NAME


def test_shaders_open_the_driver_and_run_as_ever(caches: dict[str, str], plans: dict[str, Path]) -> None:
    at_once = digits_process("run", plans["shaders"], {**caches, "TENSORVK_DISABLE": "late_driver"})
    late = digits_process("run", plans["shaders"], caches)
    check(late)
    assert has_driver(late)
    for same in ("device", "results", "messages"):
        assert late[same] == at_once[same]


def test_a_network_is_built_by_a_process_that_began_late(caches: dict[str, str], tmp_path: Path) -> None:
    check(digits_process("build", tmp_path / "plan", caches))


@pytest.mark.parametrize(
    "settings",
    [
        {"TENSORVK_CACHE": "0"},
        {"TENSORVK_DISABLE": "host_kernels"},
        {"TENSORVK_DISABLE": "unified_memory"},
        {"TENSORVK_DISABLE": "host_import"},
        {"LP_NUM_THREADS": "1"},
    ],
)
def test_who_wants_something_else_gets_the_driver_at_once(
    settings: dict[str, str], caches: dict[str, str], plans: dict[str, Path]
) -> None:
    seen = digits_process("run", plans["shaders"], {**caches, **settings})
    check(seen)
    assert has_driver(seen)


def test_a_damaged_memory_of_the_devices_is_looked_up_again(caches: dict[str, str], plans: dict[str, Path]) -> None:
    files = list(Path(caches["XDG_CACHE_HOME"], "tensorvk").glob("devices-*.bin"))
    for file in files:
        file.write_bytes(file.read_bytes()[:-1])
    seen = digits_process("run", plans["host"], caches)
    check(seen)
    assert has_driver(seen)
    again = digits_process("run", plans["host"], caches)
    check(again)
    assert not has_driver(again)


@pytest.mark.parametrize("wish", ["cpu", "0", "LLVM", ""])
def test_the_wished_device_is_the_same_with_and_without_a_look(wish: str, caches: dict[str, str]) -> None:
    names = [
        start(["-c", LOOK], {**caches, "TENSORVK_DEVICE": wish, "TENSORVK_DISABLE": disabled}).stdout
        for disabled in ("", "late_driver")
    ]
    assert names[0] == names[1] != ""


def test_a_wish_that_no_device_meets_is_told_all_devices(caches: dict[str, str]) -> None:
    script = "from tensorvk import cudart; print(cudart.cudaMalloc(4)[0].name, cudart.cudaGetLastErrorMessage())"
    refused = start(["-c", script], {**caches, "TENSORVK_DEVICE": "Voodoo"}).stdout
    assert "cudaErrorInvalidValue" in refused and "llvmpipe" in refused


def test_doctor_looks_at_the_devices(caches: dict[str, str]) -> None:
    done = start(["-m", "tensorvk", "doctor"], caches)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "llvmpipe" in done.stdout and "Vulkan 1." in done.stdout


def test_a_forked_process_is_told_so(caches: dict[str, str]) -> None:
    check_fork(caches)
