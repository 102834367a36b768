"""`tensorvk doctor`: what Vulkan offers here, what TensorVK uses of it, and what to install if something is missing."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DRIVER_FOLDERS = ("/etc/vulkan/icd.d", "/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d")
DRIVER_VARIABLES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES")
SETTINGS = (
    "TENSORVK_DEVICE",
    "TENSORVK_CACHE",
    "TENSORVK_RAISE",
    "TENSORVK_TACTIC",
    "TENSORVK_THREADS",
    "TENSORVK_TIMING_CACHE",
    "TENSORVK_SUBMISSION_LIMIT",
    "TENSORVK_VERBOSE",
    "TENSORVK_VALIDATION",
    "TENSORVK_DISABLE",
    "TENSORVK_DISABLE_PASSES",
    "TENSORVK_DEVICE_PROFILE",
    "TENSORVK_VULKAN_LIBRARY",
    "XDG_CACHE_HOME",
    *DRIVER_VARIABLES,
)
INSTALL_LOADER = "install the loader and a driver: apt-get install libvulkan1 mesa-vulkan-drivers"
INSTALL_DRIVER = (
    "install a driver: apt-get install mesa-vulkan-drivers (lavapipe needs no GPU), or your GPU vendor's driver"
)
INSTALL_LIBRARY = (
    "without oneDNN, convolutions and matrix products on a CPU device are shaders, several times slower: "
    "apt-get install libdnnl2, and build TensorVK with libdnnl-dev"
)
INSTALL_LAYER = "to check TensorVK's own use of Vulkan: apt-get install vulkan-validationlayers"
VALIDATION_LAYER = "VK_LAYER_KHRONOS_validation"


def driver_files() -> list[str]:
    """Driver manifests that the loader finds: those that the environment names, else those in the system's folders."""
    for variable in DRIVER_VARIABLES[:2]:
        named = os.environ.get(variable)
        if named:
            return [path for path in named.split(os.pathsep) if path]
    return [str(path) for folder in DRIVER_FOLDERS for path in sorted(Path(folder).glob("*.json"))]


def gather() -> dict[str, Any]:
    """Everything that is printed, as plain data."""
    from tensorvk._core import cudart

    found: dict[str, Any] = cudart.survey()
    found["drivers"] = driver_files()
    found["settings"] = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    found["switched_off"] = "vulkan" in os.environ.get("TENSORVK_DISABLE", "").split(",")
    return found


def hints(found: dict[str, Any]) -> list[str]:
    """What to do, one sentence each."""
    advice = []
    if found["switched_off"]:
        advice.append("Vulkan is switched off: take 'vulkan' out of TENSORVK_DISABLE to use it")
    elif not found["loader"]:
        advice.append(INSTALL_LOADER)
    elif not found["vulkan"]:
        advice.append(INSTALL_DRIVER)
        missing = [path for path in found["drivers"] if not Path(path).is_file()]
        advice += [f"a driver file that the environment names does not exist: {path}" for path in missing]
    elif str(found["problem"]).startswith("TENSORVK_"):
        advice.append("no device was opened: mend the setting that the problem names")
    elif not any(device["usable"] for device in found["devices"]):
        advice.append("no device can be used, for the reasons above; " + INSTALL_DRIVER)
    elif all(device["type"] == "CPU" for device in found["devices"]):
        advice.append("only CPU devices were found; if this machine has a GPU, install its vendor's Vulkan driver")
    if not found["host_library"]:
        advice.append(INSTALL_LIBRARY)
    if found["loader"] and VALIDATION_LAYER not in found["layers"]:
        advice.append(INSTALL_LAYER)
    return advice


def size_text(size: int) -> str:
    """Bytes in the largest unit that leaves at least one, 2147483648 -> '2 GiB'."""
    for unit, shift in (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << shift:
            return f"{size / (1 << shift):.4g} {unit}"
    return f"{size} B"


BYTE_LIMITS = {
    "storage range per binding",
    "storage offset alignment",
    "push constants",
    "shared memory",
    "one allocation",
}


def limit_text(name: str, value: int) -> str:
    return size_text(value) if name in BYTE_LIMITS else str(value)


def device_lines(index: int, device: dict[str, Any]) -> Iterator[str]:
    state = "" if device["usable"] else "  NOT USABLE"
    kind = "functions of the host alone"
    if device["shaders"]:
        kind = f"Vulkan {device['vulkan']}, driver {device['driver']}"
    chosen = "  (the default)" if index == 0 and device["usable"] else ""
    yield f"device {index}: {device['name']}{chosen}{state}"
    yield f"  {device['type']}, {kind}"
    if not device["usable"]:
        yield f"  {device['why_not']}"
        return
    subgroups = f", subgroups of {device['subgroup_size']}" if device["shaders"] else ""
    yield f"  memory {size_text(device['memory'])}{subgroups}"
    yield "  what TensorVK uses:"
    for feature, used, why in device["features"]:
        yield f"    {'yes' if used else 'no ':3} {feature:24} {why}"
    yield "  limits:"
    for name, value in device["limits"].items():
        yield f"    {name:28} {limit_text(name, value)}"


def report(found: dict[str, Any]) -> str:
    """The text that `tensorvk doctor` prints."""
    lines = [f"system:  {platform.platform()}, Python {platform.python_version()}"]
    if found["loader"]:
        lines.append(f"loader:  {found['loader']}, Vulkan {found['loader_version']}")
    else:
        lines.append("loader:  none")
    lines.append(f"drivers: {', '.join(found['drivers']) or 'none'}")
    lines.append(f"layers:  {', '.join(found['layers']) or 'none'}{' (validating)' if found['validating'] else ''}")
    library = found["host_library"] or f"none ({found['host_library_absence']})"
    lines.append(f"library for host kernels: {library}")
    lines += [f"setting: {name}={value}" for name, value in found["settings"].items()]
    lines.append("more settings: the environment variables of the manual's page docs/settings.md")
    for index, device in enumerate(found["devices"]):
        lines += ["", *device_lines(index, device)]
    if found["problem"]:
        lines += ["", f"problem: {found['problem']}"]
    advice = hints(found)
    if advice:
        lines += ["", *(f"hint: {sentence}" for sentence in advice)]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """0 when a device can be used, else 1."""
    parser = argparse.ArgumentParser(prog="tensorvk doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print plain data instead of text")
    options = parser.parse_args(arguments)
    found = gather()
    print(json.dumps(found, indent=2) if options.json else report(found))
    return 0 if any(device["usable"] for device in found["devices"]) else 1


if __name__ == "__main__":
    sys.exit(main())
