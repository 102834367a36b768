"""ONNX's own test vectors, through the ONNX backend. What is refused stands in a table with its reason: a vector that
fails without a row there fails the test, and so does a row whose vector passes."""

from __future__ import annotations

import os
import tarfile
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from tensorvk import onnx_backend

Array = np.ndarray[Any, Any]
Files = dict[str, bytes]

VECTORS = Path(
    os.environ.get(
        "TENSORVK_ONNX_VECTORS",
        Path(__file__).resolve().parents[3] / "shared" / "conformance" / "onnx_backend_tests.tar.gz",
    )
)
needs_vectors = pytest.mark.skipif(
    not VECTORS.is_file(), reason=f"no ONNX test vectors at {VECTORS}; TENSORVK_ONNX_VECTORS names another archive"
)

TYPES = {
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.BFLOAT16,
    TensorProto.INT8,
    TensorProto.UINT8,
    TensorProto.INT32,
    TensorProto.INT64,
    TensorProto.BOOL,
}

_IMAGES = "images in this format are not decoded; the vector is refused by a sentence that names those that are"
_SEED = "random numbers of a seed are those of numpy's generator in the vector; ONNX leaves the generator open"
_DOUBLE = "the numbers are doubles outside of float32's range, and double is computed with float32"
KNOWN: dict[str, dict[str, str]] = {
    "node": {
        "test_affine_grid_3d_align_corners_expanded": "branches of an If differ in their number of dimensions, by data",
        "test_bernoulli_seed": _SEED,
        "test_bernoulli_seed_expanded": _SEED,
        "test_image_decoder_decode_jpeg2k_rgb": _IMAGES,
        "test_image_decoder_decode_webp_rgb": _IMAGES,
    },
    "pytorch-converted": {},
    "pytorch-operator": {
        "test_operator_add_broadcast": _DOUBLE,
        "test_operator_add_size1_right_broadcast": _DOUBLE,
        "test_operator_add_size1_singleton_broadcast": _DOUBLE,
        "test_operator_addconstant": _DOUBLE,
    },
    "simple": {},
}


# What a build may lack: libraries that CMake looks for and does without.
OPTIONAL = ("this build has no libpng", "this build has no libjpeg")


def read_archive() -> dict[str, dict[str, Files]]:
    """Suite -> test -> path inside the test -> contents."""
    suites: dict[str, dict[str, Files]] = defaultdict(lambda: defaultdict(dict))
    with tarfile.open(VECTORS) as archive:
        for member in archive:
            parts = PurePosixPath(member.name).parts
            if member.isfile() and len(parts) > 3 and parts[0] == "data":
                contents = archive.extractfile(member)
                assert contents is not None
                suites[parts[1]][parts[2]]["/".join(parts[3:])] = contents.read()
    return suites


def is_in_scope(model: onnx.ModelProto, types: set[int]) -> bool:
    """Tensors of the offered types in and out, operators of the default domain."""
    graph = model.graph
    return all(
        v.type.HasField("tensor_type") and v.type.tensor_type.elem_type in types for v in (*graph.input, *graph.output)
    ) and all(node.domain in ("", "ai.onnx") for node in graph.node)


def tensors(files: Files, folder: str, kind: str) -> list[Array]:
    names = [f"{folder}/{kind}_{i}.pb" for i in range(sum(name.startswith(f"{folder}/{kind}_") for name in files))]
    return [numpy_helper.to_array(TensorProto.FromString(files[name])) for name in names]


def expect_close(actual: Array, expected: Array) -> None:
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    if expected.dtype.kind in "iub":
        np.testing.assert_array_equal(actual, expected)
        return
    # onnx.backend.test compares with rtol 1e-3. Two bytes hold 8 to 11 bits; sums that cancel keep the terms' rounding,
    # 1e-5 of numbers around 1.
    narrow = expected.dtype.itemsize == 2 and expected.dtype.kind in "fV"
    np.testing.assert_allclose(
        actual.astype(np.float64),
        expected.astype(np.float64),
        rtol=1e-2 if narrow else 1e-3,
        atol=1e-3 if narrow else 1e-5,
    )


def run(model: onnx.ModelProto, files: Files) -> None:
    prepared = onnx_backend.prepare(model)
    for folder in sorted({name.split("/")[0] for name in files if name.startswith("test_data_set_")}):
        results = prepared.run(tensors(files, folder, "input"))
        expected = tensors(files, folder, "output")
        assert len(results) == len(expected)
        for actual, reference in zip(results, expected, strict=True):
            expect_close(actual, reference)


def failure(model: onnx.ModelProto, files: Files) -> str:
    """One line that says why the vector is not met; empty when it is."""
    try:
        run(model, files)
    except Exception as error:  # whatever goes wrong is what the table is about
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return ""


@needs_vectors
@pytest.mark.parametrize(
    ("suite", "types", "least"),
    [
        ("node", TYPES, 1387),
        ("pytorch-converted", TYPES, 82),
        ("pytorch-operator", TYPES | {TensorProto.DOUBLE}, 35),
        ("simple", TYPES | {TensorProto.DOUBLE}, 15),
    ],
)
def test_onnx_vectors_are_met(suite: str, types: set[int], least: int) -> None:
    found = {}
    for name, files in read_archive()[suite].items():
        model = onnx.load_from_string(files["model.onnx"]) if "model.onnx" in files else None
        if model is not None and is_in_scope(model, types):
            found[name] = failure(model, files)
    assert len(found) >= least  # nothing falls out of sight
    known = KNOWN[suite]
    assert known.keys() <= found.keys()
    wrong = {
        name: reason
        for name, reason in found.items()
        if bool(reason) != (name in known) and not any(lack in reason for lack in OPTIONAL)
    }
    assert not wrong, "\n".join(f"{name}: {reason or 'passes, but is listed'}" for name, reason in wrong.items())
