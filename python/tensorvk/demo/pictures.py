"""Pictures of input, truth and result, as PNG files, without an imaging package."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]  # [height, width, 3]

_TRUTH = (70, 200, 120)
_RESULT = (255, 120, 60)
_GAP = 4  # pixels of white between panels
_MARGIN = 24  # pixels left and right of a slice that hold no brain


def write_png(path: Path, image: Rgb) -> None:
    """Writes 8-bit RGB [height, width, 3]. Raises ValueError for any other shape or type."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"write_png takes uint8 [height, width, 3], not {image.dtype} {list(image.shape)}")
    height, width = image.shape[:2]
    no_filter = np.zeros((height, 1), np.uint8)  # each line of a PNG begins with its filter's number
    lines = np.concatenate([no_filter, image.reshape(height, -1)], axis=1).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + _chunk(b"IDAT", zlib.compress(lines, 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def triptych(image: npt.NDArray[np.float32], truth: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_]) -> Rgb:
    """Input | truth | result of one slice: image [3, h, w] in 0..1, masks [h, w]."""
    grey = np.repeat((image[1] * 255).round().astype(np.uint8)[..., None], 3, axis=2)
    panels = (grey, _tint(grey, truth, _TRUTH), _tint(grey, found, _RESULT))
    return _join([panel[:, _MARGIN:-_MARGIN] for panel in panels], axis=1)


def sheet(triptychs: list[Rgb], columns: int = 2) -> Rgb:
    """All triptychs on one page, `columns` beside each other; the last row is filled up with white."""
    blank = np.full_like(triptychs[0], 255)
    padded = triptychs + [blank] * (-len(triptychs) % columns)
    rows = [_join(padded[i : i + columns], axis=1) for i in range(0, len(padded), columns)]
    return _join(rows, axis=0)


def _tint(grey: Rgb, mask: npt.NDArray[np.bool_], colour: tuple[int, int, int]) -> Rgb:
    tinted = grey.copy()
    tinted[mask] = (0.35 * grey[mask] + 0.65 * np.array(colour)).astype(np.uint8)
    return tinted


def _join(images: list[Rgb], axis: int) -> Rgb:
    """Side by side (axis 1) or one below the other (axis 0) with a white gap between."""
    shape = list(images[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, 255, np.uint8)
    with_gaps = [part for image in images for part in (image, gap)][:-1]
    return np.concatenate(with_gaps, axis=axis)
