"""Adds to the package's own timing cache of this device: `python -m bench.gpu.shipped_cache MODEL.onnx:TYPE...`.

Each model is built at optimization level 5: all candidates are timed, and builds of every level find what they need.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import tensorvk as trt
from tensorvk._core import cudart

TYPES = ("fp32", "fp16", "bf16")
FLAGS = {"fp16": trt.BuilderFlag.FP16, "bf16": trt.BuilderFlag.BF16}
FOLDER = Path(__file__).resolve().parents[2] / "python" / "tensorvk" / "timing_caches"
FRAME, RECORD = 24, 24  # bytes of a serialized cache: around the entries, and of each


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    path = options.folder / cache_name()
    logger = trt.Logger(trt.Logger.WARNING)
    config = trt.Builder(logger).create_builder_config()
    timed = config.create_timing_cache(b"")
    kept = config.create_timing_cache(path.read_bytes() if path.is_file() and not options.anew else b"")
    if kept is None:
        sys.exit(f"{path} is of another version or damaged; --anew begins it anew")
    for text in options.models:
        model, kind = parse_model(text)
        begin = time.monotonic()
        build(model, kind, timed, options.level, logger)
        print(f"{text}: {time.monotonic() - begin:.1f} s, {entries(timed)} timings so far", flush=True)
    fresh = config.create_timing_cache(timed.serialize_for_any_driver())
    fresh.combine(kept, False)  # what was timed now goes before what was kept
    options.folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(fresh.serialize())
    print(f"{path}: {entries(fresh)} timings, {path.stat().st_size} bytes")
    return 0


def build(model: Path, kind: str, timed: Any, level: int, logger: Any) -> None:
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(model)):
        sys.exit(f"{model}: " + "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors)))
    config = builder.create_builder_config()
    config.builder_optimization_level = level
    config.set_timing_cache(timed, False)
    config.set_flag(trt.BuilderFlag.DISABLE_TIMING_CACHE)  # else files shipped earlier would come back as if timed now
    if kind in FLAGS:
        config.set_flag(FLAGS[kind])
    if builder.build_serialized_network(network, config) is None:
        sys.exit(f"{model} could not be built as {kind}; the message is above")


def entries(cache: Any) -> int:
    return (cache.serialize().nbytes - FRAME) // RECORD


def cache_name() -> str:
    """Of the device that is device 0 now."""
    return str(cudart.survey()["devices"][0]["timing_cache"])


def parse_model(text: str) -> tuple[Path, str]:
    """`resnet50.onnx:fp16`; without a type it is fp32. Ends the program for anything else."""
    name, _, kind = text.rpartition(":")
    if not name:
        name, kind = text, "fp32"
    if kind not in TYPES or not Path(name).is_file():
        sys.exit(f"'{text}' is no model: write FILE.onnx:{'|'.join(TYPES)}, with a file that is there")
    return Path(name), kind


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu.shipped_cache", description=__doc__)
    parser.add_argument("models", nargs="+", metavar="MODEL.onnx:TYPE", help=f"types: {', '.join(TYPES)}")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the files (%(default)s)")
    parser.add_argument("--level", type=int, default=5, help="optimization level of the builds (%(default)s)")
    parser.add_argument("--anew", action="store_true", help="drop what the file has")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
