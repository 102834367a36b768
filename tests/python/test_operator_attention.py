"""ONNX Attention whose keys have lengths, and whose queries see a window, beside the formula in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from networks import f32
from test_network_attention import attention
from test_operator_forms import i64, run

QUERY = np.ones((1, 1, 2, 4), np.float32)
KEY = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4) / 9
POSITIONS = np.arange(4)


def test_queries_are_the_last_of_a_length() -> None:
    """Of 3 keys, the queries stand at 1 and 2."""
    graph = """(float[1, 1, 2, 4] q, float[1, 1, 4, 4] k, int64[1] n) => (float[] y)
        { y = Attention <is_causal = 1> (q, k, k, "", "", "", n) }"""
    (y,) = run(graph, 24, {"q": QUERY, "k": KEY, "n": i64(3)})
    seen = np.array([[1], [2]]) >= POSITIONS
    np.testing.assert_allclose(y, attention(QUERY / 2, KEY, KEY, seen), rtol=1e-5)  # a scale of 1 / sqrt(4)


def test_values_beyond_a_length_may_be_anything() -> None:
    values = np.ones_like(KEY)
    values[:, :, 3] = np.nan
    graph = """(float[1, 1, 2, 4] q, float[1, 1, 4, 4] k, float[1, 1, 4, 4] v, int64[1] n) => (float[] y)
        { y = Attention(q, k, v, "", "", "", n) }"""
    (y,) = run(graph, 24, {"q": QUERY, "k": KEY, "v": values, "n": i64(3)})
    np.testing.assert_allclose(y, QUERY, rtol=1e-6)


def test_keys_beyond_a_mask_are_hidden() -> None:
    graph = """(float[1, 1, 2, 4] q, float[1, 1, 4, 4] k, float[2, 3] m, int64[1] n) => (float[] y)
        { y = Attention(q, k, k, m, "", "", n) }"""
    (y,) = run(graph, 24, {"q": QUERY, "k": KEY, "m": np.zeros((2, 3), np.float32), "n": i64(4)})
    np.testing.assert_allclose(y, attention(QUERY / 2, KEY, KEY, POSITIONS < 3), rtol=1e-5)


@pytest.mark.parametrize(("left", "right"), [(0, 0), (1, -1), (-1, 1), (2, 1)])
def test_a_window_of_keys(left: int, right: int) -> None:
    q, k, v = (f32(1, 2, 6, 4, seed=seed) for seed in range(3))
    graph = f"""(float[1, 2, 6, 4] q, float[1, 2, 6, 4] k, float[1, 2, 6, 4] v) => (float[] y)
        {{ y = Attention <left_window_size = {left}, right_window_size = {right}> (q, k, v) }}"""
    (y,) = run(graph, 24, {"q": q, "k": k, "v": v})
    ahead = np.arange(6) - np.arange(6)[:, None]
    seen = (ahead >= (-left if left >= 0 else -6)) & (ahead <= (right if right >= 0 else 6))
    np.testing.assert_allclose(y, attention(q / 2, k, v, seen), rtol=1e-5, atol=1e-6)
