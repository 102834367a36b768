"""Products that write into their concatenation, where others read them too: what is left of a network, and its numbers
beside ONNX Runtime."""

from __future__ import annotations

import pytest
from engines import Array
from networks import f32
from test_views import check, convolutions, layers_of

# Two levels of a U-Net: what goes down is pooled, and concatenated later with what comes up.
SKIPS = """(float[{batch}, 8, 16, 24] x) => (float[] y) {{
    d0 = Conv <pads = [1, 1, 1, 1]> (x, w0, b0)
    r0 = Relu (d0)
    p0 = {pool} <kernel_shape = [{window}, {window}], strides = [2, 2], pads = [{pad}, {pad}, {pad}, {pad}]> (r0)
    d1 = Conv <pads = [1, 1, 1, 1]> (p0, w1, b1)
    r1 = Relu (d1)
    p1 = {pool} <kernel_shape = [2, 2], strides = [2, 2]> (r1)
    m = Conv <pads = [1, 1, 1, 1]> (p1, w2, b2)
    u1 = ConvTranspose <kernel_shape = [2, 2], strides = [2, 2]> (m, w3, b3)
    j1 = Concat <axis = 1> (u1, r1)
    c1 = Conv <pads = [1, 1, 1, 1]> (j1, w4, b4)
    u0 = ConvTranspose <kernel_shape = [2, 2], strides = [2, 2]> (c1, w5, b5)
    j0 = Concat <axis = 1> ({join})
    y = Conv (j0, w6, b6)
}}"""


def skip_weights(channels: int) -> dict[str, Array]:
    weights = convolutions(
        [
            (channels, 8, 3),
            (2 * channels, channels, 3),
            (32, 2 * channels, 3),
            (32, 2 * channels, 2),
            (32, 4 * channels, 3),
            (32, channels, 2),
            (3, 2 * channels, 1),
        ]
    )
    weights["b3"], weights["b5"] = f32(2 * channels, seed=3), f32(channels, seed=5)  # of outputs, which come second
    return weights


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("pool", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("join", ["u0, r0", "r0, u0"])
def test_what_a_u_net_skips_and_pools_is_written_into_its_concatenation(half: bool, pool: str, join: str) -> None:
    graph = SKIPS.format(batch=2, pool=pool, window=3, pad=1, join=join)
    engine = check(graph, skip_weights(16), {"x": f32(2, 8, 16, 24, seed=1)}, half=half)
    copies = [layer["Name"] for layer in layers_of(engine) if layer["Name"].startswith("Concat")]
    assert not copies


@pytest.mark.parametrize("channels", [3, 17])
def test_skips_of_odd_numbers_of_channels(channels: int) -> None:
    graph = SKIPS.format(batch=1, pool="MaxPool", window=2, pad=0, join="u0, r0")
    check(graph, skip_weights(channels), {"x": f32(1, 8, 16, 24, seed=1)})


@pytest.mark.parametrize("batch", [1, 3])
def test_skips_with_a_dynamic_batch(batch: int) -> None:
    graph = SKIPS.format(batch="n", pool="MaxPool", window=2, pad=0, join="u0, r0")
    shape = (batch, 8, 16, 24)
    profile = {"x": ((1, *shape[1:]), (2, *shape[1:]), (4, *shape[1:]))}
    check(graph, skip_weights(16), {"x": f32(*shape, seed=1)}, profile=profile)


# A block of DenseNet: each convolution reads what all before it wrote, of which the first part is read alone, too.
DENSE = """(float[1, 8, 7, 9] x) => (float[] y) {
    a = Conv <pads = [1, 1, 1, 1]> (x, w0, b0)
    ar = Relu (a)
    b = Conv <pads = [1, 1, 1, 1]> (ar, w1, b1)
    br = Relu (b)
    ab = Concat <axis = 1> (ar, br)
    c = Conv <pads = [1, 1, 1, 1]> (ab, w2, b2)
    s = Add (c, ar)
    t = Concat <axis = 1> (br, s, ar)
    y = Conv (t, w3, b3)
}"""


@pytest.mark.parametrize("half", [False, True])
def test_parts_of_two_concatenations_that_others_read_too(half: bool) -> None:
    weights = convolutions([(16, 8, 3), (16, 16, 3), (16, 32, 3), (5, 48, 1)])
    check(DENSE, weights, {"x": f32(1, 8, 7, 9, seed=1)}, half=half)
