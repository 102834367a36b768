"""Real networks give the same outputs with each of their layers' tactics in turn, taken wherever it applies."""

from __future__ import annotations

import json
from typing import Any

import pytest
import tensorvk as trt
from engines import build_plan, infer, load
from test_models import TOLERANCE, model_and_profile, needs_models

from bench.arrays import largest_error

# Convolutions of all kinds, products, attention in parts, recurrent layers, 8-bit integers.
NETWORKS = ["mnist_cntk", "resnet20_cifar10", "yunet_s_320", "bert_toy", "nnsplit_en", "resnet20_cifar10_qdq"]


def layers_of(plan: bytes) -> list[dict[str, Any]]:
    inspector = load(plan).create_engine_inspector()
    layers: list[dict[str, Any]] = json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))[
        "Layers"
    ]
    return layers


def tactics_of(plan: bytes) -> list[str]:
    """Of all layers, those that could be taken."""
    candidates = [candidate for layer in layers_of(plan) for candidate in layer["Candidates"]]
    return sorted({c["Name"] for c in candidates if c.get("Milliseconds", -1) >= 0 and not c["Name"].endswith("/host")})


@needs_models
@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_network_gives_its_outputs_with_each_tactic(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, profile, sets = model_and_profile(name)
    feed = sets[0].inputs
    whole = build_plan(model, profile, level=5)  # which tries them all
    expected = infer(load(whole).create_execution_context(), feed)
    tactics = tactics_of(whole)
    assert len(tactics) > 1
    for tactic in tactics:
        monkeypatch.setenv("TENSORVK_TACTIC", tactic)
        plan = build_plan(model, profile, level=1)
        assert tactic in [layer["TacticName"] for layer in layers_of(plan)]
        assert largest_error(infer(load(plan).create_execution_context(), feed), expected) <= TOLERANCE, tactic
