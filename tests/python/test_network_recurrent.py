"""Layers of TensorRT <= 9: RNNv2 and FullyConnected, beside their equations in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from networks import Array, Shop, f32

Gate = trt.RNNGateType
GATES = {
    trt.RNNOperation.RELU: [Gate.INPUT],
    trt.RNNOperation.TANH: [Gate.INPUT],
    trt.RNNOperation.LSTM: [Gate.INPUT, Gate.OUTPUT, Gate.FORGET, Gate.CELL],
    trt.RNNOperation.GRU: [Gate.UPDATE, Gate.RESET, Gate.HIDDEN],
}


@pytest.fixture
def shop() -> Shop:
    return Shop()


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


class Cell:
    """One layer in one direction with weights of its own."""

    def __init__(self, op: Any, size: int, hidden: int, seed: int, skip: bool = False) -> None:
        rng = np.random.default_rng(seed)
        self.op, self.hidden = op, hidden
        gates = GATES[op]
        self.w = {g: np.eye(hidden) if skip else rng.uniform(-1, 1, (hidden, size)).astype(np.float32) for g in gates}
        self.r = {g: rng.uniform(-1, 1, (hidden, hidden)).astype(np.float32) for g in gates}
        self.wb = {g: rng.uniform(-1, 1, hidden).astype(np.float32) for g in gates}
        self.rb = {g: rng.uniform(-1, 1, hidden).astype(np.float32) for g in gates}

    def give_to(self, layer: Any, index: int, skip: bool = False) -> None:
        for gate in GATES[self.op]:
            if not skip:
                layer.set_weights_for_gate(index, gate, True, self.w[gate])
            layer.set_weights_for_gate(index, gate, False, self.r[gate])
            layer.set_bias_for_gate(index, gate, True, self.wb[gate])
            layer.set_bias_for_gate(index, gate, False, self.rb[gate])

    def step(self, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        a = {g: x @ self.w[g].T + self.wb[g] for g in self.w}
        b = {g: h @ self.r[g].T + self.rb[g] for g in self.r}
        if self.op == trt.RNNOperation.LSTM:
            i, o, f, g = (a[k] + b[k] for k in GATES[self.op])
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            return sigmoid(o) * np.tanh(c), c
        if self.op == trt.RNNOperation.GRU:  # the reset gate multiplies the product with the state, as cuDNN has it
            z, r = sigmoid(a[Gate.UPDATE] + b[Gate.UPDATE]), sigmoid(a[Gate.RESET] + b[Gate.RESET])
            return (1 - z) * np.tanh(a[Gate.HIDDEN] + r * b[Gate.HIDDEN]) + z * h, c
        total = a[Gate.INPUT] + b[Gate.INPUT]
        return (np.maximum(total, 0) if self.op == trt.RNNOperation.RELU else np.tanh(total)), c

    def run(self, x: Array, h: Array, c: Array, backward: bool) -> tuple[Array, Array, Array]:
        steps = x.shape[1]
        out = np.zeros((*x.shape[:2], self.hidden))
        for t in reversed(range(steps)) if backward else range(steps):
            h, c = self.step(x[:, t], h, c)
            out[:, t] = h
        return out, h, c


@pytest.mark.parametrize("op", list(GATES))
@pytest.mark.parametrize("directions", [1, 2])
def test_rnn_v2(shop: Shop, op: Any, directions: int) -> None:
    """Two layers over 5 steps; with states given. Tolerance: some hundred roundings of float32."""
    batch, steps, size, hidden, layers = 3, 5, 4, 7, 2
    layer = shop.network.add_rnn_v2(shop.input(batch, steps, size), layers, hidden, steps, op)
    if directions == 2:
        layer.direction = trt.RNNDirection.BIDIRECTION
    assert (layer.num_layers, layer.hidden_size, layer.max_seq_length, layer.data_length) == (
        layers,
        hidden,
        steps,
        size,
    )
    assert layer.op == op and layer.input_mode == trt.RNNInputMode.LINEAR and layer.type == trt.LayerType.RNN_V2
    cells = []
    for i in range(layers * directions):
        cells.append(Cell(op, size if i < directions else hidden * directions, hidden, 100 + i))
        cells[-1].give_to(layer, i)
    h0, c0 = f32(batch, layers * directions, hidden), f32(batch, layers * directions, hidden, seed=1)
    layer.hidden_state = shop.constant(h0)
    lstm = op == trt.RNNOperation.LSTM
    if lstm:
        layer.cell_state = shop.constant(c0)
    assert layer.num_outputs == (3 if lstm else 2) and layer.hidden_state is not None and layer.seq_lengths is None
    for i, name in enumerate(["y", "h", "c"][: layer.num_outputs]):
        shop.output(layer.get_output(i), name)
    assert tuple(layer.get_output(0).shape) == (batch, steps, hidden * directions)

    data = f32(batch, steps, size)
    y, last_h, last_c = data.astype(np.float64), [], []
    for i in range(layers):
        parts = []
        for d in range(directions):
            k = i * directions + d
            out, h, c = cells[k].run(y, h0[:, k], c0[:, k], d == 1)
            parts.append(out)
            last_h.append(h)
            last_c.append(c)
        y = np.concatenate(parts, -1)
    out = shop.run({"x": data})
    np.testing.assert_allclose(out["y"], y, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(out["h"], np.stack(last_h, 1), rtol=1e-4, atol=1e-5)
    if lstm:
        np.testing.assert_allclose(out["c"], np.stack(last_c, 1), rtol=1e-4, atol=1e-5)


def test_rnn_v2_with_sequence_lengths_and_the_input_as_it_is(shop: Shop) -> None:
    batch, steps, hidden = 3, 5, 4
    layer = shop.network.add_rnn_v2(shop.input(batch, steps, hidden), 1, hidden, steps, trt.RNNOperation.TANH)
    layer.input_mode = trt.RNNInputMode.SKIP
    layer.seq_lengths = shop.constant([5, 1, 3], np.int32)
    cell = Cell(trt.RNNOperation.TANH, hidden, hidden, 7, skip=True)
    cell.give_to(layer, 0, skip=True)
    np.testing.assert_array_equal(layer.get_bias_for_gate(0, Gate.INPUT, True), cell.wb[Gate.INPUT])
    np.testing.assert_array_equal(layer.get_weights_for_gate(0, Gate.INPUT, False), cell.r[Gate.INPUT].ravel())
    shop.output(layer.get_output(0), "y")
    shop.output(layer.get_output(1), "h")
    data = f32(batch, steps, hidden)
    out = shop.run({"x": data})
    for i, length in enumerate([5, 1, 3]):
        y, h, _ = cell.run(data[i : i + 1, :length], np.zeros((1, hidden)), np.zeros((1, hidden)), False)
        np.testing.assert_allclose(out["y"][i, :length], y[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(out["y"][i, length:], 0)
        np.testing.assert_allclose(out["h"][i], h, rtol=1e-5, atol=1e-6)


def test_an_unknown_gate_and_a_missing_one_are_named(shop: Shop) -> None:
    layer = shop.network.add_rnn_v2(shop.input(1, 3, 2), 1, 4, 3, trt.RNNOperation.LSTM)
    layer.set_weights_for_gate(0, Gate.RESET, True, f32(8))
    assert "has no gate" in shop.error()
    layer.set_weights_for_gate(1, Gate.INPUT, True, f32(8))
    assert "there is no layer 1" in shop.error()
    shop.output(layer.get_output(0))
    assert shop.builder.build_serialized_network(shop.network, shop.config) is None
    assert "weights of gate INPUT for the input of layer 0 needs 8 numbers" in shop.error()


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 1, 1, 33), (3, 1, 17)])
@pytest.mark.parametrize("has_bias", [True, False])
def test_fully_connected(shop: Shop, shape: tuple[int, ...], has_bias: bool) -> None:
    count = int(np.prod(shape[-3:]))
    kernel, bias = f32(4, count), f32(4)
    layer = shop.network.add_fully_connected(shop.input(*shape), 4, kernel, bias if has_bias else None)
    assert layer.num_output_channels == 4 and layer.type == trt.LayerType.FULLY_CONNECTED
    np.testing.assert_array_equal(layer.kernel, kernel.ravel())
    y = shop.output(layer.get_output(0))
    assert tuple(y.shape) == (*shape[:-3], 4, 1, 1)
    data = f32(*shape)
    expected = data.reshape(-1, count) @ kernel.T + (bias if has_bias else 0)
    np.testing.assert_allclose(shop.run({"x": data})["y"], expected.reshape(y.shape), rtol=1e-5, atol=1e-5)


def test_a_kernel_of_another_size_is_refused_at_the_call(shop: Shop) -> None:
    assert shop.network.add_fully_connected(shop.input(2, 3, 5, 7), 4, f32(5), None) is None
    assert "needs 4 times 105 kernel weights, 5 were given" in shop.error()


def test_an_operation_with_another_number_of_outputs_is_refused(shop: Shop) -> None:
    layer = shop.network.add_rnn_v2(shop.input(1, 4, 3), 1, 2, 4, trt.RNNOperation.RELU)
    layer.op = trt.RNNOperation.LSTM
    assert "has 2 outputs and would have 3" in shop.error()
    assert layer.op == trt.RNNOperation.RELU
    layer.op = trt.RNNOperation.GRU
    assert layer.op == trt.RNNOperation.GRU


@pytest.mark.parametrize(
    ("lengths", "sentence"),
    [(np.ones((2,), np.float32), "int32 sequence lengths"), (np.ones((1, 2), np.int32), "sequence lengths")],
)
def test_sequence_lengths_that_do_not_fit_are_refused(shop: Shop, lengths: Array, sentence: str) -> None:
    layer = shop.network.add_rnn_v2(shop.input(2, 4, 3), 1, 2, 4, trt.RNNOperation.RELU)
    layer.seq_lengths = shop.constant(lengths)
    assert sentence in shop.error()
