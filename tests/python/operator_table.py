"""The one table of ONNX operators: support matrix, correctness tests and operator benchmarks are all driven by it.

A row is one node with its inputs. Shapes are chosen odd on purpose (1, 3, 17, 33): they are where kernels for powers of two break.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from operator_row import Array, Row
from operator_row import f32 as _f32
from operator_row import i64 as _i64
from operator_row import scalar as _f
from operator_rows_data import DATA
from operator_rows_spatial import SPATIAL, SPATIAL_DYNAMIC

IMAGE = (2, 3, 17, 33)
UNARY = ["Abs", "Ceil", "Cos", "Elu", "Erf", "Exp", "Floor", "HardSigmoid", "LeakyRelu", "Neg", "Relu", "Round", "Selu", "Sigmoid", "Sign",
         "Sin", "Softplus", "Softsign", "Tan", "Tanh", "ThresholdedRelu", "Identity", "Sinh", "Cosh", "Atan", "Asinh", "HardSwish"]  # fmt: skip
BINARY = ["Add", "Sub", "Mul", "Div", "Max", "Min"]
REDUCTIONS = [
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceSumSquare",
]

POINTWISE = [
    *(Row(op, (IMAGE,)) for op in UNARY),
    *(Row(op, (shape,)) for op in ("Relu", "Sigmoid") for shape in ((), (1,), (17,), (3, 0, 5), (1, 1, 1, 1), (2, 3, 4, 5, 6))),
    Row("Log", (IMAGE,), low=0.1),
    Row("Sqrt", (IMAGE,), low=0.0),
    Row("Reciprocal", (IMAGE,), low=0.5),
    Row("Asin", (IMAGE,), low=-0.9, high=0.9),
    *(Row(op, (IMAGE,), low=-1000.0, high=1000.0, note="wide") for op in ("Sin", "Cos", "Tan")),
    Row("Acos", (IMAGE,), low=-0.9, high=0.9),
    Row("Acosh", (IMAGE,), low=1.1),
    Row("Atanh", (IMAGE,), low=-0.9, high=0.9),
    *(Row(op, (IMAGE, IMAGE), low=0.5) for op in BINARY),
    *(Row("Add", shapes) for shapes in (((2, 3, 17, 33), (1, 3, 1, 1)), ((3, 1), (1, 4)), ((5,), (2, 3, 5)), ((2, 1, 4), (3, 1)), ((), (7,)))),
    Row("Pow", (IMAGE,), constants=(_f(2.0),)),
    Row("Pow", (IMAGE, IMAGE), low=0.2, tolerance=3e-5),
    Row("Clip", (IMAGE,), constants=(_f(-0.5), _f(0.75))),
    Row("Clip", (IMAGE,), {"min": -0.5, "max": 0.75}, opset=7, note="attributes"),
    Row("PRelu", (IMAGE,), constants=(_f32(3, 1, 1),)),
    Row("Sum", ((3, 4), (3, 4), (1, 4))),
    Row("Mean", ((3, 4), (3, 4))),
    Row("Softmax", ((3, 17),), {"axis": -1}),
    Row("Softmax", (IMAGE,), {"axis": 1}),
    Row("Softmax", ((5, 1000),), {"axis": 1}, note="long"),
    Row("LogSoftmax", ((3, 17),), {"axis": 1}),
    Row("Softmax", ((2, 3, 4),), {"axis": 1}, opset=11, note="flattens"),
]  # fmt: skip

WINDOWS = [
    *(
        Row("Conv", (x,), attributes, (_f32(*w), *((_f32(w[0]),) if bias else ())), note=note, tolerance=2e-5)
        for note, x, w, attributes, bias in [
            ("3x3", (2, 3, 17, 33), (5, 3, 3, 3), {"pads": [1, 1, 1, 1]}, True),
            ("1x1", (1, 33, 7, 9), (17, 33, 1, 1), {}, True),
            ("stride", (1, 4, 17, 33), (8, 4, 3, 3), {"strides": [2, 3], "pads": [1, 0, 2, 1]}, True),
            ("dilation", (1, 8, 19, 19), (8, 8, 3, 3), {"dilations": [2, 3], "pads": [2, 3, 2, 3]}, False),
            ("groups", (2, 6, 9, 9), (9, 2, 3, 3), {"group": 3, "pads": [1, 1, 1, 1]}, True),
            ("depthwise", (1, 17, 12, 13), (17, 1, 3, 3), {"group": 17, "pads": [1, 1, 1, 1]}, True),
            ("depthwise4", (1, 32, 12, 13), (32, 1, 5, 5), {"group": 32, "strides": [2, 2], "pads": [2, 2, 2, 2]}, True),
            ("same", (1, 3, 10, 11), (4, 3, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, False),
            ("same_lower", (1, 3, 10, 11), (4, 3, 2, 2), {"auto_pad": "SAME_LOWER"}, False),
            ("1d", (2, 5, 33), (7, 5, 3), {"pads": [1, 1]}, True),
            ("1d_groups", (1, 6, 40), (6, 1, 5), {"group": 6, "strides": [2]}, True),
            ("3d", (1, 3, 5, 6, 7), (4, 3, 3, 3, 3), {"pads": [1, 1, 1, 1, 1, 1]}, True),
            ("one_pixel", (1, 16, 1, 1), (16, 16, 1, 1), {}, True),
            ("wide", (1, 64, 14, 14), (64, 64, 3, 3), {"pads": [1, 1, 1, 1]}, True),
        ]
    ),
    *(
        Row("ConvTranspose", (x,), attributes, (_f32(*w), *((_f32(w[1] * attributes.get("group", 1)),) if bias else ())), note=note, tolerance=2e-5)
        for note, x, w, attributes, bias in [
            ("2x2", (2, 8, 5, 7), (8, 4, 2, 2), {"strides": [2, 2]}, True),
            ("3x3", (1, 5, 6, 5), (5, 3, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}, True),
            ("groups", (1, 6, 5, 5), (6, 2, 3, 3), {"group": 3}, False),
            ("1d", (1, 4, 9), (4, 3, 4), {"strides": [2], "pads": [1, 1]}, True),
        ]
    ),
    *(
        Row(op, (x,), attributes, note=note)
        for op, note, x, attributes in [
            ("MaxPool", "2x2", (2, 3, 17, 33), {"kernel_shape": [2, 2], "strides": [2, 2]}),
            ("MaxPool", "3x3", (1, 8, 17, 17), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
            ("MaxPool", "ceil", (1, 3, 16, 16), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
            ("MaxPool", "dilation", (1, 3, 16, 16), {"kernel_shape": [3, 3], "dilations": [2, 2]}),
            ("MaxPool", "1d", (1, 3, 17), {"kernel_shape": [3], "strides": [2]}),
            ("AveragePool", "2x2", (2, 3, 17, 33), {"kernel_shape": [2, 2], "strides": [2, 2]}),
            ("AveragePool", "exclude", (1, 4, 9, 9), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
            ("AveragePool", "include", (1, 4, 9, 9), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
            ("AveragePool", "ceil", (1, 4, 10, 10), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
            ("GlobalAveragePool", "", (2, 17, 9, 7), {}),
            ("GlobalMaxPool", "", (2, 16, 9, 7), {}),
        ]
    ),
    Row("BatchNormalization", (IMAGE,), {"epsilon": 1e-3}, (_f32(3), _f32(3, seed=1), _f32(3, seed=2), np.abs(_f32(3, seed=3)) + 0.5)),
]  # fmt: skip

MOVEMENT = [
    Row("Concat", ((2, 3, 5, 7), (2, 1, 5, 7), (2, 4, 5, 7)), {"axis": 1}),
    Row("Concat", ((2, 3), (2, 3)), {"axis": -1}),
    Row("Concat", ((1, 3, 4), (1, 0, 4)), {"axis": 1}, note="empty"),
    Row("Slice", ((2, 9, 7),), constants=(_i64(1, 2), _i64(8, -1), _i64(1, 2), _i64(2, 1))),
    Row("Slice", ((5, 6),), constants=(_i64(-1, 4), _i64(-6, 0), _i64(0, 1), _i64(-1, -2)), note="backwards"),
    Row("Reshape", ((2, 3, 4),), constants=(_i64(0, -1),)),
    Row("Flatten", ((2, 3, 4, 5),), {"axis": 2}),
    Row("Squeeze", ((1, 3, 1, 5),), constants=(_i64(0, 2),)),
    Row("Unsqueeze", ((3, 5),), constants=(_i64(0, 3),)),
    Row("Transpose", ((2, 3, 4, 5),), {"perm": [0, 2, 3, 1]}),
    Row("Transpose", ((3, 4, 5),), {"perm": [2, 0, 1]}),
    Row("Transpose", ((17, 33),)),
    Row("Expand", ((3, 1),), constants=(_i64(2, 1, 6),)),
    Row("Tile", ((2, 3),), constants=(_i64(2, 3),)),
    Row("Gather", ((5, 7),), {"axis": 1}, (np.array([[0, -1], [3, 2]], np.int64),)),
    Row("Gather", ((5, 7, 3),), {"axis": 0}, (np.array(2, np.int64),), note="scalar"),
    Row("Pad", ((2, 3, 5, 6),), constants=(_i64(0, 0, 1, 2, 0, 0, 3, 0), _f(1.5))),
    Row("Pad", ((1, 2, 5, 6),), {"mode": "reflect"}, (_i64(0, 0, 2, 1, 0, 0, 1, 2),), note="reflect"),
    Row("Pad", ((1, 2, 5, 6),), {"mode": "edge"}, (_i64(0, 0, 2, 1, 0, 0, 1, 2),), note="edge"),
    Row("Split", ((4, 9),), {"axis": 1}, (_i64(2, 3, 4),), outputs=3, opset=13),
    Row("DepthToSpace", ((1, 8, 3, 5),), {"blocksize": 2}),
    Row("DepthToSpace", ((1, 8, 3, 5),), {"blocksize": 2, "mode": "CRD"}, note="CRD"),
    Row("SpaceToDepth", ((1, 3, 4, 6),), {"blocksize": 2}),
    Row("Cast", ((3, 5),), {"to": TensorProto.INT32}, low=-9, high=9),
    Row("Cast", ((3, 5),), {"to": TensorProto.FLOAT}, dtype=np.int32, low=-9, high=9, note="from_int"),
    *(
        Row("Resize", ((1, 3, 7, 9),), attributes, (np.array([], np.float32), np.array([1, 1, *scales], np.float32)), note=note, tolerance=tolerance)
        for note, scales, attributes, tolerance in [
            ("nearest", (2, 2), {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, 1e-6),
            ("nearest_half", (2, 3), {"mode": "nearest"}, 1e-6),
            ("linear", (2, 2), {"mode": "linear"}, 1e-5),
            ("linear_down", (0.6, 0.5), {"mode": "linear"}, 1e-5),
            ("linear_corners", (2, 2), {"mode": "linear", "coordinate_transformation_mode": "align_corners"}, 1e-5),
            ("linear_pytorch", (2, 2), {"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"}, 1e-5),
            ("cubic", (2, 2), {"mode": "cubic"}, 1e-5),
        ]
    ),
    Row("Resize", ((1, 3, 7, 9),), {"mode": "linear"}, (np.array([], np.float32), np.array([], np.float32), _i64(1, 3, 10, 5)), note="sizes"),
]  # fmt: skip

PRODUCTS = [
    *(Row("MatMul", shapes, tolerance=2e-5) for shapes in (((17, 33), (33, 5)), ((2, 3, 4, 5), (2, 3, 5, 6)), ((2, 4, 5), (5, 6)), ((5,), (5, 3)), ((3, 5), (5,)), ((1, 1), (1, 1)))),
    Row("MatMul", ((33, 64),), constants=(_f32(64, 65),), note="weights", tolerance=2e-5),
    Row("Gemm", ((7, 17),), {"transB": 1, "alpha": 0.5, "beta": 2.0}, (_f32(9, 17), _f32(9)), tolerance=2e-5),
    Row("Gemm", ((17, 7), (17, 9)), {"transA": 1}, tolerance=2e-5),
    *(Row(op, ((2, 3, 5, 7),), {"axes": [1, 3], "keepdims": keep}, opset=11, note=f"keep{keep}", tolerance=2e-5) for op in REDUCTIONS for keep in (0, 1)),
    Row("ReduceSum", ((2, 3, 5),), {"keepdims": 0}, (_i64(-1),), opset=13, note="axes_input"),
    Row("ReduceMean", ((3, 1000),), {"axes": [1]}, opset=11, note="long"),
    Row("ArgMax", ((3, 17),), {"axis": 1, "keepdims": 0}),
    Row("ArgMax", ((2, 5, 7),), {"axis": 1}, note="middle"),
    Row("ArgMin", ((3, 17),), {"axis": -1}),
    Row("TopK", ((3, 17),), {"axis": -1}, (_i64(5),), outputs=2),
]  # fmt: skip

_BOOL = np.bool_
LOGIC = [
    *(Row(op, (IMAGE, IMAGE), dtype=_BOOL) for op in ("And", "Or", "Xor")),
    Row("Not", (IMAGE,), dtype=_BOOL),
    Row("Equal", (IMAGE, IMAGE), dtype=_BOOL, note="bool"),
    # The specials lead both operands: there these are equal, or not numbers.
    *(Row(op, (IMAGE, IMAGE), specials=(1.5, -0.0, np.nan, np.inf)) for op in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")),
    *(Row(op, (IMAGE, IMAGE), dtype=np.int32, low=-3, high=3, note="i32") for op in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")),
    Row("IsNaN", (IMAGE,), specials=(np.nan, np.inf, -np.inf, 0.0)),
    Row("IsInf", (IMAGE,), specials=(np.nan, np.inf, -np.inf, 0.0)),
    Row("IsInf", (IMAGE,), {"detect_positive": 0}, specials=(np.nan, np.inf, -np.inf, 0.0), note="negative"),
    Row("IsInf", (IMAGE,), {"detect_negative": 0}, specials=(np.nan, np.inf, -np.inf, 0.0), note="positive"),
    Row("Mod", (IMAGE, IMAGE), {"fmod": 1}),
    Row("Mod", (IMAGE, IMAGE), dtype=np.int32, low=1, high=9, note="i32"),
]  # fmt: skip

FUNCTIONS = [
    Row("Celu", (IMAGE,), {"alpha": 0.7}),
    Row("Gelu", (IMAGE,), opset=20),
    Row("Gelu", (IMAGE,), {"approximate": "tanh"}, opset=20, note="tanh"),
    Row("Mish", (IMAGE,), opset=18),
    Row("Shrink", (IMAGE,), {"lambd": 0.3, "bias": 0.2}),
    Row("Swish", (IMAGE,), {"alpha": 0.5}, opset=24),
    Row("Dropout", (IMAGE,), opset=13),
    Row("CastLike", (IMAGE,), constants=(np.array([1], np.int32),), opset=19),
    Row("ReduceLogSum", (IMAGE,), {"axes": [1]}, low=0.1, opset=11),
    Row("ReduceLogSumExp", (IMAGE,), {"axes": [1]}, opset=11),
    Row("ReduceLogSumExp", (IMAGE,), {"axes": [1]}, low=80, high=100, opset=11, note="large"),
    *(Row("LpNormalization", (IMAGE,), {"axis": 1, "p": p}, note=f"p{p}") for p in (1, 2)),
    Row("LRN", ((2, 7, 5, 6),), {"size": 3}),
    Row("LayerNormalization", (IMAGE,), {"axis": -1}, (_f32(33), _f32(33, seed=1))),
    Row("GroupNormalization", ((2, 6, 5, 7),), {"num_groups": 3}, (_f32(6), _f32(6, seed=1)), opset=21),
    Row("InstanceNormalization", (IMAGE,), {}, (_f32(3), _f32(3, seed=1))),
    Row("MeanVarianceNormalization", (IMAGE,), {"axes": [0, 2, 3]}, opset=13),
    Row("Attention", ((1, 3, 5, 8), (1, 3, 7, 8), (1, 3, 7, 9)), opset=23, tolerance=2e-5),
    Row("Attention", ((2, 4, 3, 6), (2, 2, 3, 6), (2, 2, 3, 6)), {"is_causal": 1}, opset=23, note="causal_grouped"),
    Row("RotaryEmbedding", ((2, 3, 5, 8),), {}, (_f32(2, 5, 4), _f32(2, 5, 4, seed=1)), opset=23),
    Row("RMSNormalization", (IMAGE,), {"axis": -1}, (_f32(33),), opset=23),
    Row("MaxPool", ((1, 4, 6, 6),), {"kernel_shape": [3, 3], "strides": [3, 3], "pads": [1, 1, 1, 1], "ceil_mode": 1}, note="ceil_pads"),
]  # fmt: skip

TABLE: list[Row] = [*POINTWISE, *WINDOWS, *MOVEMENT, *PRODUCTS, *LOGIC, *FUNCTIONS, *SPATIAL, *DATA]

# Operators without a row, and where they are tested instead.
ELSEWHERE = {
    "Bernoulli": "gives random numbers; test_random_numbers_are_spread_as_they_should_be",
    "CausalConvWithState": "is newer than ONNX Runtime and onnx's evaluator; test_conformance.py",
    "ConcatFromSequence": "takes a list of tensors; test_conformance.py",
    "Constant": "has no input; test_models.py",
    "ConstantOfShape": "its input is a shape; tests/cpp/onnx/operators_test.cpp",
    "If": "runs networks; test_data_dependent.py",
    "ImageDecoder": "takes an encoded image; test_image_decoder.py",
    "LinearAttention": "is newer than ONNX Runtime and onnx's evaluator; test_conformance.py",
    "Loop": "runs a network; test_data_dependent.py",
    "MelWeightMatrix": "takes five numbers of two types; test_conformance.py",
    "Multinomial": "gives random numbers; test_classes_are_drawn_as_often_as_they_should_be",
    "NonMaxSuppression": "takes boxes and scores that fit each other; test_conformance.py",
    "OptionalGetElement": "takes a tensor as it is; ONNX's node tests",
    "OptionalHasElement": "is true of every tensor; ONNX's node tests",
    "RandomNormal": "gives random numbers; test_random_numbers_are_spread_as_they_should_be",
    "RandomNormalLike": "gives random numbers; test_random_numbers_are_spread_as_they_should_be",
    "RandomUniform": "gives random numbers; test_random_numbers_are_spread_as_they_should_be",
    "RandomUniformLike": "gives random numbers; test_random_numbers_are_spread_as_they_should_be",
    "Range": "takes three numbers; test_conformance.py",
    "ScaledTanh": "left ONNX before opset 7; test_an_operator_that_left_onnx",
    "Scan": "runs a network; test_data_dependent.py",
    "SequenceAt": "takes a list of tensors; test_conformance.py",
    "SequenceConstruct": "makes a list of tensors; test_conformance.py",
    "SequenceEmpty": "makes a list of tensors; test_conformance.py",
    "SequenceErase": "takes a list of tensors; test_conformance.py",
    "SequenceInsert": "takes a list of tensors; test_conformance.py",
    "SequenceLength": "takes a list of tensors; test_conformance.py",
    "Shape": "gives numbers to the importer; tests/cpp/onnx/operators_test.cpp",
    "Size": "gives numbers to the importer; tests/cpp/onnx/operators_test.cpp",
    "SwiGLU": "stands for other operators; test_onnx_functions.py",
    "SplitToSequence": "makes a list of tensors; test_conformance.py",
    "Upsample": "went with opset 10, before ONNX Runtime's oldest; Resize's rows and tests/cpp/onnx/operators_test.cpp",
    "Where": "has inputs of two types; test_the_one_operator_with_inputs_of_two_types",
}

# The same operators where shapes are computed at run time. Least extents are small on purpose: windows and bounds that fit the usual size
# have to be clamped there.
_ROWS = {(0, 0): (1, 4, 8)}
_PLANE = {(0, 2): (3, 8, 17), (0, 3): (4, 9, 11)}
_END = 2**63 - 1
DYNAMIC: list[Row] = [
    *(
        Row("Slice", ((4, 3),), constants=(_i64(start), _i64(end), _i64(0), _i64(step)), dynamic=_ROWS, note=note)
        for note, start, end, step in [
            ("reversed", -1, -_END, -1),
            ("reversed_from_far", 2**31, -_END, -1),
            ("every_other_backwards", 4, 0, -2),
            ("backwards_from_the_third", 2, -_END, -3),
            ("tail", -3, _END, 1),
            ("without_last", 0, -1, 1),
            ("stride", 1, 6, 2),
        ]
    ),
    Row("Pad", ((2, 3, 8, 9),), constants=(_i64(0, 0, 1, 2, 0, 0, 3, 0), _f(1.5)), dynamic=_PLANE),
    Row("Pad", ((1, 2, 8, 9),), {"mode": "reflect"}, (_i64(0, 0, 2, 1, 0, 0, 1, 2),), dynamic=_PLANE, note="reflect"),
    Row("Pad", ((1, 2, 8, 9),), {"mode": "edge"}, (_i64(0, 0, 2, 1, 0, 0, 1, 2),), dynamic=_PLANE, note="edge"),
    Row("Expand", ((4, 1),), constants=(_i64(2, 1, 6),), dynamic=_ROWS),
    Row("Split", ((4, 9),), {"axis": 1}, (_i64(2, 3, 4),), outputs=3, opset=13, dynamic=_ROWS),
    Row("Reshape", ((4, 3, 4),), constants=(_i64(0, -1),), dynamic=_ROWS, note="keeps"),
    Row("Reshape", ((4, 3, 4),), constants=(_i64(-1, 6),), dynamic=_ROWS, note="merges"),
    Row("Reshape", ((2, 3, 8, 9),), constants=(_i64(0, 0, -1),), dynamic=_PLANE, note="plane"),
    Row("Flatten", ((4, 3, 5),), {"axis": 1}, dynamic=_ROWS),
    Row("Transpose", ((2, 3, 8, 9),), {"perm": [0, 2, 3, 1]}, dynamic=_PLANE),
    Row("Concat", ((4, 3), (2, 3)), {"axis": 0}, dynamic={**_ROWS, (1, 0): (1, 2, 3)}),
    Row("Gather", ((4, 3),), {"axis": 0}, (np.array([0, -1], np.int64),), dynamic=_ROWS),
    Row("Tile", ((4, 3),), constants=(_i64(2, 3),), dynamic=_ROWS),
    *(
        Row("Resize", ((1, 3, 8, 9),), {"mode": mode}, (np.array([], np.float32), np.array([], np.float32), _i64(1, 3, 10, 5)), dynamic=_PLANE, note=f"{mode}_sizes")
        for mode in ("nearest", "linear", "cubic")
    ),
    Row("Resize", ((1, 3, 8, 9),), {"mode": "linear"}, (np.array([], np.float32), np.array([1, 1, 2, 3], np.float32)), dynamic=_PLANE, note="scales"),
    Row("MaxPool", ((1, 4, 8, 9),), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, dynamic=_PLANE, note="pads"),
    Row("MaxPool", ((1, 4, 8, 9),), {"kernel_shape": [3, 3], "strides": [3, 3], "pads": [1, 1, 1, 1], "ceil_mode": 1}, dynamic=_PLANE, note="ceil_pads"),
    Row("AveragePool", ((1, 4, 8, 9),), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, dynamic=_PLANE, note="ceil"),
    Row("GlobalAveragePool", ((2, 5, 8, 9),), dynamic=_PLANE),
    Row("Conv", ((2, 4, 8, 9),), {"strides": [2, 2], "pads": [1, 0, 2, 1]}, (_f32(8, 4, 3, 3), _f32(8)), dynamic={(0, 0): (1, 2, 3), **_PLANE}, tolerance=2e-5),
    Row("ConvTranspose", ((1, 4, 8, 9),), {"strides": [2, 2], "pads": [1, 1, 1, 1]}, (_f32(4, 3, 3, 3),), dynamic=_PLANE, tolerance=2e-5),
    Row("MatMul", ((4, 7),), constants=(_f32(7, 5),), dynamic=_ROWS, tolerance=2e-5),
    Row("MatMul", ((3, 4), (4, 5)), dynamic={(0, 1): (1, 4, 8), (1, 0): (1, 4, 8)}, tolerance=2e-5, note="sum"),
    Row("Softmax", ((4, 5),), {"axis": 0}, dynamic=_ROWS),
    Row("ReduceMean", ((4, 5),), {"axes": [0]}, opset=11, dynamic=_ROWS),
    Row("ArgMax", ((4, 5),), {"axis": 0}, dynamic=_ROWS),
    Row("Add", ((4, 5), (4, 1)), dynamic={(0, 0): (1, 4, 8), (1, 0): (1, 4, 8)}),
    *SPATIAL_DYNAMIC,
]  # fmt: skip


def make_model(row: Row) -> onnx.ModelProto:
    """The row as a model: inputs x0, x1, ...; outputs y0, y1, ..."""
    inputs = [
        helper.make_tensor_value_info(
            f"x{i}",
            helper.np_dtype_to_tensor_dtype(np.dtype(row.dtype)),
            [f"x{i}_{axis}" if (i, axis) in row.dynamic else extent for axis, extent in enumerate(shape)],
        )
        for i, shape in enumerate(row.inputs)
    ]
    names = [value.name for value in inputs]
    initializers = []
    for i, constant in enumerate(row.constants):
        empty_optional = row.op == "Resize" and constant.size == 0
        names.append("" if empty_optional else f"c{i}")
        if not empty_optional:
            initializers.append(numpy_helper.from_array(constant, f"c{i}"))
    outputs = [onnx.ValueInfoProto(name=f"y{i}") for i in range(row.outputs)]
    node = helper.make_node(row.op, names, [value.name for value in outputs], name=f"{row.op}_node", **row.attributes)
    graph = helper.make_graph([node], row.id, inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", row.opset)], ir_version=8)
    return onnx.shape_inference.infer_shapes(model, strict_mode=True)


def make_inputs(row: Row, size: int = 1) -> dict[str, Array]:
    """Random inputs; `size` as in Row.shapes."""
    generator = np.random.default_rng(7)
    feed: dict[str, Array] = {}
    for i, shape in enumerate(row.shapes(size)):
        if row.dtype is np.bool_:
            feed[f"x{i}"] = generator.integers(0, 2, shape).astype(np.bool_)
        else:
            feed[f"x{i}"] = generator.uniform(row.low, row.high, shape).astype(row.dtype)
        feed[f"x{i}"].reshape(-1)[: len(row.specials)] = row.specials
    return feed
