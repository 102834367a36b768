"""Other interpreters that run a part of this: PyTorch and its like may be installed elsewhere."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """In which they find `bench`."""
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def run(interpreter: str, module: str, *arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    command = [interpreter, "-m", module, *arguments]
    return subprocess.run(command, env=environment(), capture_output=capture, text=True, check=False)


def program(text: str) -> str:
    """For arguments that name an interpreter."""
    found = shutil.which(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"there is no program {text}")
    return found
