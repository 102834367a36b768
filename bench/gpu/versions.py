"""Versions of packages that this interpreter has: `python -m bench.gpu.versions PACKAGE...` prints them as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from importlib import metadata


def installed(packages: Iterable[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    if "torch" in found:
        import torch

        found["torch"] += f" (CUDA {torch.version.cuda})" if torch.version.cuda else " (no CUDA)"
    return found


if __name__ == "__main__":
    print(json.dumps(installed(sys.argv[1:])))
