"""Runs a case in TensorVK and judges what comes out."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.arrays import largest_difference, largest_magnitude

from .case import Case
from .draw import Array
from .reference import define, evaluate, in_double, widened

# Says which extents have to be equal for a plan that was made before they were known.
REFUSED_SHAPES = "cannot work with these"

PASSED, UNSUPPORTED, FAILED, WRONG, CRASHED = "passed", "unsupported", "failed", "wrong", "crashed"
# Where both sides differ, the one whose error against float64 is this many times the reference's is wrong: rounding in
# another order gives errors of the same size, a mistake does not.
FACTOR = 8.0


@dataclass
class Verdict:
    status: str
    reason: str = ""
    output: str = ""
    # Layers that each pass of the compiler had a hand in.
    passes: Counter[str] = field(default_factory=Counter)


def errors(actual: Array, expected: Array) -> float:
    """Largest difference relative to the largest finite magnitude (at least 1e-3); infinity where NaNs or infinities
    differ."""
    return largest_difference(actual, expected) / max(largest_magnitude([expected]), 1e-3)


def compare(actual: Array, expected: Array, tolerance: float) -> str:
    """Empty, or what is different."""
    if actual.dtype != expected.dtype:
        return f"type {actual.dtype} instead of {expected.dtype}"
    if actual.shape != expected.shape:
        return f"shape {actual.shape} instead of {expected.shape}"
    if expected.size == 0:
        return ""
    if expected.dtype.kind == "f":
        error = errors(actual, expected)
        return "" if error <= tolerance else f"error {error:.1e}"
    different = int((actual != expected).sum())
    return f"{different} of {expected.size} elements differ" if different else ""


def less_exact(case: Case, run: int, name: str, actual: Array, tolerance: float) -> bool:
    """Whether float64 takes the reference's side."""
    try:
        (exact,) = evaluate(in_double(case.model), [widened(case.feeds[run])])
    except Exception:  # no third opinion
        return True
    if exact[name].shape != actual.shape:
        return True
    expected = case.expected[run][name]
    return errors(actual, exact[name]) > FACTOR * errors(expected, exact[name]) + tolerance


def definition_disagrees(case: Case, run: int, name: str, actual: Array, tolerance: float) -> bool:
    """Whether ONNX's own evaluator takes ONNX Runtime's side."""
    try:
        (defined,) = define(case.model, [case.feeds[run]])
    except Exception:  # no third opinion
        return True
    return bool(compare(actual, defined[name], tolerance))


def is_wrong(case: Case, run: int, name: str, actual: Array, half: bool) -> str:
    """Empty, or what is different from the reference and from a third opinion."""
    expected = case.expected[run][name]
    tolerance = case.half_tolerance if half or expected.dtype == np.float16 else case.tolerance
    difference = compare(actual, expected, tolerance)
    if half and difference.endswith("elements differ"):  # whole numbers, which were made of numbers that were rounded
        return ""
    if difference.startswith("error") and not less_exact(case, run, name, actual, tolerance):
        return ""
    return difference if difference and definition_disagrees(case, run, name, actual, tolerance) else ""


def normalized(message: str) -> str:
    """Without names and numbers, so that equal reasons count together."""
    first = message.strip().split("\n")[0]
    first = re.sub(r"Node \d+ *", "", re.sub(r"'[^']*'", "''", first))
    return re.sub(r"-?\d+", "N", first)[:160]


def passes_of(engine: Any) -> Counter[str]:
    import tensorvk as trt

    text = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    return Counter(name for layer in json.loads(text)["Layers"] for name in layer["Passes"])


def check(case: Case, half: bool = False) -> Verdict:
    """`half`: built with float16 inside."""
    import tensorvk as trt
    from tensorvk.onnx_backend import UnsupportedModel, prepare

    def configure(config: Any) -> None:
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        if half:
            config.set_flag(trt.BuilderFlag.FP16)

    try:
        engine = prepare(case.model, configure=configure)
    except UnsupportedModel as error:
        return Verdict(UNSUPPORTED, str(error))
    except Exception as error:
        return Verdict(FAILED, f"build: {error}")
    passes = passes_of(engine._engine)
    for run, (feed, expected) in enumerate(zip(case.feeds, case.expected, strict=True)):
        try:
            results = dict(zip([o.name for o in case.model.graph.output], engine.run(feed), strict=True))
        except Exception as error:
            return Verdict(UNSUPPORTED if REFUSED_SHAPES in str(error) else FAILED, f"run {run}: {error}")
        for name, reference in expected.items():
            if difference := is_wrong(case, run, name, results[name], half):
                return Verdict(WRONG, f"run {run}, output {name} {reference.shape}: {difference}", name, passes)
    return Verdict(PASSED, passes=passes)
