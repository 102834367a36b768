"""Models: TensorVK against ONNX Runtime on the CPU, in turns, with every result checked against its reference."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from .arrays import Arrays, largest_error
from .datasets import Model, load_model
from .engines import Engine, build

NAMES = [
    "brain_unet",
    "resnet20_cifar10",
    "mnist_cntk",
    "squeezenet_winml",
    "ultraface_rfb320",
    "yunet_s_320",
    "fastestdet",
    "nanodet_m_416",
    "lw_person_detector",
    "agllnet_256",
    "super_resolution",
    "hand_keypoint_mlp",
    "ppocr_cls_v2",
]
ALLOWED_ERROR = {False: 1e-4, True: 3e-2}  # of the output's largest magnitude; fp16 has 11 bits and many layers
WARM_UP_RUNS = 3
MIN_ROUNDS = 7


@dataclass(frozen=True)
class Row:
    """One model's results. Times are medians in milliseconds from host arrays to host arrays, first data set."""

    name: str
    shapes: str  # of the inputs: "3x3x32x32"
    build_s: float
    error: float  # largest over all data sets
    correct: bool
    rounds: int
    ours_ms: float
    kernels_ms: float  # the part of ours without copies, measured with events
    onnxruntime_ms: float

    @property
    def ratio(self) -> float:
        """How many times faster than ONNX Runtime; below 1 is slower."""
        return self.onnxruntime_ms / self.ours_ms


def run(folder: Path, names: list[str], seconds: float, fp16: bool, say: Callable[[str], None]) -> list[Row]:
    """Rows of the models in `folder`. Says which are absent or fail, and goes on with the next."""
    rows = []
    for name in names:
        if not (folder / name / "model.onnx").is_file():
            say(f"{name}: skipped, there is no {folder / name / 'model.onnx'}")
            continue
        say(f"{name} ...")
        try:
            rows.append(measure(load_model(folder / name), seconds, fp16))
        except RuntimeError as error:
            say(f"{name}: FAILED: {error}")
    return rows


def measure(model: Model, seconds: float, fp16: bool) -> Row:
    started = time.perf_counter()
    engine = Engine(build(model, fp16))
    build_s = time.perf_counter() - started
    error = max(largest_error(engine(data.inputs), data.outputs) for data in model.sets)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3  # errors; older models give a warning for each weight
    # Its threads would go on spinning after each run and take a core from us, where our device is the CPU.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(model.path), settings, providers=["CPUExecutionProvider"])
    inputs = model.sets[0].inputs
    ours, kernels, theirs = time_in_turns(engine, session, inputs, seconds)
    engine.close()
    return Row(
        name=model.name,
        shapes=", ".join("x".join(map(str, array.shape)) or "scalar" for array in inputs.values()),
        build_s=build_s,
        error=error,
        correct=error < ALLOWED_ERROR[fp16],
        rounds=len(ours),
        ours_ms=float(np.median(ours)),
        kernels_ms=float(np.median(kernels)),
        onnxruntime_ms=float(np.median(theirs)),
    )


def time_in_turns(
    engine: Engine, session: onnxruntime.InferenceSession, inputs: Arrays, seconds: float
) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of each round: ours, our kernels alone, ONNX Runtime. Taking turns, both meet the same machine."""
    for _ in range(WARM_UP_RUNS):
        engine(inputs)
        session.run(None, inputs)
    ours: list[float] = []
    kernels: list[float] = []
    theirs: list[float] = []
    until = time.perf_counter() + seconds
    while len(ours) < MIN_ROUNDS or time.perf_counter() < until:
        ours.append(_milliseconds(lambda: engine(inputs)))
        kernels.append(engine.kernel_ms())
        theirs.append(_milliseconds(lambda: session.run(None, inputs)))
    return ours, kernels, theirs


def markdown(rows: list[Row]) -> str:
    lines = [
        "| model | inputs | largest error | ours, ms | kernels, ms | ONNX Runtime, ms | times faster | build, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        error = f"{row.error:.1e}" + ("" if row.correct else " **WRONG**")
        lines.append(
            f"| {row.name} | {row.shapes} | {error} | {row.ours_ms:.3f} | {row.kernels_ms:.3f} "
            f"| {row.onnxruntime_ms:.3f} | {row.ratio:.2f} | {row.build_s:.1f} |"
        )
    return "\n".join(lines)


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)
