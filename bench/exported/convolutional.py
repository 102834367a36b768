"""ResNet, MobileNetV2, EfficientNet-B0 for pictures of 224 x 224, a U-Net for 256 x 256: as in their papers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLASSES = 1000


def convolution(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """Convolution that keeps the size (before its stride), batch normalisation, and the activation if any."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([activation()] if activation else []))


def classifier(features: nn.Sequential, channels: int) -> nn.Sequential:
    return nn.Sequential(*features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES))


class Residual(nn.Module):
    """body(x) + x, or + shortcut(x) where the shape changes; ResNet has an activation behind the sum."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut or nn.Identity()
        self.activation = activation or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.activation(self.body(x) + self.shortcut(x))
        return result


def resnet(blocks: tuple[int, ...], bottleneck: bool) -> nn.Sequential:
    """ResNet-18 with blocks of two 3x3 convolutions, (2, 2, 2, 2); ResNet-50 with bottlenecks, (3, 4, 6, 3)."""
    layers: list[nn.Module] = [convolution(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, count in enumerate(blocks):
        width = 64 << stage
        outputs = 4 * width if bottleneck else width
        for block in range(count):
            stride = 2 if stage and not block else 1
            if bottleneck:
                body = nn.Sequential(
                    convolution(channels, width, 1),
                    convolution(width, width, 3, stride),
                    convolution(width, outputs, 1, activation=None),
                )
            else:
                body = nn.Sequential(
                    convolution(channels, width, 3, stride), convolution(width, outputs, 3, activation=None)
                )
            changes = stride != 1 or channels != outputs
            shortcut = convolution(channels, outputs, 1, stride, activation=None) if changes else None
            layers.append(Residual(body, shortcut, nn.ReLU()))
            channels = outputs
    return classifier(nn.Sequential(*layers), channels)


class SqueezeExcite(nn.Module):
    """Scales each channel by a number that two 1x1 convolutions make of all channels' means."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.SiLU(),
            nn.Conv2d(squeezed, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        scaled: Tensor = x * self.gate(x)
        return scaled


# Of each stage: expansion, output channels, repeats, stride of the first, kernel.
MOBILENET_V2 = [
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 32, 3, 2, 3),
    (6, 64, 4, 2, 3),
    (6, 96, 3, 1, 3),
    (6, 160, 3, 2, 3),
    (6, 320, 1, 1, 3),
]
EFFICIENTNET_B0 = [
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
]


def inverted_residuals(
    stages: list[tuple[int, int, int, int, int]], activation: type[nn.Module], squeeze_excite: bool
) -> nn.Sequential:
    """The family of MobileNetV2: each block widens, filters every channel by itself, and narrows without activation."""
    layers: list[nn.Module] = [convolution(3, 32, 3, 2, activation=activation)]
    channels = 32
    for expansion, outputs, repeats, first_stride, kernel in stages:
        for repeat in range(repeats):
            stride = 1 if repeat else first_stride
            wide = channels * expansion
            block: list[nn.Module] = []
            if expansion != 1:
                block.append(convolution(channels, wide, 1, activation=activation))
            block.append(convolution(wide, wide, kernel, stride, groups=wide, activation=activation))
            if squeeze_excite:
                block.append(SqueezeExcite(wide, channels // 4))
            block.append(convolution(wide, outputs, 1, activation=None))
            body = nn.Sequential(*block)
            layers.append(Residual(body) if stride == 1 and channels == outputs else body)
            channels = outputs
    layers.append(convolution(channels, 1280, 1, activation=activation))
    return classifier(nn.Sequential(*layers), 1280)


def resnet18() -> nn.Module:
    return resnet((2, 2, 2, 2), bottleneck=False)


def resnet50() -> nn.Module:
    return resnet((3, 4, 6, 3), bottleneck=True)


def mobilenet_v2() -> nn.Module:
    return inverted_residuals(MOBILENET_V2, nn.ReLU6, squeeze_excite=False)


def efficientnet_b0() -> nn.Module:
    return inverted_residuals(EFFICIENTNET_B0, nn.SiLU, squeeze_excite=True)


class UNet(nn.Module):
    """Brain segmentation's: four levels of two 3x3 convolutions down and up, from 32 channels."""

    def __init__(self, width: int = 32, levels: int = 4) -> None:
        super().__init__()
        widths = [width << level for level in range(levels + 1)]
        self.down = nn.ModuleList(_two(a, b) for a, b in zip([3, *widths], widths, strict=False))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in reversed(widths[:-1]))
        self.joined = nn.ModuleList(_two(2 * w, w) for w in reversed(widths[:-1]))
        self.pool = nn.MaxPool2d(2)
        self.last = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        passed: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(self.pool(x) if level else x)
            passed.append(x)
        passed.pop()
        for up, block in zip(self.up, self.joined, strict=True):
            x = block(torch.cat((up(x), passed.pop()), 1))
        return torch.sigmoid(self.last(x))


def _two(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(convolution(inputs, outputs, 3), convolution(outputs, outputs, 3))


def picture(batch: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    return (torch.randn(batch, 3, 224, 224, generator=generator),)


def slice_of_a_brain(batch: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    return (torch.randn(batch, 3, 256, 256, generator=generator),)
