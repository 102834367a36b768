"""Training images for the demo: slices of a real brain template with simulated lesions of known mask.

The template is the MNI ICBM152 T1 average that nilearn ships. It is *one* (averaged) head, so what the network learns
is a demonstration of the tool chain and nothing that a physician could use. Needs torch and nilearn; only the training
script imports this module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

SIZE = 256  # height and width of a slice in pixels (1 mm each)
NEIGHBOUR = 2  # the three channels are the slices z-2, z and z+2
HEADROOM = 0.75  # white matter ends near 0.6, so that bright lesions do not saturate
HELD_OUT_SLICES = (52, 70, 88, 106)  # of the template's 189 axial slices; never seen in training
FIRST_SLICE, LAST_SLICE = 24, 138  # slices with enough brain on them


@dataclass(frozen=True)
class Sample:
    """A batch of images [n, 3, 256, 256] in 0..1 and of lesion masks [n, 1, 256, 256] of zeros and ones, float32."""

    image: Tensor
    mask: Tensor


def load_template() -> Tensor:
    """The template's axial slices, nose up, centred: float32 [189, 256, 256] in 0..HEADROOM."""
    from nilearn.datasets import load_mni152_template

    volume = torch.from_numpy(load_mni152_template(resolution=1).get_fdata()).float()
    slices = volume.permute(2, 1, 0).flip(1)  # (x, y, z) -> (z, rows from front to back, columns)
    rows, columns = slices.shape[1:]
    top, left = (SIZE - rows) // 2, (SIZE - columns) // 2
    return HEADROOM * F.pad(slices, (left, SIZE - columns - left, top, SIZE - rows - top)).contiguous()


def training_slices() -> list[int]:
    """Slices whose three channels share nothing with the three channels of a held-out slice."""
    apart = 2 * NEIGHBOUR
    return [z for z in range(FIRST_SLICE, LAST_SLICE) if all(abs(z - held) > apart for held in HELD_OUT_SLICES)]


class Simulator:
    """Draws samples from the template. Everything random comes from one seeded generator.

    Of the lesions, `dark_share` are as dark as fluid and hard to tell from folds and ventricles, the others brighter
    than white matter, as contrast agent makes them.
    """

    def __init__(self, template: Tensor, seed: int, dark_share: float = 0.3) -> None:
        self._template = template
        self._dark_share = dark_share
        self._random = torch.Generator().manual_seed(seed)

    def sample(self, slices: list[int]) -> Sample:
        """One image for each slice number given."""
        stack = torch.stack([self._template[[z - NEIGHBOUR, z, z + NEIGHBOUR]] for z in slices])
        stack = self._warp(stack)
        brain = stack[:, 1:2] > 0.05
        images, masks = zip(*map(self._add_lesions, stack, brain), strict=True)
        return Sample(self._degrade(torch.stack(images)), torch.stack(masks))

    def choose(self, slices: list[int], count: int) -> list[int]:
        """`count` random members of `slices`."""
        picks = torch.randint(len(slices), (count,), generator=self._random)
        return [slices[int(i)] for i in picks]

    def _uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=self._random)

    def _number(self, low: float, high: float) -> float:
        return float(self._uniform(low, high))

    def _smooth_field(self, count: int, cells: int) -> Tensor:
        """Smooth random fields [count, 1, SIZE, SIZE] with values of about -1..1."""
        coarse = torch.randn(count, 1, cells, cells, generator=self._random) * 0.5
        return F.interpolate(coarse, size=(SIZE, SIZE), mode="bicubic", align_corners=False)

    def _warp(self, stack: Tensor) -> Tensor:
        count = stack.shape[0]
        angle = self._uniform(-0.3, 0.3, count)
        scale = self._uniform(0.88, 1.15, count)
        stretch = self._uniform(0.94, 1.06, count)
        flip = torch.where(self._uniform(0, 1, count) < 0.5, -1.0, 1.0)
        cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
        shift = self._uniform(-0.08, 0.08, count, 2)
        theta = torch.stack(
            [
                torch.stack([flip * cos * stretch, -sin, shift[:, 0]], 1),
                torch.stack([flip * sin * stretch, cos, shift[:, 1]], 1),
            ],
            1,
        )
        grid = F.affine_grid(theta, list(stack.shape), align_corners=False)
        bend = torch.cat([self._smooth_field(count, 5), self._smooth_field(count, 5)], 1) * 0.02
        return F.grid_sample(stack, grid + bend.permute(0, 2, 3, 1), align_corners=False)

    def _add_lesions(self, image: Tensor, brain: Tensor) -> tuple[Tensor, Tensor]:
        """Paints none (one time in ten) to three blobs into `image` [3, SIZE, SIZE]."""
        mask = torch.zeros(1, SIZE, SIZE)
        candidates = torch.nonzero((image[1] > 0.25) & brain[0])
        wanted = 0 if self._number(0, 1) < 0.1 else 1 + int(self._number(0, 2.6))
        for _ in range(wanted if len(candidates) else 0):
            row, column = candidates[int(torch.randint(len(candidates), (1,), generator=self._random))].tolist()
            blob = self._blob(row, column) * brain
            inside = blob[1:2] > 0.5
            if not bool(inside.any()):
                continue
            image = self._paint(image, blob)
            mask = torch.maximum(mask, inside.float())
        return image, mask

    def _blob(self, row: int, column: int) -> Tensor:
        """A deformed ellipsoid's soft indicator on the three slices, [3, SIZE, SIZE] in 0..1."""
        radius = self._number(6, 20)
        long, short, deep = (radius * self._number(0.7, 1.4) for _ in range(3))
        angle = self._number(0, math.pi)
        y = torch.arange(SIZE).view(-1, 1).float() - row
        x = torch.arange(SIZE).view(1, -1).float() - column
        u = (x * math.cos(angle) + y * math.sin(angle)) / long
        v = (y * math.cos(angle) - x * math.sin(angle)) / short
        offset = self._number(-0.4, 0.4) * deep
        deformation = 0.35 * self._smooth_field(1, 14)[0, 0]
        sharpness = self._number(6, 14)
        planes = []
        for dz in (-NEIGHBOUR, 0, NEIGHBOUR):
            distance = torch.sqrt(u * u + v * v + ((dz - offset) / deep) ** 2) + deformation
            planes.append(torch.sigmoid((1 - distance) * sharpness))
        return torch.stack(planes)

    def _paint(self, image: Tensor, blob: Tensor) -> Tensor:
        """Blends another level over the tissue, which shines through a little."""
        dark = self._number(0, 1) >= 1 - self._dark_share
        level = self._number(0.08, 0.2) if dark else self._number(0.8, 1.0)
        texture = 0.06 * self._smooth_field(1, 40)[0]
        opacity = blob * self._number(0.7, 0.95)
        return image * (1 - opacity) + (level + texture) * opacity

    def _degrade(self, images: Tensor) -> Tensor:
        """What a scanner adds: bias field, contrast, brightness and noise."""
        count = images.shape[0]
        bias = torch.exp(0.18 * self._smooth_field(count, 3))
        gamma = self._uniform(0.85, 1.2, count, 1, 1, 1)
        gain = self._uniform(0.85, 1.15, count, 1, 1, 1)
        noise = self._uniform(0, 0.03, count, 1, 1, 1) * torch.randn(images.shape, generator=self._random)
        return (gain * (images * bias).clamp(min=0) ** gamma + noise).clamp(0, 1)
