"""Prints those of pyproject.toml's build requirements that this Python lacks, quoted for a shell, on one line.

Names given as arguments are left out: what this build does not need.
"""

from __future__ import annotations

import importlib.metadata
import re
import shlex
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)][:3]


def present(requirement: str) -> bool:
    name, _, least = requirement.partition(">=")
    try:
        return numbers(importlib.metadata.version(name)) >= numbers(least)
    except importlib.metadata.PackageNotFoundError:
        return False


requirements = tomllib.loads(PROJECT.read_text())["build-system"]["requires"]
wanted = [line for line in requirements if line.partition(">=")[0] not in sys.argv[1:]]
print(" ".join(shlex.quote(line) for line in wanted if not present(line)))
