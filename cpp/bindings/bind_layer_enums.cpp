// Enumerations of layers. LayerType carries TensorRT's whole list, so that programs may ask for layers that a network
// does not have.
#include "enum_table.hpp"
#include "tensorvk/types.h"

namespace tensorvk::bindings {

namespace {

struct NamedNumber {
    const char* name;
    int32_t number;
};

constexpr NamedNumber kLayerTypes[] = {
    {"CONVOLUTION", 0},
    {"CAST", 1},
    {"ACTIVATION", 2},
    {"POOLING", 3},
    {"LRN", 4},
    {"SCALE", 5},
    {"SOFTMAX", 6},
    {"DECONVOLUTION", 7},
    {"CONCATENATION", 8},
    {"ELEMENTWISE", 9},
    {"PLUGIN", 10},
    {"UNARY", 11},
    {"PADDING", 12},
    {"SHUFFLE", 13},
    {"REDUCE", 14},
    {"TOPK", 15},
    {"GATHER", 16},
    {"MATRIX_MULTIPLY", 17},
    {"RAGGED_SOFTMAX", 18},
    {"CONSTANT", 19},
    {"IDENTITY", 20},
    {"PLUGIN_V2", 21},
    {"SLICE", 22},
    {"SHAPE", 23},
    {"PARAMETRIC_RELU", 24},
    {"RESIZE", 25},
    {"TRIP_LIMIT", 26},
    {"RECURRENCE", 27},
    {"ITERATOR", 28},
    {"LOOP_OUTPUT", 29},
    {"SELECT", 30},
    {"FILL", 31},
    {"QUANTIZE", 32},
    {"DEQUANTIZE", 33},
    {"CONDITION", 34},
    {"CONDITIONAL_INPUT", 35},
    {"CONDITIONAL_OUTPUT", 36},
    {"SCATTER", 37},
    {"EINSUM", 38},
    {"ASSERTION", 39},
    {"ONE_HOT", 40},
    {"NON_ZERO", 41},
    {"GRID_SAMPLE", 42},
    {"NMS", 43},
    {"REVERSE_SEQUENCE", 44},
    {"NORMALIZATION", 45},
    {"PLUGIN_V3", 46},
    {"SQUEEZE", 47},
    {"UNSQUEEZE", 48},
    {"CUMULATIVE", 49},
    {"DYNAMIC_QUANTIZE", 50},
    {"ATTENTION_INPUT", 51},
    {"ATTENTION_OUTPUT", 52},
    {"ROTARY_EMBEDDING", 53},
    {"KV_CACHE_UPDATE", 54},
    {"MOE", 55},
    {"DIST_COLLECTIVE", 56},
    {"FULLY_CONNECTED", 57},
    {"RNN_V2", 58},
    // Ours: ONNX's If, Loop and Scan; ONNX's operators for which TensorRT has no layer.
    {"CONTROL", 999},
    {"OPERATOR", 1000},
};

void bind_operations(py::module_& module) {
    using A = ActivationType;
    add_enum<A>(module, "ActivationType", "Function of an activation layer.",
                {{"RELU", A::kRELU},
                 {"SIGMOID", A::kSIGMOID},
                 {"TANH", A::kTANH},
                 {"LEAKY_RELU", A::kLEAKY_RELU},
                 {"ELU", A::kELU},
                 {"SELU", A::kSELU},
                 {"SOFTSIGN", A::kSOFTSIGN},
                 {"SOFTPLUS", A::kSOFTPLUS},
                 {"CLIP", A::kCLIP},
                 {"HARD_SIGMOID", A::kHARD_SIGMOID},
                 {"SCALED_TANH", A::kSCALED_TANH},
                 {"THRESHOLDED_RELU", A::kTHRESHOLDED_RELU},
                 {"GELU_ERF", A::kGELU_ERF},
                 {"GELU_TANH", A::kGELU_TANH}});
    using E = ElementWiseOperation;
    add_enum<E>(module, "ElementWiseOperation", "Operation of an elementwise layer.",
                {{"SUM", E::kSUM},
                 {"PROD", E::kPROD},
                 {"MAX", E::kMAX},
                 {"MIN", E::kMIN},
                 {"SUB", E::kSUB},
                 {"DIV", E::kDIV},
                 {"POW", E::kPOW},
                 {"FLOOR_DIV", E::kFLOOR_DIV},
                 {"AND", E::kAND},
                 {"OR", E::kOR},
                 {"XOR", E::kXOR},
                 {"EQUAL", E::kEQUAL},
                 {"GREATER", E::kGREATER},
                 {"LESS", E::kLESS}});
    using U = UnaryOperation;
    add_enum<U>(
        module, "UnaryOperation", "Operation of a unary layer.",
        {{"EXP", U::kEXP},     {"LOG", U::kLOG},     {"SQRT", U::kSQRT},   {"RECIP", U::kRECIP}, {"ABS", U::kABS},
         {"NEG", U::kNEG},     {"SIN", U::kSIN},     {"COS", U::kCOS},     {"TAN", U::kTAN},     {"SINH", U::kSINH},
         {"COSH", U::kCOSH},   {"ASIN", U::kASIN},   {"ACOS", U::kACOS},   {"ATAN", U::kATAN},   {"ASINH", U::kASINH},
         {"ACOSH", U::kACOSH}, {"ATANH", U::kATANH}, {"CEIL", U::kCEIL},   {"FLOOR", U::kFLOOR}, {"ERF", U::kERF},
         {"NOT", U::kNOT},     {"SIGN", U::kSIGN},   {"ROUND", U::kROUND}, {"ISINF", U::kISINF}, {"ISNAN", U::kISNAN}});
    using R = ReduceOperation;
    add_enum<R>(module, "ReduceOperation", "Operation of a reduce layer.",
                {{"SUM", R::kSUM}, {"PROD", R::kPROD}, {"MAX", R::kMAX}, {"MIN", R::kMIN}, {"AVG", R::kAVG},
                 {"NONE", static_cast<R>(5)}}); // of collectives, which are not offered
    add_enum<PoolingType>(module, "PoolingType", "What a pooling window computes.",
                          {{"MAX", PoolingType::kMAX},
                           {"AVERAGE", PoolingType::kAVERAGE},
                           {"MAX_AVERAGE_BLEND", PoolingType::kMAX_AVERAGE_BLEND}});
    add_enum<TopKOperation>(module, "TopKOperation", "Largest or smallest.",
                            {{"MAX", TopKOperation::kMAX}, {"MIN", TopKOperation::kMIN}});
    using M = MatrixOperation;
    add_enum<M>(module, "MatrixOperation", "How a matrix product takes an operand.",
                {{"NONE", M::kNONE}, {"TRANSPOSE", M::kTRANSPOSE}, {"VECTOR", M::kVECTOR}});
}

void bind_modes(py::module_& module) {
    using P = PaddingMode;
    add_enum<P>(module, "PaddingMode", "How windows at the border are counted.",
                {{"EXPLICIT_ROUND_DOWN", P::kEXPLICIT_ROUND_DOWN},
                 {"EXPLICIT_ROUND_UP", P::kEXPLICIT_ROUND_UP},
                 {"SAME_UPPER", P::kSAME_UPPER},
                 {"SAME_LOWER", P::kSAME_LOWER},
                 {"CAFFE_ROUND_DOWN", P::kEXPLICIT_ROUND_DOWN},
                 {"CAFFE_ROUND_UP", P::kEXPLICIT_ROUND_UP}});
    using Scale = ScaleMode;
    add_enum<Scale>(module, "ScaleMode", "What each weight of a scale layer applies to.",
                    {{"UNIFORM", Scale::kUNIFORM}, {"CHANNEL", Scale::kCHANNEL}, {"ELEMENTWISE", Scale::kELEMENTWISE}});
    add_enum<GatherMode>(
        module, "GatherMode", "How indices are read.",
        {{"DEFAULT", GatherMode::kDEFAULT}, {"ELEMENT", GatherMode::kELEMENT}, {"ND", GatherMode::kND}});
    using S = SampleMode;
    add_enum<S>(module, "SampleMode", "What lies outside of a slice's input.",
                {{"STRICT_BOUNDS", S::kSTRICT_BOUNDS},
                 {"DEFAULT", S::kSTRICT_BOUNDS},
                 {"WRAP", S::kWRAP},
                 {"CLAMP", S::kCLAMP},
                 {"FILL", S::kFILL},
                 {"REFLECT", S::kREFLECT}});
    using I = InterpolationMode;
    add_enum<I>(module, "InterpolationMode", "How a resize layer interpolates.",
                {{"NEAREST", I::kNEAREST}, {"LINEAR", I::kLINEAR}, {"CUBIC", I::kCUBIC}});
    using T = ResizeCoordinateTransformation;
    add_enum<T>(module, "ResizeCoordinateTransformation", "Where output pixels lie in the input.",
                {{"ALIGN_CORNERS", T::kALIGN_CORNERS}, {"ASYMMETRIC", T::kASYMMETRIC}, {"HALF_PIXEL", T::kHALF_PIXEL}});
    add_enum<ResizeSelector>(module, "ResizeSelector", "What a single output pixel reads.",
                             {{"FORMULA", ResizeSelector::kFORMULA}, {"UPPER", ResizeSelector::kUPPER}});
    using Round = ResizeRoundMode;
    add_enum<Round>(module, "ResizeRoundMode", "How nearest coordinates round.",
                    {{"HALF_UP", Round::kHALF_UP},
                     {"HALF_DOWN", Round::kHALF_DOWN},
                     {"FLOOR", Round::kFLOOR},
                     {"CEIL", Round::kCEIL}});
}

} // namespace

void bind_layer_enums(py::module_& module) {
    py::enum_<LayerType> types(module, "LayerType", "Kind of a layer.");
    for (const NamedNumber& type : kLayerTypes) {
        types.value(type.name, static_cast<LayerType>(type.number));
    }
    bind_operations(module);
    bind_modes(module);
    bind_operator_enums(module);
}

} // namespace tensorvk::bindings
