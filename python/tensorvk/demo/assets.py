"""The demo's network and pictures, which ship inside the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parent / "assets"
MODEL = FOLDER / "unet.onnx"
INPUT, OUTPUT = "input", "output"
IMAGE_SHAPE = (3, 256, 256)


@dataclass(frozen=True)
class Slices:
    """Slices of the brain template with simulated lesions.

    image: float32 [n, 3, 256, 256] in 0..1, three neighbouring axial slices as channels, the middle one is meant.
    mask: bool [n, 256, 256], true where the lesion is.
    number: int32 [n], which of the template's axial slices it is.
    """

    image: npt.NDArray[np.float32]
    mask: npt.NDArray[np.bool_]
    number: npt.NDArray[np.int32]


def load_slices() -> Slices:
    """The slices that the network never saw in training."""
    with np.load(FOLDER / "slices.npz") as data:
        return Slices(data["image"].astype(np.float32) / 255, data["mask"] > 0, data["slice_number"])


def dice(found: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> float:
    """Dice overlap of two masks, 0..1; two empty masks agree perfectly."""
    total = int(found.sum()) + int(truth.sum())
    return 2 * int((found & truth).sum()) / total if total else 1.0
