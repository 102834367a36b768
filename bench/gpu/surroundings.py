"""Where numbers were measured: day, machine, device, driver and versions, without which they mean little."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

import tensorvk
from tensorvk import doctor
from tensorvk.demo.device import device_name

from .engines import KINDS
from .interpreters import REPOSITORY, run


@dataclass(frozen=True)
class Surroundings:
    date: str
    device: str
    driver: str
    processor: str
    tensorvk: str
    versions: dict[str, str]  # of the other engines, by package

    def sentences(self) -> str:
        others = ", ".join(f"{package} {version}" for package, version in self.versions.items())
        ours = f"TensorVK {self.tensorvk} on {self.device}, driver {self.driver}; {self.processor}"
        return f"{self.date}: {ours}. Other engines: {others or 'none'}."


def surroundings(engines: dict[str, str]) -> Surroundings:
    """`engines`: names with the interpreters that run them."""
    name = device_name()
    drivers = [device["driver"] for device in doctor.gather()["devices"] if device["name"] == name]
    packages: dict[str, list[str]] = {}  # by interpreter
    for engine, interpreter in engines.items():
        packages.setdefault(interpreter, []).extend(KINDS[engine].packages)
    versions: dict[str, str] = {}
    for interpreter, wanted in packages.items():
        versions |= _versions(interpreter, wanted)
    return Surroundings(
        date=datetime.date.today().isoformat(),
        device=name,
        driver=drivers[0] if drivers else "unknown",
        processor=f"{_processor()}, {len(os.sched_getaffinity(0))} threads",
        tensorvk=tensorvk.tensorvk_version + _commit(),
        versions=versions,
    )


def _versions(interpreter: str, packages: list[str]) -> dict[str, str]:
    asked = run(interpreter, "bench.gpu.versions", *packages, capture=True)
    return dict(json.loads(asked.stdout)) if asked.returncode == 0 else {}


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    """Empty outside of a checkout."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return f" ({asked.stdout.strip()})" if asked.returncode == 0 else ""
