"""What is measured: an exported network, a type and a batch. Interpreters that have nothing but numpy read this."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.arrays import Arrays

PRECISIONS = ("fp16", "fp32", "int8")  # int8: with Q/DQ, float16 between them
DEFAULT = [
    "resnet50:fp16:1",
    "resnet50:fp16:8",
    "resnet50:fp16:32",
    "unet_256:fp16:1",
    "unet_256:fp16:4",
    "mobilenet_v2:fp16:1",
    "efficientnet_b0:fp16:1",
    "bert_base_s128:fp16:1",
    "vit_b_16:fp16:1",
    "resnet50:fp32:1",
    "resnet50:fp32:8",
    "unet_256:fp32:1",
    "resnet18:fp16:32",
    "resnet18:int8:32",
    "resnet50:int8:32",
]


@dataclass(frozen=True)
class Case:
    """Travels to the processes that run the engines."""

    network: str  # of bench.exported
    precision: str
    batch: int
    work: Path  # folder of the files

    @staticmethod
    def parse(text: str, work: Path) -> Case:
        """`resnet50:fp16:8`. Raises ValueError for anything else."""
        parts = text.split(":")
        if len(parts) != 3 or parts[1] not in PRECISIONS or not parts[2].isdigit() or int(parts[2]) < 1:
            raise ValueError(f"'{text}' is no case: write NETWORK:{'|'.join(PRECISIONS)}:BATCH, such as {DEFAULT[0]}")
        return Case(parts[0], parts[1], int(parts[2]), work)

    @property
    def name(self) -> str:
        return f"{self.network} {self.precision} b{self.batch}"

    @property
    def model(self) -> Path:
        """ONNX of this batch in float32, or with Q/DQ."""
        return self.work / f"{self.network}{'_qdq' if self.quantized else ''}_b{self.batch}.onnx"

    @property
    def quantized(self) -> bool:
        return self.precision == "int8"

    @property
    def arrays(self) -> Path:
        """The inputs by name, and `output` as torch computes it in float32."""
        return self.model.with_suffix(".npz")

    def inputs(self) -> Arrays:
        with np.load(self.arrays) as stored:
            return {name: stored[name] for name in stored.files if name != "output"}

    def expected(self) -> Arrays:
        with np.load(self.arrays) as stored:
            return {"output": stored["output"]}
