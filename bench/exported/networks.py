"""The architectures by name, with what they take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from . import convolutional, transformers


@dataclass(frozen=True)
class Network:
    make: Callable[[], nn.Module]
    inputs: Callable[[int, torch.Generator], tuple[Tensor, ...]]  # of a batch
    input_names: tuple[str, ...]
    batches: tuple[int, ...] = (1, 2)  # of the data sets that are written


def _pictures(make: Callable[[], nn.Module], batches: tuple[int, ...] = (1, 2)) -> Network:
    return Network(make, convolutional.picture, ("picture",), batches)


NETWORKS = {
    "resnet18": _pictures(convolutional.resnet18),
    "resnet50": _pictures(convolutional.resnet50, (1, 8)),
    "mobilenet_v2": _pictures(convolutional.mobilenet_v2),
    "efficientnet_b0": _pictures(convolutional.efficientnet_b0),
    "unet_256": Network(convolutional.UNet, convolutional.slice_of_a_brain, ("picture",)),
    "vit_b_16": _pictures(transformers.VisionTransformer),
    "bert_base_s128": Network(transformers.Bert, transformers.sentences, ("input_ids", "attention_mask")),
}


def seeded(name: str) -> nn.Module:
    """The network in inference mode; the same weights at each call."""
    torch.manual_seed(sum(name.encode()))
    module = NETWORKS[name].make()
    for layer in module.modules():
        _initialise(layer)
    for layer in module.modules():
        if isinstance(layer, convolutional.Residual):
            _quieten(layer)
    _settle_statistics(module, NETWORKS[name])
    return module.eval().requires_grad_(False)


def _initialise(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        if layer.bias is not None:
            nn.init.uniform_(layer.bias, -0.1, 0.1)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.uniform_(layer.weight, 0.5, 1.5)
        nn.init.uniform_(layer.bias, -0.2, 0.2)
    elif isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.uniform_(layer.bias, -0.1, 0.1)


def _quieten(block: convolutional.Residual) -> None:
    """A branch adds little to its sum, as in trained networks: rounding errors do not grow with the depth."""
    *_, last = (layer for layer in block.body.modules() if isinstance(layer, nn.BatchNorm2d))
    nn.init.uniform_(last.weight, 0.1, 0.4)


def _settle_statistics(module: nn.Module, network: Network) -> None:
    """Batch normalisation gets the mean and variance of its own inputs: activations stay in range however deep."""
    norms = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]
    if not norms:
        return
    for layer in norms:
        layer.momentum = 1.0
    module.train()
    with torch.no_grad():
        module(*network.inputs(8, torch.Generator().manual_seed(1)))
