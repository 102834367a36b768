"""The U-Net of the brain-MRI segmentation tutorial in PyTorch. Needs torch; only the training script imports this."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def _block(inputs: int, outputs: int) -> nn.Sequential:
    """Two times convolution 3x3, batch normalisation, ReLU."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class UNet(nn.Module):  # type: ignore[misc, unused-ignore]  # torch need not be there when types are checked
    """Four levels down, four up with skip connections, one probability per pixel.

    Input float32 [batch, 3, H, W], output float32 [batch, 1, H, W] in 0..1; H and W multiples of 16. `width` is the
    number of channels of the first level; the tutorial's network has 32, the demo's 8 (a sixteenth of the weights).
    """

    def __init__(self, width: int = 8, levels: int = 4) -> None:
        super().__init__()
        widths = [width << level for level in range(levels + 1)]
        self.encoders = nn.ModuleList(_block(i, o) for i, o in zip([3, *widths[:-2]], widths[:-1], strict=True))
        self.pool = nn.MaxPool2d(2)
        self.bottleneck = _block(widths[-2], widths[-1])
        self.upsamplers = nn.ModuleList(
            nn.ConvTranspose2d(w * 2, w, kernel_size=2, stride=2) for w in reversed(widths[:-1])
        )
        self.decoders = nn.ModuleList(_block(w * 2, w) for w in reversed(widths[:-1]))
        self.head = nn.Conv2d(width, 1, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(image))

    def logits(self, image: Tensor) -> Tensor:
        """The network without the final sigmoid, which the training loss needs."""
        skips = []
        x = image
        for encoder in self.encoders:
            x = encoder(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        for upsampler, decoder in zip(self.upsamplers, self.decoders, strict=True):
            x = decoder(torch.cat([upsampler(x), skips.pop()], dim=1))
        return self.head(x)
