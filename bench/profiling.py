"""What an engine's layers are, and how long each takes."""

from __future__ import annotations

import json
from typing import Any

import tensorvk as trt


class LayerTimes(trt.IProfiler):
    """Milliseconds by the layers' names; layers of one name are added up."""

    def __init__(self) -> None:
        super().__init__()
        self.ms: dict[str, float] = {}

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        self.ms[layer_name] = self.ms.get(layer_name, 0.0) + ms


def describe(engine: trt.ICudaEngine, context: trt.IExecutionContext) -> dict[str, Any]:
    """The inspector's description of the layers."""
    inspector = engine.create_engine_inspector()
    inspector.execution_context = context
    description: dict[str, Any] = json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))
    return description
