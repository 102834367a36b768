"""The families: for each a few layers with shapes of known networks, and one that fills the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorvk as trt

from .sketch import Sketch

FLOATS = ("fp32", "fp16")
ALL = ("fp32", "fp16", "int8")
NONE = trt.MatrixOperation.NONE
GATHERED = 1024  # rows of the table


@dataclass(frozen=True)
class Size:
    """A GPU needs more work than a processor to show what it can."""

    edge: int  # of the square product
    batch: int  # of pictures
    rows: int  # of what is computed row by row


LARGE = Size(4096, 32, 1 << 16)
SMALL = Size(512, 1, 1 << 10)


@dataclass(frozen=True)
class Micro:
    """One layer. `draw` adds it to a sketch and gives its operations, an addition and a multiplication counted as two;
    none for layers that memory limits."""

    family: str
    name: str
    draw: Callable[[Sketch, Size], int]
    precisions: tuple[str, ...] = FLOATS


def product(m: int, k: int, n: int) -> Callable[[Sketch, Size], int]:
    def draw(sketch: Sketch, size: Size) -> int:
        rows, inner, columns = (size.edge if edge == 0 else edge for edge in (m, k, n))
        x, w = sketch.input(rows, inner), sketch.weights(inner, columns)
        sketch.measure(sketch.network.add_matrix_multiply(x, NONE, w, NONE))
        return 2 * rows * inner * columns

    return draw


def convolution(
    inputs: int, outputs: int, edge: int, kernel: int, stride: int = 1, groups: int = 1
) -> Callable[[Sketch, Size], int]:
    def draw(sketch: Sketch, size: Size) -> int:
        x = sketch.input(size.batch, inputs, edge, edge)
        layer = sketch.network.add_convolution_nd(x, outputs, (kernel, kernel), trt.Weights(), trt.Weights())
        layer.set_input(1, sketch.weights(outputs, inputs // groups, kernel, kernel))
        layer.stride_nd, layer.num_groups = (stride, stride), groups
        layer.padding_nd = (kernel // 2, kernel // 2)
        sketch.measure(layer)
        return 2 * size.batch * outputs * (edge // stride) ** 2 * inputs // groups * kernel**2

    return draw


def transposed_convolution(inputs: int, outputs: int, edge: int) -> Callable[[Sketch, Size], int]:
    def draw(sketch: Sketch, size: Size) -> int:
        x = sketch.input(size.batch, inputs, edge, edge)
        layer = sketch.network.add_deconvolution_nd(x, outputs, (2, 2), trt.Weights(), trt.Weights())
        layer.set_input(1, sketch.weights(inputs, outputs, 2, 2))
        layer.stride_nd = (2, 2)
        sketch.measure(layer)
        return 2 * size.batch * inputs * edge**2 * outputs * 4

    return draw


def attention(tokens: int) -> Callable[[Sketch, Size], int]:
    heads, width = 12, 64

    def draw(sketch: Sketch, size: Size) -> int:
        query, key, value = (sketch.input(size.batch, heads, tokens, width) for _ in range(3))
        sketch.measure(sketch.network.add_attention(query, key, value, trt.AttentionNormalizationOp.SOFTMAX, False))
        return 2 * 2 * size.batch * heads * tokens**2 * width

    return draw


def softmax(sketch: Sketch, size: Size) -> int:
    layer = sketch.network.add_softmax(sketch.input(size.rows, 1000))
    layer.axes = 1 << 1
    sketch.measure(layer)
    return 0


def layer_normalization(sketch: Sketch, size: Size) -> int:
    x, scale, bias = sketch.input(size.rows, 768), sketch.weights(1, 768), sketch.weights(1, 768)
    sketch.measure(sketch.network.add_normalization(x, scale, bias, 1 << 1))
    return 0


def group_normalization(sketch: Sketch, size: Size) -> int:
    x, scale, bias = sketch.input(size.batch, 64, 56, 56), sketch.weights(1, 8, 1, 1), sketch.weights(1, 8, 1, 1)
    layer = sketch.network.add_normalization(x, scale, bias, 1 << 2 | 1 << 3)
    layer.num_groups = 8
    sketch.measure(layer)
    return 0


def reduction(*axes: int) -> Callable[[Sketch, Size], int]:
    def draw(sketch: Sketch, size: Size) -> int:
        x = sketch.input(size.rows // 256, 256, 256)
        mask = sum(1 << axis for axis in axes)
        sketch.measure(sketch.network.add_reduce(x, trt.ReduceOperation.SUM, mask, True))
        return 0

    return draw


def pooling(kind: trt.PoolingType, window: int, stride: int, channels: int, edge: int) -> Callable[[Sketch, Size], int]:
    def draw(sketch: Sketch, size: Size) -> int:
        layer = sketch.network.add_pooling_nd(sketch.input(size.batch, channels, edge, edge), kind, (window, window))
        layer.stride_nd = (stride, stride)
        layer.padding_nd = (window // 2, window // 2) if window < edge else (0, 0)
        sketch.measure(layer)
        return 0

    return draw


def resize(mode: trt.InterpolationMode) -> Callable[[Sketch, Size], int]:
    def draw(sketch: Sketch, size: Size) -> int:
        layer = sketch.network.add_resize(sketch.input(size.batch, 64, 56, 56))
        layer.resize_mode = mode
        layer.shape = (size.batch, 64, 112, 112)
        layer.coordinate_transformation = trt.ResizeCoordinateTransformation.HALF_PIXEL
        sketch.measure(layer)
        return 0

    return draw


def transpose(*order: int) -> Callable[[Sketch, Size], int]:
    def draw(sketch: Sketch, size: Size) -> int:
        layer = sketch.network.add_shuffle(sketch.input(size.batch, 64, 112, 112))
        layer.first_transpose = trt.Permutation(order)
        sketch.measure(layer)
        return 0

    return draw


def concatenation(sketch: Sketch, size: Size) -> int:
    layer = sketch.network.add_concatenation([sketch.input(size.batch, 64, 56, 56) for _ in range(2)])
    layer.axis = 1
    sketch.measure(layer)
    return 0


def gather(sketch: Sketch, size: Size) -> int:
    table, rows = sketch.input(GATHERED, 768), sketch.indices(GATHERED, size.rows)
    sketch.measure(sketch.network.add_gather(table, rows, 0))
    return 0


def top_k(sketch: Sketch, size: Size) -> int:
    sketch.measure(sketch.network.add_topk(sketch.input(size.rows, 1000), trt.TopKOperation.MAX, 5, 1 << 1))
    return 0


def activation(kind: trt.ActivationType) -> Callable[[Sketch, Size], int]:
    def draw(sketch: Sketch, size: Size) -> int:
        sketch.measure(sketch.network.add_activation(sketch.input(size.rows, 1024), kind))
        return 0

    return draw


def addition(sketch: Sketch, size: Size) -> int:
    x, y = sketch.input(size.rows, 1024), sketch.input(size.rows, 1024)
    sketch.measure(sketch.network.add_elementwise(x, y, trt.ElementWiseOperation.SUM))
    return 0


SQUARE = Micro("product", "square", product(0, 0, 0), ALL)
MICROS = [
    SQUARE,
    Micro("product", "128 x 768 by 768 x 3072", product(128, 768, 3072), ALL),
    Micro("product", "128 x 768 by 768 x 768", product(128, 768, 768), ALL),
    Micro("product", "1 x 2048 by 2048 x 1000", product(1, 2048, 1000), ALL),
    Micro("convolution", "7x7 / 2, 3 to 64, 224", convolution(3, 64, 224, 7, 2), ALL),
    Micro("convolution", "1x1, 256 to 64, 56", convolution(256, 64, 56, 1), ALL),
    Micro("convolution", "3x3, 64 to 64, 56", convolution(64, 64, 56, 3), ALL),
    Micro("convolution", "3x3, 512 to 512, 7", convolution(512, 512, 7, 3), ALL),
    Micro("convolution", "3x3, 128 to 128 in 32 groups, 28", convolution(128, 128, 28, 3, groups=32), FLOATS),
    Micro("transposed convolution", "2x2 / 2, 256 to 128, 28", transposed_convolution(256, 128, 28), FLOATS),
    Micro("depthwise", "3x3, 144, 56", convolution(144, 144, 56, 3, groups=144), ALL),
    Micro("depthwise", "5x5 / 2, 240, 28", convolution(240, 240, 28, 5, 2, groups=240), ALL),
    Micro("attention", "12 heads of 64, 128 tokens", attention(128)),
    Micro("attention", "12 heads of 64, 512 tokens", attention(512)),
    Micro("softmax", "rows of 1000", softmax),
    Micro("normalization", "layer, rows of 768", layer_normalization),
    Micro("normalization", "8 groups of 64 channels, 56", group_normalization),
    Micro("reduction", "sum of rows of 256", reduction(2)),
    Micro("reduction", "sum of columns of 256", reduction(1)),
    Micro("pooling", "maximum 3x3 / 2, 64, 112", pooling(trt.PoolingType.MAX, 3, 2, 64, 112)),
    Micro("pooling", "average 7x7, 2048, 7", pooling(trt.PoolingType.AVERAGE, 7, 7, 2048, 7)),
    Micro("resize", "nearest, 64, 56 to 112", resize(trt.InterpolationMode.NEAREST)),
    Micro("resize", "linear, 64, 56 to 112", resize(trt.InterpolationMode.LINEAR)),
    Micro("transpose", "channels last, 64, 112", transpose(0, 2, 3, 1)),
    Micro("transpose", "rows and columns, 64, 112", transpose(0, 1, 3, 2)),
    Micro("copy", "concatenation of two, 64, 56", concatenation),
    Micro("gather", "rows of 768", gather),
    Micro("top-k", "5 of rows of 1000", top_k),
    Micro("pointwise", "ReLU", activation(trt.ActivationType.RELU)),
    Micro("pointwise", "GELU", activation(trt.ActivationType.GELU_ERF)),
    Micro("pointwise", "addition of two", addition),
]
