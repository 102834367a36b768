"""Convolutional networks with Q/DQ as TensorRT's users write them, around 0: pictures and every ReLU's result in int8
by one scale, so that residuals are read in int8 as well, and weights by one scale a channel. Batch normalisation goes
into the weights first."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.fusion import fuse_conv_bn_eval

LEAST, MOST = -128, 127


class Quantize(nn.Module):
    """Rounds to int8 and back, by the largest magnitude that it has seen before `calibrated`."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0.0
        self.calibrated = False

    def forward(self, x: Tensor) -> Tensor:
        if not self.calibrated:
            self.largest = max(self.largest, float(x.abs().max()))
            return x
        return torch.fake_quantize_per_tensor_affine(x, max(self.largest, 1e-12) / MOST, 0, LEAST, MOST)


class QuantizedWeight(nn.Module):
    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", weight.abs().amax(dim=tuple(range(1, weight.dim()))).clamp_min(1e-12) / MOST)
        self.register_buffer("zero", torch.zeros(len(weight), dtype=torch.int32))

    def forward(self, weight: Tensor) -> Tensor:
        return torch.fake_quantize_per_channel_affine(weight, self.scale, self.zero, 0, LEAST, MOST)


def quantized(module: nn.Module, inputs: tuple[Tensor, ...]) -> nn.Module:
    """Changes a network in inference mode, whose ranges it takes from one inference of `inputs`. Returns what takes
    the same inputs. Raises ValueError for a network without ReLU: there is nothing that would be quantized."""
    if not any(isinstance(layer, nn.ReLU) for layer in module.modules()):
        raise ValueError("only networks with ReLU are quantized here: ResNets and the U-Net")
    _fold(module)
    _quantize_results(module)
    module = nn.Sequential(Quantize(), module).eval()
    with torch.inference_mode():
        module(*inputs)
    for layer in module.modules():
        if isinstance(layer, Quantize):
            layer.calibrated = True
        if isinstance(layer, nn.Conv2d | nn.Linear):
            parametrize.register_parametrization(layer, "weight", QuantizedWeight(layer.weight))
    return module.requires_grad_(False)


def _fold(module: nn.Module) -> None:
    for parent in list(module.modules()):
        if not isinstance(parent, nn.Sequential):
            continue
        for index in range(len(parent) - 1):
            if isinstance(parent[index], nn.Conv2d) and isinstance(parent[index + 1], nn.BatchNorm2d):
                parent[index] = fuse_conv_bn_eval(parent[index], parent[index + 1])
                parent[index + 1] = nn.Identity()


def _quantize_results(module: nn.Module) -> None:
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.ReLU):
                setattr(parent, name, nn.Sequential(child, Quantize()))
