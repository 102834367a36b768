"""ImageDecoder gives Pillow's pixels, and refuses with one sentence what it does not read."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import onnx
import pytest
from engines import Array, CollectingLogger, build_plan, infer, load, trt

Image = pytest.importorskip("PIL.Image")

LIBRARIES = {"PNG": "libpng", "JPEG": "libjpeg"}


def model(size: int, pixels: str) -> bytes:
    node = onnx.helper.make_node("ImageDecoder", ["x"], ["y"], pixel_format=pixels)
    encoded = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.UINT8, [size])
    picture = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.UINT8, [None, None, None])
    graph = onnx.helper.make_graph([node], "decoder", [encoded], [picture])
    opset = onnx.helper.make_opsetid("", 20)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


def decode(data: bytes, pixels: str = "RGB") -> Array:
    context = load(build_plan(model(len(data), pixels))).create_execution_context()
    return infer(context, {"x": np.frombuffer(data, np.uint8)})["y"]


def picture(mode: str, width: int, height: int) -> Any:
    """Smooth colours with an edge, in Pillow's mode."""
    y, x = np.mgrid[0:height, 0:width]
    colours = np.stack([x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x > width // 2) * 200], axis=-1)
    return Image.fromarray(colours.astype(np.uint8), "RGB").convert(mode)


def encode(image: Any, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def decode_or_skip(data: bytes, form: str, pixels: str) -> Array:
    if form not in LIBRARIES:
        return decode(data, pixels)
    logger = CollectingLogger()
    plan = build_plan(model(len(data), pixels))
    engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
    try:
        return infer(engine.create_execution_context(), {"x": np.frombuffer(data, np.uint8)})["y"]
    except AssertionError:
        if any(f"this build has no {LIBRARIES[form]}" in line for line in logger.errors()):
            pytest.skip(f"this build has no {LIBRARIES[form]}")
        raise


@pytest.mark.parametrize("pixels", ["RGB", "BGR", "Grayscale"])
@pytest.mark.parametrize("size", [(1, 1), (3, 17), (33, 5)])
@pytest.mark.parametrize(
    ("form", "mode", "options"),
    [
        ("BMP", "RGB", {}),
        ("BMP", "P", {}),
        ("BMP", "L", {}),
        ("PPM", "RGB", {}),
        ("PPM", "L", {}),
        ("PPM", "1", {}),
        ("TIFF", "RGB", {}),
        ("TIFF", "L", {}),
        ("PNG", "RGB", {}),
        ("PNG", "RGBA", {}),
        ("PNG", "P", {}),
        ("PNG", "L", {}),
        ("PNG", "1", {}),
        ("JPEG", "RGB", {"quality": 90}),
        ("JPEG", "L", {"progressive": True}),
    ],
)
def test_pixels_are_those_of_pillow(
    form: str, mode: str, options: dict[str, Any], size: tuple[int, int], pixels: str
) -> None:
    data = encode(picture(mode, *size), form, **options)
    colours = Image.open(io.BytesIO(data)).convert("RGB")
    expected = np.asarray(colours.convert("L"))[..., None] if pixels == "Grayscale" else np.asarray(colours)
    actual = decode_or_skip(data, form, pixels)
    np.testing.assert_array_equal(actual, expected[..., ::-1] if pixels == "BGR" else expected)


def refusal(data: bytes) -> str:
    logger = CollectingLogger()
    engine = trt.Runtime(logger).deserialize_cuda_engine(build_plan(model(len(data), "RGB")))
    with pytest.raises(AssertionError):
        infer(engine.create_execution_context(), {"x": np.frombuffer(data, np.uint8)})
    return "\n".join(logger.errors())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"RIFF\0\0\0\0WEBPVP8 ", "an image of WebP; BMP, JPEG, PNG, PNM and uncompressed TIFF are offered"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "an image of JPEG 2000"),
        (b"nothing at all", "an unknown format"),
        (b"P6\n3 3\n255\n12345", "ends after 16 bytes"),
        (b"P6\n0 3\n255\n12345", "has 3 x 0 pixels"),
        (b"P6\n70000 70000\n255\n", "has 70000 x 70000 pixels"),
        (encode(picture("RGB", 5, 5), "BMP")[:60], "ends after 60 bytes"),
        (encode(picture("RGB", 5, 5), "TIFF", compression="raw")[:20], "ends after 20 bytes"),
    ],
)
def test_what_cannot_be_read_is_refused_by_a_sentence(data: bytes, reason: str) -> None:
    assert reason in refusal(data)
