"""Real networks on real inputs give their reference outputs, each data set, one engine per network."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from engines import Array, Shapes, build_plan, infer, load
from onnx import numpy_helper

from bench.arrays import largest_error
from bench.datasets import DataSet, load_model
from bench.engines import profile_shapes

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


def model_and_profile(name: str) -> tuple[bytes, dict[str, Shapes], list[DataSet]]:
    model = load_model(MODELS / name)
    dynamic = any(any(open_dims) for open_dims in model.dynamic.values())
    profile: dict[str, Any] = {key: tuple(profile_shapes(model, key)) for key in model.dynamic} if dynamic else {}
    return model.path.read_bytes(), profile, model.sets


def check(name: str, tolerance: float = TOLERANCE) -> None:
    model, profile, sets = model_and_profile(name)
    context = load(build_plan(model, profile, level=1)).create_execution_context()
    for data in sets:
        assert largest_error(infer(context, data.inputs), data.outputs) <= tolerance


# Quick by kernels of the host, slow by lavapipe's shaders.
BY_SHADERS = "host_kernels" in os.environ.get("TENSORVK_DISABLE", "").split(",")
SLOW_BY_SHADERS = [pytest.mark.slow] if BY_SHADERS else []


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
    for data in sets:
        actual = infer(context, {**data.inputs, **state})  # the state that it gave itself, with whatever error there is
        assert largest_error(actual, data.outputs) <= TOLERANCE
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


def share_within_two_steps(model: onnx.ModelProto, output: str, actual: Array, reference: Array) -> float:
    """Of an output's elements; steps are counted in float32."""
    return float((np.abs(actual - reference) <= 2 * output_step(model, output) * (1 + 1e-6)).mean())


@needs_models
@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW_BY_SHADERS) for name in QUANTIZED])
def test_quantized_network_stays_within_two_steps_of_its_reference(name: str) -> None:
    model, profile, sets = model_and_profile(name)
    graph = onnx.load_from_string(model)
    context = load(build_plan(model, profile, level=1)).create_execution_context()
    for data in sets:
        actual = infer(context, data.inputs)
        for key, reference in data.outputs.items():
            assert share_within_two_steps(graph, key, actual[key], reference) >= QUANTIZED[name]
            if name in BEST:
                np.testing.assert_array_equal(BEST[name](actual[key]), BEST[name](reference))


@needs_models
def test_every_network_is_tested() -> None:
    tested = [*FAST, *SLOW, *HALF, *RECURRENT, *QUANTIZED]
    assert sorted(tested) == sorted(folder.parent.name for folder in MODELS.glob("*/model.onnx"))


def single_image(sets: list[DataSet]) -> tuple[tuple[str, Array], tuple[str, Array]]:
    """Name and array of the one input and output of the first data set that has a batch of one."""
    data = next(d for d in sets if next(iter(d.inputs.values())).shape[0] == 1)
    return next(iter(data.inputs.items())), next(iter(data.outputs.items()))


@needs_models
def test_one_engine_serves_batches_of_1_3_and_8() -> None:
    model, _, sets = model_and_profile("resnet20_cifar10")
    image, logits = single_image(sets)
    profile = {image[0]: ((1, 3, 32, 32), (3, 3, 32, 32), (8, 3, 32, 32))}
    context = load(build_plan(model, profile, level=1)).create_execution_context()
    for batch in (1, 3, 8):
        actual = infer(context, {image[0]: np.repeat(image[1], batch, axis=0)})
        assert largest_error(actual, {logits[0]: np.repeat(logits[1], batch, axis=0)}) <= TOLERANCE


@needs_models
@pytest.mark.slow
def test_the_brain_network_serves_batches_of_1_2_and_4() -> None:
    model, _, sets = model_and_profile("brain_unet")
    (name, image), (output, mask) = single_image(sets)
    context = load(
        build_plan(model, {name: ((1, 3, 256, 256), (1, 3, 256, 256), (4, 3, 256, 256))}, level=1)
    ).create_execution_context()
    for batch in (1, 2, 4):
        actual = infer(context, {name: np.repeat(image, batch, axis=0)})
        assert largest_error(actual, {output: np.repeat(mask, batch, axis=0)}) <= TOLERANCE
