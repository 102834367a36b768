"""Real networks on real inputs give their reference outputs, each data set, one engine per network."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from engines import Array, Shapes, build_plan, infer, load
from onnx import numpy_helper

MODELS = Path(os.environ.get("TENSORVK_MODELS", Path(__file__).resolve().parents[3] / "shared" / "models"))
needs_models = pytest.mark.skipif(
    not MODELS.is_dir(), reason=f"no models at {MODELS}; TENSORVK_MODELS names another folder"
)

# fp32 sums in another order than the reference's: the networks' own float32 against float64 differs by up to 1e-6 of
# the largest output, and 1e-4 leaves room for 100 layers without hiding a wrong tap or a missing bias.
TOLERANCE = 1e-4

# A network whose tensors are float16 rounds at each of them: half a unit in the last place is 2.4e-4 to 4.9e-4, and
# starry_night_fp16 rounds some twenty times on the way.
HALF_TOLERANCE = 2e-3

FAST = [
    "mnist_cntk",
    "hand_keypoint_mlp",
    "resnet20_cifar10",
    "ppocr_cls_v2",
    "yunet_s_320",
    "bert_toy",
    "chargpt",
    "nnsplit_en",
]
SLOW = [
    "brain_unet",
    "squeezenet_winml",
    "ultraface_rfb320",
    "fastestdet",
    "nanodet_m_416",
    "lw_person_detector",
    "agllnet_256",
    "super_resolution",
    "magika_v3_3",
    "ppocrv3_det",
]
HALF = ["starry_night_fp16"]
# Which output of one step is which input of the next.
RECURRENT = {
    "dtln_1": {"tf_op_layer_stack_2": "input_3"},
    "gtcrn_stream_simple": {f"{cache}_cache_out": f"{cache}_cache" for cache in ("conv", "tra", "inter")},
    "silero_vad_16k_op15": {"stateN": "state"},
    "silero_vad_half": {"stateN": "state"},
}
# Share of the outputs' elements that lie within two quantisation steps of the literal reference. A value on a rounding
# tie may fall to either side, and one that fell spreads: in set 0 of the detector a single one does, 31 layers in, and
# reaches three quarters of the boxes.
QUANTIZED = {
    "brain_unet_qdq": 0.999,
    "lw_person_detector_qdq": 0.95,
    "qdq_mobilenet_edgetpu_slice": 0.999,
    "resnet20_cifar10_qdq": 0.999,
}
# What the best guess is, where a network makes one.
BEST: dict[str, Callable[[Array], Array]] = {
    "lw_person_detector_qdq": lambda output: output[..., 4].argmax(axis=-1),  # the box that is most likely an object
    "resnet20_cifar10_qdq": lambda output: output.argmax(axis=-1),
}


def read(path: Path) -> tuple[str, Array]:
    tensor = onnx.TensorProto.FromString(path.read_bytes())
    return tensor.name, numpy_helper.to_array(tensor)


def data_sets(name: str) -> list[tuple[dict[str, Array], dict[str, Array]]]:
    ranks = {i.name: len(i.type.tensor_type.shape.dim) for i in onnx.load(MODELS / name / "model.onnx").graph.input}
    sets = []
    for folder in sorted((MODELS / name).glob("test_data_set_*")):
        feed = dict(read(path) for path in sorted(folder.glob("input_*.pb")))
        feed = {
            key: value if ranks[key] else value.reshape(()) for key, value in feed.items()
        }  # one number as a scalar
        expected = dict(read(path) for path in sorted(folder.glob("output_*.pb")))
        sets.append((feed, expected))
    return sets


def profile_over(sets: list[tuple[dict[str, Array], dict[str, Array]]], extra_batch: int = 1) -> dict[str, Shapes]:
    """The range that covers every data set; `extra_batch` widens axis 0."""
    profile = {}
    for name in sets[0][0]:
        shapes = np.array([feed[name].shape for feed, _ in sets])
        low, high = shapes.min(axis=0), shapes.max(axis=0)
        high[:1] = np.maximum(high[:1], extra_batch)  # a scalar has no batch
        profile[name] = (tuple(map(int, low)), tuple(map(int, shapes[0])), tuple(map(int, high)))
    return profile


def model_and_profile(
    name: str, extra_batch: int = 1
) -> tuple[bytes, dict[str, Shapes], list[tuple[dict[str, Array], dict[str, Array]]]]:
    model = (MODELS / name / "model.onnx").read_bytes()
    sets = data_sets(name)
    dynamic = any(
        d.dim_value <= 0 for i in onnx.load_from_string(model).graph.input for d in i.type.tensor_type.shape.dim
    )
    return model, profile_over(sets, extra_batch) if dynamic else {}, sets


def largest_error(actual: dict[str, Array], expected: dict[str, Array]) -> float:
    """Relative to the largest magnitude of the data set's outputs: an output that is near zero everywhere (a sigmoid of
    -8) carries the rounding of the logits behind it, in the reference too."""
    largest = max(float(np.abs(reference).max()) for reference in expected.values())
    errors = []
    for name, reference in expected.items():
        assert actual[name].shape == reference.shape
        errors.append(float(np.abs(actual[name].astype(np.float64) - reference).max()))
    return max(errors) / max(largest, 1e-30)


def check(name: str, tolerance: float = TOLERANCE) -> None:
    model, profile, sets = model_and_profile(name)
    context = load(build_plan(model, profile, level=1)).create_execution_context()
    for feed, expected in sets:
        assert largest_error(infer(context, feed), expected) <= tolerance


@needs_models
@pytest.mark.parametrize("name", FAST)
def test_network_gives_its_reference_outputs(name: str) -> None:
    check(name)


@needs_models
@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_larger_network_gives_its_reference_outputs(name: str) -> None:
    check(name)


@needs_models
@pytest.mark.slow
@pytest.mark.parametrize("name", HALF)
def test_half_precision_network_gives_its_reference_outputs(name: str) -> None:
    check(name, HALF_TOLERANCE)


@needs_models
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n == "gtcrn_stream_simple" else n for n in RECURRENT]
)
def test_recurrent_network_stays_with_its_reference_over_the_whole_sequence(name: str) -> None:
    model, profile, sets = model_and_profile(name)
    context = load(build_plan(model, profile, level=1)).create_execution_context()
    state: dict[str, Array] = {}
    for feed, expected in sets:
        actual = infer(context, {**feed, **state})  # the state that it gave itself, with whatever error there is
        assert largest_error(actual, expected) <= TOLERANCE
        state = {RECURRENT[name][key]: actual[key] for key in RECURRENT[name]}


def output_step(model: onnx.ModelProto, output: str) -> float:
    """The largest step of the quantised values that an output is computed from."""
    known = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    producers = {name: node for node in model.graph.node for name in node.output}
    steps = []
    wanted = [output]
    while wanted:
        node = producers.get(wanted.pop())
        if node is not None and node.op_type == "DequantizeLinear":
            scale = known.get(node.input[1])
            steps += [float(scale)] if scale is not None and scale.size == 1 and node.input[0] not in known else []
        elif node is not None:
            wanted += node.input
    return max(steps)


@needs_models
@pytest.mark.slow
@pytest.mark.parametrize("name", QUANTIZED)
def test_quantized_network_stays_within_two_steps_of_its_reference(name: str) -> None:
    model, profile, sets = model_and_profile(name)
    graph = onnx.load_from_string(model)
    context = load(build_plan(model, profile, level=1)).create_execution_context()
    for feed, expected in sets:
        actual = infer(context, feed)
        for key, reference in expected.items():
            close = np.abs(actual[key] - reference) <= 2 * output_step(graph, key) * (
                1 + 1e-6
            )  # steps are counted in float32
            assert close.mean() >= QUANTIZED[name]
            if name in BEST:
                np.testing.assert_array_equal(BEST[name](actual[key]), BEST[name](reference))


@needs_models
def test_every_network_is_tested() -> None:
    tested = [*FAST, *SLOW, *HALF, *RECURRENT, *QUANTIZED]
    assert sorted(tested) == sorted(folder.parent.name for folder in MODELS.glob("*/model.onnx"))


@needs_models
def test_one_engine_serves_batches_of_1_3_and_8() -> None:
    model, _, sets = model_and_profile("resnet20_cifar10")
    single = [(feed, expected) for feed, expected in sets if next(iter(feed.values())).shape[0] == 1]
    image, logits = next(iter(single[0][0].items())), next(iter(single[0][1].items()))
    profile = {image[0]: ((1, 3, 32, 32), (3, 3, 32, 32), (8, 3, 32, 32))}
    context = load(build_plan(model, profile, level=1)).create_execution_context()
    for batch in (1, 3, 8):
        actual = infer(context, {image[0]: np.repeat(image[1], batch, axis=0)})
        assert largest_error(actual, {logits[0]: np.repeat(logits[1], batch, axis=0)}) <= TOLERANCE


@needs_models
@pytest.mark.slow
def test_the_brain_network_serves_batches_of_1_2_and_4() -> None:
    model, _, sets = model_and_profile("brain_unet")
    feed, expected = next((f, e) for f, e in sets if next(iter(f.values())).shape[0] == 1)
    (name, image), (output, mask) = next(iter(feed.items())), next(iter(expected.items()))
    context = load(
        build_plan(model, {name: ((1, 3, 256, 256), (1, 3, 256, 256), (4, 3, 256, 256))}, level=1)
    ).create_execution_context()
    for batch in (1, 2, 4):
        actual = infer(context, {name: np.repeat(image, batch, axis=0)})
        assert largest_error(actual, {output: np.repeat(mask, batch, axis=0)}) <= TOLERANCE
