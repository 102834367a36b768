"""Segments brain slices and shows timings and pictures: `python -m tensorvk.demo`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import assets
from .device import device_name
from .inference import BATCHES, EXIT_PLAN_REFUSED
from .pictures import sheet, triptych, write_png
from .plan import Plan, find_or_build

THRESHOLD = 0.5  # probability from which on a pixel counts as lesion
Floats = npt.NDArray[np.float32]


class PlanRefusedError(Exception):
    """The second process could not load the plan."""


def main() -> int:
    options = parse_arguments()
    if options.device is not None:
        os.environ["TENSORVK_DEVICE"] = options.device
    print(f"TensorVK demo: a U-Net finds simulated lesions in slices of a brain.\nDevice: {device_name()}")
    slices = assets.load_slices()

    plan = find_or_build(options.output, options.fp16, options.rebuild)
    tell_about(plan)
    try:
        probabilities, report = run_in_second_process(plan.path, options.output, options.seconds)
    except PlanRefusedError:
        print("The plan that was found could not be loaded: building it again.")
        plan = find_or_build(options.output, options.fp16, rebuild=True)
        tell_about(plan)
        probabilities, report = run_in_second_process(plan.path, options.output, options.seconds)
    show_timings(report)
    compare_with_onnxruntime(slices.image, probabilities)

    found = probabilities[:, 0] > THRESHOLD
    show_dice(found, slices)
    write_pictures(options, slices, found)
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tensorvk.demo", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("demo_output"), help="folder for the plan and the pictures")
    parser.add_argument("--device", help="index, part of the name, or 'cpu' (default: the first discrete GPU)")
    parser.add_argument("--fp16", action="store_true", help="let the builder use half precision")
    parser.add_argument("--rebuild", action="store_true", help="build the plan even if an earlier run left one")
    parser.add_argument("--seconds", type=float, default=5, help="time to measure each batch size for")
    parser.add_argument("--picture", type=Path, help="also write all slices on one page to this PNG file")
    return parser.parse_args()


def tell_about(plan: Plan) -> None:
    size = plan.path.stat().st_size / 1e6
    if plan.found:
        print(f"Plan: found the one of an earlier run, nothing to build: {plan.path} ({size:.1f} MB)")
    else:
        print(f"Plan: built in {plan.seconds:.1f} s and saved: {plan.path} ({size:.1f} MB)")


def run_in_second_process(plan: Path, folder: Path, seconds: float) -> tuple[Floats, dict[str, Any]]:
    """Probabilities [n, 1, 256, 256] and the timings. Raises PlanRefusedError when the plan was refused."""
    result = folder / f"probabilities.{os.getpid()}.npz"  # its own: other runs may use the folder too
    batches = " and ".join(map(str, BATCHES))
    least = seconds * len(BATCHES)
    print(f"Measuring batches of {batches} in a second process ({least:g} s, longer on a CPU) ...", flush=True)
    command = [sys.executable, "-m", "tensorvk.demo.inference", str(plan), str(result), "--seconds", str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == EXIT_PLAN_REFUSED:
        raise PlanRefusedError(plan)
    if done.returncode != 0:
        raise SystemExit(f"the second process ended with status {done.returncode}; its messages are above")
    with np.load(result) as data:
        probabilities = data["probability"]
    result.replace(folder / "probabilities.npz")
    return probabilities, json.loads(done.stdout.splitlines()[-1])


def show_timings(report: dict[str, Any]) -> None:
    print(f"Second process: plan loaded in {report['load_seconds']:.2f} s")
    print("  batch   runs   median ms   95 % below   images/s   share of copies")
    for t in report["timings"]:
        print(
            f"  {t['batch']:5d}  {t['runs']:5d}  {t['median_ms']:10.3f}  {t['p95_ms']:11.3f}"
            f"  {t['images_per_second']:9.1f}  {t['copy_share']:15.1%}"
        )
    print(f"Largest difference between the batch sizes' results: {report['batch_difference']:.2g}")


def compare_with_onnxruntime(images: Floats, probabilities: Floats) -> None:
    try:
        import onnxruntime
    except ImportError:
        print("ONNX Runtime is not installed: no comparison (pip install onnxruntime).")
        return
    session = onnxruntime.InferenceSession(assets.MODEL.read_bytes(), providers=["CPUExecutionProvider"])
    expected = session.run([assets.OUTPUT], {assets.INPUT: images})[0]
    times = []
    for _ in range(10):
        started = time.perf_counter()
        session.run([assets.OUTPUT], {assets.INPUT: images[:1]})
        times.append(1000 * (time.perf_counter() - started))
    error = float(np.abs(expected - probabilities).max())
    print(f"ONNX Runtime on the CPU: batch 1 in {np.median(times):.3f} ms; largest difference to ours {error:.2g}")


def show_dice(found: npt.NDArray[np.bool_], slices: assets.Slices) -> None:
    scores = [assets.dice(f, t) for f, t in zip(found, slices.mask, strict=True)]
    print(f"Dice: mean {np.mean(scores):.3f} (" + ", ".join(f"{score:.3f}" for score in scores) + ")")


def write_pictures(options: argparse.Namespace, slices: assets.Slices, found: npt.NDArray[np.bool_]) -> None:
    pages = [triptych(*one) for one in zip(slices.image, slices.mask, found, strict=True)]
    for index, (page, number) in enumerate(zip(pages, slices.number, strict=True)):
        write_png(options.output / f"picture{index}_slice{number}.png", page)
    print(f"Pictures (input | truth | result): {options.output}/picture*.png")
    if options.picture:
        write_png(options.picture, sheet(pages))
        print(f"All on one page: {options.picture}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError) as error:
        sys.exit(f"TensorVK demo: {error}")
