"""What is measured: a network, a type and a batch. Interpreters that have nothing but numpy read this."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.arrays import Arrays
from bench.files import is_made

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


# Of the output's largest magnitude. What float16 rounds to the next int8 adds up over a network with Q/DQ.
ALLOWED_ERROR = {"fp16": 3e-2, "fp32": 1e-3, "int8": 1e-1}


@dataclass(frozen=True)
class Case:
    """Travels to the processes that run the engines."""

    network: str  # of bench.exported, or the name of an ONNX file
    precision: str
    batch: int
    work: Path  # folder of the files
    file: Path | None = None  # ONNX; none for a network of bench.exported

    @staticmethod
    def parse(text: str, work: Path) -> Case:
        """`resnet50:fp16:8` or `models/mine.onnx:fp16:1`. Raises ValueError for anything else."""
        network, *rest = text.rsplit(":", 2)
        if len(rest) != 2 or rest[0] not in PRECISIONS or not rest[1].isdigit() or int(rest[1]) < 1:
            raise ValueError(
                f"'{text}' is no case: write NETWORK:{'|'.join(PRECISIONS)}:BATCH, such as {DEFAULT[0]}, "
                "with a network of bench.exported or an ONNX file"
            )
        precision, batch = rest[0], int(rest[1])
        if not network.endswith(".onnx"):
            return Case(network, precision, batch, work)
        file = Path(network)
        name = file.stem if file.stem != "model" else file.absolute().parent.name  # models/resnet/model.onnx
        return Case(name, precision, batch, work, file)

    @property
    def name(self) -> str:
        return f"{self.network} {self.precision} b{self.batch}"

    @property
    def model(self) -> Path:
        """ONNX of this batch in float32, or with Q/DQ."""
        if self.file is not None:  # files of one name in different folders
            return self.work / f"{self.network}_{zlib.crc32(bytes(self.file.absolute())):08x}_b{self.batch}.onnx"
        return self.work / f"{self.network}{'_qdq' if self.quantized else ''}_b{self.batch}.onnx"

    @property
    def quantized(self) -> bool:
        return self.precision == "int8"

    @property
    def allowed_error(self) -> float:
        return ALLOWED_ERROR[self.precision]

    @property
    def arrays(self) -> Path:
        """The inputs by name, and the outputs as torch or ONNX Runtime computes them in float32."""
        return self.model.with_suffix(".arrays.npz")

    def made(self, suffix: str) -> Path:
        """A file that is made of the model."""
        return self.model.with_suffix(suffix)

    def results(self, engine: str) -> Path:
        """What an engine computed, for the comparison with others."""
        return self.work / "results" / f"{self.model.stem}_{self.precision}_{engine}.npz"

    @property
    def why_absent(self) -> str:
        """In place of a result, when the model could not be made."""
        if self.file is None:
            return "failed: its export needs PyTorch (--torch-python); what it said is above"
        if not self.file.is_file():
            return f"failed: there is no file {self.file}"
        return "failed: the file could not be prepared; what was said is above"

    @property
    def is_there(self) -> bool:
        """Written last, the arrays say that the model is complete."""
        return self.arrays.is_file() if self.file is None else self.file.is_file() and is_made(self.arrays, self.file)

    def save(self, inputs: Arrays, outputs: Arrays) -> None:
        np.savez(self.arrays, **_named("in ", inputs), **_named("out ", outputs))  # type: ignore[arg-type]

    def inputs(self) -> Arrays:
        return self._arrays("in ")

    def expected(self) -> Arrays:
        return self._arrays("out ")

    def _arrays(self, prefix: str) -> Arrays:
        with np.load(self.arrays) as stored:
            return {name.removeprefix(prefix): stored[name] for name in stored.files if name.startswith(prefix)}


def _named(prefix: str, arrays: Arrays) -> Arrays:
    return {prefix + name: array for name, array in arrays.items()}
