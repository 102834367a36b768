"""The exported architectures have as many weights as their papers' reference implementations."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the exported networks are torch modules")
from bench.exported.networks import NETWORKS  # noqa: E402


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("resnet18", 11_689_512),
        ("resnet50", 25_557_032),
        ("mobilenet_v2", 3_504_872),
        ("efficientnet_b0", 5_288_548),
        ("unet_256", 7_763_041),
        ("vit_b_16", 86_567_656),
        ("bert_base_s128", 109_482_240 - (512 - 128) * 768 - 2 * 768 - 590_592),  # fewer positions, no types, no pooler
    ],
)
def test_number_of_weights(name: str, weights: int) -> None:
    assert sum(parameter.numel() for parameter in NETWORKS[name].make().parameters()) == weights
