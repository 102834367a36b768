"""Networks built layer by layer: shapes, attributes, and what happens when things do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from engines import CollectingLogger


class Workshop:
    """A network with its logger."""

    def __init__(self) -> None:
        self.logger = CollectingLogger()
        self.builder = trt.Builder(self.logger)
        self.network = self.builder.create_network(0)
        self.config = self.builder.create_builder_config()

    def input(self, *shape: int, name: str = "x", dtype: Any = trt.float32) -> Any:
        return self.network.add_input(name, dtype, shape)

    def constant(self, array: Any) -> Any:
        array = np.asarray(array)
        return self.network.add_constant(array.shape, array).get_output(0)

    def supported(self) -> bool:
        return bool(self.builder.is_network_supported(self.network, self.config))


@pytest.fixture
def shop() -> Workshop:
    return Workshop()


def weights(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def shape(layer: Any) -> tuple[int, ...]:
    return tuple(layer.get_output(0).shape)


def test_inputs_and_outputs_are_counted_and_named(shop: Workshop) -> None:
    x = shop.input(1, 3, 8, 8)
    layer = shop.network.add_activation(x, trt.ActivationType.RELU)
    y = layer.get_output(0)
    y.name = "y"
    shop.network.mark_output(tensor=y)
    assert (shop.network.num_inputs, shop.network.num_layers, shop.network.num_outputs) == (1, 1, 1)
    assert (shop.network.get_input(0).name, shop.network.get_output(0).name) == ("x", "y")
    assert x.is_network_input and y.is_network_output and not y.is_network_input
    shop.network.unmark_output(y)
    assert shop.network.num_outputs == 0
    assert shop.network.get_input(1) is None and shop.network.get_layer(-1) is None


def test_the_same_node_is_the_same_object(shop: Workshop) -> None:
    x = shop.input(2)
    layer = shop.network.add_identity(x)
    assert shop.network.get_input(0) is x
    assert layer.get_input(0) is x
    assert shop.network.get_layer(0) is layer
    assert len({x, shop.network.get_input(0), layer.get_input(0)}) == 1


def test_layers_come_as_their_own_class(shop: Workshop) -> None:
    x = shop.input(1, 3, 8, 8)
    shop.network.add_convolution_nd(x, 4, (3, 3), weights(4, 3, 3, 3))
    shop.network.add_softmax(x)
    layer = shop.network.get_layer(0)
    assert isinstance(layer, trt.IConvolutionLayer)
    assert isinstance(layer, trt.ILayer)
    layer.__class__ = trt.IConvolutionLayer  # what Polygraphy does
    assert layer.num_output_maps == 4
    assert [type(entry).__name__ for entry in shop.network] == ["IConvolutionLayer", "ISoftMaxLayer"]
    assert shop.network[-1].type == trt.LayerType.SOFTMAX
    with pytest.raises(IndexError):
        shop.network[2]


def test_every_public_attribute_of_every_layer_can_be_read(shop: Workshop) -> None:
    x = shop.input(1, 4, 8, 8)
    net = shop.network
    net.add_convolution_nd(x, 4, (3, 3), weights(4, 4, 3, 3))
    net.add_deconvolution_nd(x, 4, (2, 2), weights(4, 4, 2, 2))
    net.add_pooling_nd(x, trt.PoolingType.MAX, (2, 2))
    net.add_activation(x, trt.ActivationType.CLIP)
    net.add_scale(x, trt.ScaleMode.UNIFORM, weights(1), weights(1))
    net.add_softmax(x)
    net.add_concatenation([x, x])
    net.add_elementwise(x, x, trt.ElementWiseOperation.SUM)
    net.add_unary(x, trt.UnaryOperation.ABS)
    net.add_reduce(x, trt.ReduceOperation.AVG, 0b1100, True)
    net.add_topk(x, trt.TopKOperation.MAX, 2, 0b10)
    net.add_gather(x, shop.constant(np.array([0], np.int32)), 1)
    net.add_shuffle(x)
    net.add_slice(x, (0, 0, 0, 0), (1, 1, 1, 1), (1, 1, 1, 1))
    net.add_padding_nd(x, (1, 2), (3, 4))
    net.add_resize(x)
    net.add_matrix_multiply(x, trt.MatrixOperation.NONE, x, trt.MatrixOperation.TRANSPOSE)
    net.add_cast(x, trt.float16)
    net.add_identity(x)
    net.add_shape(x)
    net.add_parametric_relu(x, x)
    condition = net.add_elementwise(x, x, trt.ElementWiseOperation.LESS).get_output(0)
    net.add_select(condition, x, x)
    assert shop.logger.errors() == []
    assert None not in list(net)
    for layer in net:
        for name in dir(layer):
            if not name.startswith("_"):
                getattr(layer, name)


def test_convolution_attributes_reach_the_shape(shop: Workshop) -> None:
    layer = shop.network.add_convolution_nd(
        shop.input(2, 4, 17, 33), 8, (3, 5), kernel=weights(8, 4, 3, 5), bias=weights(8)
    )
    assert shape(layer) == (2, 8, 15, 29)
    layer.stride_nd = (2, 3)
    assert shape(layer) == (2, 8, 8, 10)
    layer.padding_nd = (1, 2)
    assert shape(layer) == (2, 8, 9, 11)
    layer.dilation_nd = (2, 2)
    assert shape(layer) == (2, 8, 8, 10)
    layer.padding_mode = trt.PaddingMode.SAME_UPPER
    assert shape(layer) == (2, 8, 9, 11)
    assert (layer.kernel_size_nd, layer.kernel_size) == ((3, 5), (3, 5))
    assert layer.kernel.size == 8 * 4 * 3 * 5 and layer.bias.tolist() == [1] * 8


def test_convolution_in_the_old_spelling(shop: Workshop) -> None:
    layer = shop.network.add_convolution(shop.input(1, 1, 28, 28), 20, (5, 5), weights(20, 1, 5, 5), weights(20))
    layer.stride = (2, 2)
    layer.padding = trt.DimsHW(2, 2)
    assert shape(layer) == (1, 20, 14, 14)
    assert (layer.stride.h, layer.stride_nd) == (2, (2, 2))


def test_groups_may_be_set_after_the_kernel(shop: Workshop) -> None:
    layer = shop.network.add_convolution_nd(shop.input(1, 8, 5, 5), 8, (3, 3), weights(8, 1, 3, 3))
    layer.num_groups = 8
    assert shape(layer) == (1, 8, 3, 3)


def test_a_kernel_may_be_a_tensor(shop: Workshop) -> None:
    x = shop.input(1, 3, 8, 8)
    layer = shop.network.add_convolution_nd(x, 4, (3, 3), trt.Weights())
    assert layer is not None, shop.logger.errors()
    layer.set_input(1, shop.constant(weights(4, 3, 3, 3)))
    assert shape(layer) == (1, 4, 6, 6)
    assert layer.num_inputs == 2


def test_a_window_larger_than_its_input_waits_for_padding(shop: Workshop) -> None:
    pool = shop.network.add_pooling_nd(shop.input(1, 1, 2, 2), trt.PoolingType.MAX, (3, 3))
    assert pool is not None
    shop.network.mark_output(pool.get_output(0))
    assert not shop.supported()
    assert "Pooling" in trt.last_error()
    pool.padding_nd = (1, 1)
    assert shape(pool) == (1, 1, 2, 2)
    assert shop.supported()


def test_a_concatenation_waits_for_its_axis(shop: Workshop) -> None:
    layer = shop.network.add_concatenation([shop.input(2, 3, name="a"), shop.input(2, 5, name="b")])
    assert layer.axis == 0  # TensorRT's default
    layer.axis = 1
    assert shape(layer) == (2, 8)


def test_a_slice_waits_for_its_mode(shop: Workshop) -> None:
    layer = shop.network.add_slice(shop.input(4, 4), (-1, -1), (6, 6), (1, 1))
    layer.mode = trt.SampleMode.FILL
    assert shape(layer) == (6, 6)
    assert layer.start == (-1, -1)


def test_a_slices_fill_value_may_come_before_its_mode(shop: Workshop) -> None:
    layer = shop.network.add_slice(shop.input(4, 4), (-1, -1), (6, 6), (1, 1))
    layer.set_input(4, shop.constant(np.float32(7)))
    layer.mode = trt.SampleMode.FILL
    shop.network.mark_output(layer.get_output(0))
    assert layer.num_inputs == 5 and layer.get_input(2) is None
    assert shop.supported() and shop.logger.errors() == []


def test_an_input_that_does_not_fit_is_refused_at_once(shop: Workshop) -> None:
    a, b = shop.input(2, 3, name="a"), shop.input(3, name="b")
    layer = shop.network.add_elementwise(a, a, trt.ElementWiseOperation.SUM)
    layer.set_input(1, b)
    assert layer.get_input(1) is a and "'b'" in shop.logger.errors()[0]
    layer.set_input(99, a)
    assert "no input 99" in shop.logger.errors()[1]
    layer.set_input(1, Workshop().input(2, 3))
    assert "another network" in shop.logger.errors()[2]


def test_a_rank_that_no_shape_has_is_refused(shop: Workshop) -> None:
    unknown = shop.network.add_shuffle(shop.input(2))
    unknown.set_input(1, shop.network.add_shape(shop.input(2, name="like")).get_output(0))
    assert shop.network.add_input("y", trt.float32, unknown.reshape_dims) is None
    assert "rank -1" in shop.logger.errors()[0]


def test_shuffle_transposes_and_reshapes(shop: Workshop) -> None:
    layer = shop.network.add_shuffle(shop.input(2, 3, 4))
    layer.first_transpose = (1, 0, 2)
    layer.reshape_dims = (0, -1)
    assert shape(layer) == (3, 8)
    layer.second_transpose = trt.Permutation((1, 0))
    assert shape(layer) == (8, 3)
    assert layer.reshape_dims == (0, -1)


def test_reshape_dimensions_may_be_computed(shop: Workshop) -> None:
    x = shop.input(-1, 6)
    layer = shop.network.add_shuffle(x)
    layer.set_input(1, shop.network.add_shape(shop.input(-1, 2, 3, name="like")).get_output(0))
    assert shape(layer) == (-1, 2, 3)


def test_resize_by_shape_or_scales(shop: Workshop) -> None:
    layer = shop.network.add_resize(shop.input(1, 3, 4, 5))
    assert shape(layer) == (1, 3, 4, 5)
    layer.scales = [1, 1, 2, 2]
    assert shape(layer) == (1, 3, 8, 10)
    layer.shape = (1, 3, 7, 9)
    assert shape(layer) == (1, 3, 7, 9)
    assert layer.scales == []
    layer.resize_mode = trt.ResizeMode.LINEAR
    layer.align_corners = True
    assert layer.coordinate_transformation == trt.ResizeCoordinateTransformation.ALIGN_CORNERS


@pytest.mark.parametrize("height", [5, -1])
def test_padding_grows_the_last_two_dimensions(shop: Workshop, height: int) -> None:
    layer = shop.network.add_padding_nd(shop.input(1, 2, height, 7), (1, 2), (3, 4))
    assert isinstance(layer, trt.IPaddingLayer) and layer.type == trt.LayerType.PADDING
    grown = -1 if height < 0 else 9
    assert shape(layer) == (1, 2, grown, 13)
    assert (layer.pre_padding_nd, layer.post_padding_nd[1]) == ((1, 2), 4)
    layer.post_padding_nd = (0, -7)
    assert shape(layer) == (1, 2, -1 if height < 0 else 6, 2)


def test_topk_has_two_outputs(shop: Workshop) -> None:
    layer = shop.network.add_topk(shop.input(2, 9), trt.TopKOperation.MAX, 3, 1 << 1)
    assert [tuple(layer.get_output(i).shape) for i in range(layer.num_outputs)] == [(2, 3), (2, 3)]
    assert [layer.get_output(i).dtype for i in range(2)] == [trt.float32, trt.int32]
    assert layer.get_output(2) is None


def test_types_flow_and_can_be_set(shop: Workshop) -> None:
    x = shop.input(2, 3, dtype=trt.float16)
    assert shop.network.add_unary(x, trt.UnaryOperation.NEG).get_output(0).dtype == trt.float16
    assert shop.network.add_cast(x, trt.int32).get_output(0).dtype == trt.int32
    assert shop.network.add_shape(x).get_output(0).dtype == trt.int64
    x.dtype = trt.int32
    assert shop.network.get_layer(0).get_output(0).dtype == trt.int32


def test_another_floating_type_of_an_input_or_output_stays_at_the_edge(shop: Workshop) -> None:
    x = shop.input(2, 3)
    layer = shop.network.add_elementwise(x, shop.constant(np.ones((2, 3), np.float32)), trt.ElementWiseOperation.SUM)
    x.dtype = trt.float16  # would not fit the constant if it flowed on
    y = layer.get_output(0)
    assert (x.dtype, y.dtype) == (trt.float16, trt.float32)
    y.dtype = trt.float16
    z = shop.network.add_unary(y, trt.UnaryOperation.NEG).get_output(0)
    assert (y.dtype, z.dtype) == (trt.float16, trt.float32)
    x.dtype = trt.float32
    assert x.dtype == trt.float32


def test_an_input_is_no_output_by_itself(shop: Workshop) -> None:
    x = shop.input(2, 3)
    shop.network.mark_output(x)
    assert shop.network.num_outputs == 0
    assert "Identity" in trt.last_error()


def test_an_identity_layer_casts_through_its_output_type(shop: Workshop) -> None:
    layer = shop.network.add_identity(shop.input(2))
    layer.set_output_type(0, trt.float16)
    assert layer.output_type_is_set(0)
    assert layer.get_output(0).dtype == trt.float16


def test_precision_is_a_wish_that_is_kept(shop: Workshop) -> None:
    layer = shop.network.add_identity(shop.input(2))
    assert not layer.precision_is_set
    layer.precision = trt.float16
    assert layer.precision_is_set and layer.precision == trt.float16
    layer.reset_precision()
    assert not layer.precision_is_set


def test_an_inputs_shape_can_change_later(shop: Workshop) -> None:
    x = shop.input(1, 4)
    layer = shop.network.add_elementwise(x, x, trt.ElementWiseOperation.PROD)
    x.shape = (-1, 6)
    assert shape(layer) == (-1, 6)


def test_shape_tensors_know_their_values(shop: Workshop) -> None:
    x = shop.input(-1, 4)
    assert shop.network.add_shape(x).get_output(0).is_shape_tensor
    assert not x.is_shape_tensor and x.is_execution_tensor


def test_dimension_names_tie_dimensions_together(shop: Workshop) -> None:
    a = shop.input(-1, 4, name="a")
    b = shop.input(-1, 4, name="b")
    for tensor in (a, b):
        tensor.set_dimension_name(0, "batch")
    assert a.get_dimension_name(0) == "batch" and a.get_dimension_name(1) is None


# What does not fit: None (or an unchanged object), one sentence, and the network goes on.


def test_ranks_that_differ_are_refused_with_both_shapes(shop: Workshop) -> None:
    layer = shop.network.add_elementwise(
        shop.input(2, 3, name="a"), shop.input(3, name="b"), trt.ElementWiseOperation.SUM
    )
    assert layer is None
    (sentence,) = shop.logger.errors()
    assert "'a'" in sentence and "'b'" in sentence and "ElementWise" in sentence
    assert shop.network.num_layers == 0
    assert trt.last_error() == sentence


@pytest.mark.parametrize(
    ("add", "word"),
    [
        (lambda n, x: n.add_convolution_nd(x, 4, (3, 3), weights(5)), "kernel"),
        (lambda n, x: n.add_reduce(x, trt.ReduceOperation.SUM, 0, True), "axes"),
        (lambda n, x: n.add_constant((2, 2), weights(3)), "3"),
        (lambda n, x: n.add_concatenation([]), "one or more inputs"),
        (lambda n, x: n.add_input("x", trt.float32, (1,)), "'x'"),
        (lambda n, x: n.add_padding_nd(x, (1,), (1,)), "Padding"),
        (
            lambda n, x: n.add_matrix_multiply(x, trt.MatrixOperation.NONE, x, trt.MatrixOperation.NONE),
            "MatrixMultiply",
        ),
    ],
)
def test_a_refused_call_gives_none_and_one_sentence(shop: Workshop, add: Any, word: str) -> None:
    x = shop.input(1, 3, 8, 9)
    assert add(shop.network, x) is None
    (sentence,) = shop.logger.errors()
    assert word in sentence and sentence.endswith(".")


def test_a_wrong_keyword_is_a_type_error(shop: Workshop) -> None:
    with pytest.raises(TypeError):
        shop.network.add_activation(shop.input(2), kind=trt.ActivationType.RELU)
    with pytest.raises(TypeError):
        shop.network.add_activation(None, trt.ActivationType.RELU)


def test_a_tensor_of_another_network_is_refused(shop: Workshop) -> None:
    other = Workshop()
    assert shop.network.add_elementwise(shop.input(2), other.input(2), trt.ElementWiseOperation.SUM) is None
    assert "network" in shop.logger.errors()[0]


def test_a_taken_name_is_refused_and_the_old_one_stays(shop: Workshop) -> None:
    shop.input(2, name="a")
    b = shop.input(2, name="b")
    b.name = "a"
    assert b.name == "b" and "'a'" in shop.logger.errors()[0]


def test_only_linear_edges_are_offered(shop: Workshop) -> None:
    x = shop.input(2)
    x.allowed_formats = 1 << int(trt.TensorFormat.CHW4)
    assert "LINEAR" in shop.logger.errors()[0] and x.allowed_formats == 1


def test_failures_raise_when_asked_to(shop: Workshop) -> None:
    trt.set_raise_on_error(True)
    try:
        with pytest.raises(RuntimeError, match="ElementWise"):
            shop.network.add_elementwise(
                shop.input(2, 3, name="a"), shop.input(3, name="b"), trt.ElementWiseOperation.SUM
            )
    finally:
        trt.set_raise_on_error(False)
    assert shop.network.add_unary(shop.network.get_input(0), trt.UnaryOperation.ABS) is not None


def test_unknown_creation_flags_are_named_in_a_warning(shop: Workshop) -> None:
    shop.builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    assert shop.logger.messages == []
    shop.builder.create_network(1 << 30 | 1 << 9 | 1)
    ((severity, sentence),) = shop.logger.messages
    assert severity == trt.ILogger.Severity.WARNING
    assert "bits 9, 30" in sentence


def test_a_missing_batch_dimension_is_called_that(shop: Workshop) -> None:
    x = shop.input(3, 8, 8)
    hint = "Networks here always have explicit batch: declare the input as [N, C, ...]."
    assert shop.network.add_pooling_nd(x, trt.PoolingType.MAX, (2, 2)) is None
    assert trt.last_error().endswith(hint)
    assert shop.network.add_convolution_nd(shop.input(8, 8, name="y"), 1, (1, 1), weights(1, 8, 1, 1)) is None
    assert hint not in trt.last_error()  # two dimensions short
