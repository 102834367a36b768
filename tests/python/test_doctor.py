"""`tensorvk doctor` on systems as they are and as they could be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from tensorvk import doctor


def system(**changes: Any) -> dict[str, Any]:
    """A system with one usable GPU; `changes` replace parts of it."""
    gpu = {
        "name": "Some GPU",
        "type": "discrete GPU",
        "vulkan": "1.3.0",
        "driver": "somedriver 1.2",
        "memory": 8 << 30,
        "subgroup_size": 32,
        "usable": True,
        "shaders": True,
        "why_not": "",
        "limits": {"shared memory": 49152, "workgroup invocations": 1024},
        "features": [("fp16 storage", True, "16-bit values"), ("memory budget", False, "not offered")],
    }
    found: dict[str, Any] = {
        "loader": "libvulkan.so.1",
        "loader_version": "1.3.239",
        "problem": "",
        "vulkan": True,
        "switched_off": False,
        "layers": [doctor.VALIDATION_LAYER],
        "validating": False,
        "devices": [gpu],
        "drivers": [__file__],
        "settings": {},
        "host_library": "oneDNN 2.6.3",
        "host_library_absence": "",
    }
    return {**found, **changes}


def test_healthy_system_gets_no_hints() -> None:
    found = system()
    assert doctor.hints(found) == []
    text = doctor.report(found)
    assert "device 0: Some GPU  (the default)" in text
    assert "48 KiB" in text and "8 GiB" in text
    assert "yes fp16 storage" in text and "no  memory budget" in text


def test_missing_loader_says_what_to_install() -> None:
    found = system(loader="", vulkan=False, layers=[], drivers=[], problem="No Vulkan loader could be opened.")
    assert any("apt-get install libvulkan1 mesa-vulkan-drivers" in hint for hint in doctor.hints(found))
    assert "problem: No Vulkan loader" in doctor.report(found)


def test_missing_driver_says_what_to_install_and_which_file_is_missing() -> None:
    found = system(vulkan=False, devices=[], drivers=["/nowhere/icd.json"])
    text = doctor.report(found)
    assert "apt-get install mesa-vulkan-drivers" in text
    assert "/nowhere/icd.json" in text


def test_vulkan_that_is_switched_off_is_no_reason_to_install_it() -> None:
    found = system(loader="", vulkan=False, switched_off=True, layers=[], problem="Vulkan is off.")
    found["devices"][0].update(name="cpu (no Vulkan)", type="CPU", shaders=False)
    (hint,) = doctor.hints(found)
    assert "TENSORVK_DISABLE" in hint
    assert "CPU, functions of the host alone" in doctor.report(found)


def test_unusable_device_says_why() -> None:
    found = system()
    found["devices"][0].update(usable=False, why_not="The driver speaks Vulkan 1.0, TensorVK needs 1.2.")
    text = doctor.report(found)
    assert "NOT USABLE" in text and "needs 1.2" in text
    assert any("no device can be used" in hint for hint in doctor.hints(found))


def test_absent_library_for_the_host_says_why_and_what_to_install() -> None:
    found = system(host_library="", host_library_absence="libdnnl.so.2: cannot open shared object file")
    assert any("apt-get install libdnnl2" in hint for hint in doctor.hints(found))
    assert "library for host kernels: none (libdnnl.so.2: cannot open" in doctor.report(found)


def test_a_setting_that_names_nothing_is_to_be_mended() -> None:
    environment = {**os.environ, "TENSORVK_DISABLE": "host_kernel"}
    command = [sys.executable, "-m", "tensorvk", "doctor"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "problem: TENSORVK_DISABLE names 'host_kernel', which is no feature" in done.stdout
    assert "hint: no device was opened: mend the setting" in done.stdout
    assert "install a driver" not in done.stdout


def test_cpu_device_alone_mentions_the_gpu_driver() -> None:
    found = system()
    found["devices"][0]["type"] = "CPU"
    assert any("only CPU devices" in hint for hint in doctor.hints(found))


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (3 << 29, "1.5 GiB"), (2 << 40, "2 TiB")]
)
def test_sizes_are_readable(size: int, text: str) -> None:
    assert doctor.size_text(size) == text


def run_doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tensorvk", "doctor", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_this_machine_has_a_usable_device() -> None:
    done = run_doctor()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "device 0: " in done.stdout
    found = json.loads(run_doctor("--json").stdout)
    assert found["devices"][0]["usable"]
    assert found["devices"][0]["limits"]["storage range per binding"] > 0


def test_works_without_a_loader() -> None:
    done = run_doctor(TENSORVK_VULKAN_LIBRARY="/nowhere/libvulkan.so.1", TENSORVK_DISABLE="", TENSORVK_VALIDATION="0")
    assert done.returncode == 0, "the host computes"
    assert "loader:  none" in done.stdout
    assert "apt-get install libvulkan1" in done.stdout
    assert not done.stderr


def test_works_without_a_driver() -> None:
    nowhere = {"VK_ICD_FILENAMES": "/nowhere.json", "VK_DRIVER_FILES": ""}
    done = run_doctor(TENSORVK_DISABLE="", TENSORVK_VALIDATION="0", **nowhere)
    assert done.returncode == 0, "the host computes"
    assert "mesa-vulkan-drivers" in done.stdout


def test_unknown_verb_lists_the_verbs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tensorvk", "fly"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "no verb 'fly'" in done.stderr and "doctor" in done.stderr


def test_a_profile_lowers_limits_and_says_so() -> None:
    done = run_doctor(TENSORVK_DEVICE_PROFILE="bare", TENSORVK_DISABLE="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "limits and features of the VideoCore VII" in done.stdout
    if "shared memory" in done.stdout:  # of a device that runs shaders
        assert re.search(r"shared memory +16 KiB", done.stdout)
        assert re.search(r"no +fp16 storage +hidden by TENSORVK_DEVICE_PROFILE", done.stdout)


def test_a_limit_of_submissions_is_shown_with_its_reason() -> None:
    done = run_doctor(TENSORVK_SUBMISSION_LIMIT="12.5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"yes +short submissions +of at most 12.5 ms: by TENSORVK_SUBMISSION_LIMIT", done.stdout)
    done = run_doctor(TENSORVK_SUBMISSION_LIMIT="12ms")
    assert done.returncode == 1
    assert "TENSORVK_SUBMISSION_LIMIT is '12ms': give the milliseconds" in done.stdout + done.stderr


def test_an_unknown_profile_is_refused_with_those_that_there_are() -> None:
    done = run_doctor(TENSORVK_DEVICE_PROFILE="phone", TENSORVK_DISABLE="")
    assert done.returncode == 1
    assert "'phone', which is no profile: give 'amd'" in done.stdout + done.stderr
