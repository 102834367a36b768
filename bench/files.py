"""Files that are made of others, and kept."""

from __future__ import annotations

from pathlib import Path


def is_made(path: Path, source: Path) -> bool:
    """Whether a file that was made of the source is there and no older."""
    return path.is_file() and path.stat().st_mtime >= source.stat().st_mtime
