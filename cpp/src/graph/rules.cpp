#include "graph/rules.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "graph/operators.hpp"
#include "graph/operators/control.hpp"
#include "graph/rules/families.hpp"

namespace tensorvk::graph {

namespace {

template <typename T, typename... Ts>
constexpr std::size_t index_of(const std::variant<Ts...>*) {
    std::size_t index = 0;
    (void)((std::is_same_v<T, Ts> || (++index, false)) || ...);
    return index;
}
template <typename T>
constexpr std::size_t kind = index_of<T>(static_cast<const Attributes*>(nullptr));

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

constexpr std::array kRules{
    LayerRule{LayerType::kCONVOLUTION, "Convolution", 1, 3, kind<ConvolutionAttributes>, rules::convolution},
    LayerRule{LayerType::kCAST, "Cast", 1, 1, kind<CastAttributes>, rules::cast},
    LayerRule{LayerType::kACTIVATION, "Activation", 1, 1, kind<ActivationAttributes>, rules::activation},
    LayerRule{LayerType::kPOOLING, "Pooling", 1, 1, kind<PoolingAttributes>, rules::pooling},
    LayerRule{LayerType::kSCALE, "Scale", 1, 1, kind<ScaleAttributes>, rules::scale},
    LayerRule{LayerType::kSOFTMAX, "SoftMax", 1, 1, kind<SoftMaxAttributes>, rules::softmax},
    LayerRule{LayerType::kDECONVOLUTION, "Deconvolution", 1, 3, kind<ConvolutionAttributes>, rules::deconvolution},
    LayerRule{LayerType::kCONCATENATION, "Concatenation", 1, kAny, kind<ConcatenationAttributes>, rules::concatenation},
    LayerRule{LayerType::kELEMENTWISE, "ElementWise", 2, 2, kind<ElementWiseAttributes>, rules::elementwise},
    LayerRule{LayerType::kUNARY, "Unary", 1, 1, kind<UnaryAttributes>, rules::unary},
    LayerRule{LayerType::kSHUFFLE, "Shuffle", 1, 2, kind<ShuffleAttributes>, rules::shuffle},
    LayerRule{LayerType::kREDUCE, "Reduce", 1, 1, kind<ReduceAttributes>, rules::reduce},
    LayerRule{LayerType::kTOPK, "TopK", 1, 2, kind<TopKAttributes>, rules::topk},
    LayerRule{LayerType::kGATHER, "Gather", 2, 2, kind<GatherAttributes>, rules::gather},
    LayerRule{LayerType::kMATRIX_MULTIPLY, "MatrixMultiply", 2, 2, kind<MatrixMultiplyAttributes>,
              rules::matrix_multiply},
    LayerRule{LayerType::kCONSTANT, "Constant", 0, 0, kind<ConstantAttributes>, rules::constant},
    LayerRule{LayerType::kIDENTITY, "Identity", 1, 1, kind<NoAttributes>, rules::identity},
    LayerRule{LayerType::kSLICE, "Slice", 1, 6, kind<SliceAttributes>, rules::slice},
    LayerRule{LayerType::kSHAPE, "Shape", 1, 1, kind<NoAttributes>, rules::shape},
    LayerRule{LayerType::kPARAMETRIC_RELU, "ParametricReLU", 2, 2, kind<NoAttributes>, rules::parametric_relu},
    LayerRule{LayerType::kRESIZE, "Resize", 1, 2, kind<ResizeAttributes>, rules::resize},
    LayerRule{LayerType::kSELECT, "Select", 3, 3, kind<NoAttributes>, rules::select},
    LayerRule{LayerType::kOPERATOR, "Operator", 0, kAny, kind<OperatorAttributes>, operator_rule},
    LayerRule{LayerType::kCONTROL, "Control", 1, kAny, kind<ControlAttributes>, control_rule},
    LayerRule{LayerType::kASSERTION, "Assertion", 1, 1, kind<OperatorAttributes>, operator_rule},
    LayerRule{LayerType::kNON_ZERO, "NonZero", 1, 1, kind<OperatorAttributes>, rules::non_zero},
    LayerRule{LayerType::kSCATTER, "Scatter", 3, 3, kind<OperatorAttributes>, operator_rule},
    LayerRule{LayerType::kQUANTIZE, "Quantize", 2, 3, kind<OperatorAttributes>, operator_rule},
    LayerRule{LayerType::kDEQUANTIZE, "Dequantize", 2, 3, kind<OperatorAttributes>, operator_rule},
    LayerRule{LayerType::kEINSUM, "Einsum", 1, kAny, kind<OperatorAttributes>, operator_rule},
    LayerRule{LayerType::kGRID_SAMPLE, "GridSample", 2, 2, kind<OperatorAttributes>, operator_rule},
    LayerRule{LayerType::kREVERSE_SEQUENCE, "ReverseSequence", 2, 2, kind<OperatorAttributes>, operator_rule},
    LayerRule{LayerType::kCUMULATIVE, "Cumulative", 2, 2, kind<OperatorAttributes>, operator_rule},
    LayerRule{LayerType::kKV_CACHE_UPDATE, "KVCacheUpdate", 3, 3, kind<OperatorAttributes>, operator_rule},
    LayerRule{LayerType::kFILL, "Fill", 0, 3, kind<OperatorAttributes>, rules::fill},
    LayerRule{LayerType::kONE_HOT, "OneHot", 3, 3, kind<OperatorAttributes>, rules::one_hot},
    LayerRule{LayerType::kNMS, "NMS", 3, 5, kind<OperatorAttributes>, rules::nms},
    LayerRule{LayerType::kNORMALIZATION, "Normalization", 3, 3, kind<OperatorAttributes>, rules::normalization},
    LayerRule{LayerType::kLRN, "LRN", 1, 1, kind<OperatorAttributes>, rules::lrn},
    LayerRule{LayerType::kRAGGED_SOFTMAX, "RaggedSoftMax", 2, 2, kind<OperatorAttributes>, rules::ragged_softmax},
    LayerRule{LayerType::kSQUEEZE, "Squeeze", 2, 2, kind<OperatorAttributes>, rules::squeeze},
    LayerRule{LayerType::kUNSQUEEZE, "Unsqueeze", 2, 2, kind<OperatorAttributes>, rules::unsqueeze},
    LayerRule{LayerType::kROTARY_EMBEDDING, "RotaryEmbedding", 3, 4, kind<OperatorAttributes>, rules::rotary_embedding},
    LayerRule{LayerType::kFULLY_CONNECTED, "FullyConnected", 1, 1, kind<FullyConnectedAttributes>, rules::fully_connected},
    LayerRule{LayerType::kRNN_V2, "RNNv2", 1, 4, kind<RecurrentAttributes>, rules::rnn},
    LayerRule{LayerType::kTRIP_LIMIT, "TripLimit", 1, 1, kind<BoundaryAttributes>, rules::trip_limit},
    LayerRule{LayerType::kRECURRENCE, "Recurrence", 1, 2, kind<BoundaryAttributes>, rules::recurrence},
    LayerRule{LayerType::kITERATOR, "Iterator", 1, 1, kind<BoundaryAttributes>, rules::iterator},
    LayerRule{LayerType::kLOOP_OUTPUT, "LoopOutput", 1, 2, kind<BoundaryAttributes>, rules::loop_output},
    LayerRule{LayerType::kCONDITION, "Condition", 1, 1, kind<BoundaryAttributes>, rules::condition},
    LayerRule{LayerType::kCONDITIONAL_INPUT, "ConditionalInput", 1, 1, kind<BoundaryAttributes>, rules::conditional_input},
    LayerRule{LayerType::kCONDITIONAL_OUTPUT, "ConditionalOutput", 2, 2, kind<BoundaryAttributes>, rules::conditional_output},
    LayerRule{LayerType::kATTENTION_INPUT, "AttentionInput", 3, 4, kind<AttentionAttributes>, rules::attention_input},
    LayerRule{LayerType::kATTENTION_OUTPUT, "AttentionOutput", 1, 1, kind<BoundaryAttributes>, rules::identity},
};

const LayerRule* find_rule(LayerType type) {
    const auto* rule =
        std::find_if(kRules.begin(), kRules.end(), [type](const LayerRule& r) { return r.type == type; });
    return rule == kRules.end() ? nullptr : rule;
}

} // namespace

const LayerRule& rule_of(LayerType type) {
    const LayerRule* rule = find_rule(type);
    if (rule == nullptr) {
        throw Unsupported(text("Layers of type number ", static_cast<int>(type), " are not offered yet."));
    }
    return *rule;
}

std::string_view layer_type_name(LayerType type) noexcept {
    const LayerRule* rule = find_rule(type);
    return rule == nullptr ? std::string_view("Unknown") : rule->name;
}

std::vector<Inferred> infer(shape::ExprPool& pool, Layer& layer) {
    const LayerRule& rule = rule_of(layer.type);
    RuleContext context(pool, layer);
    if (layer.inputs.size() < rule.min_inputs || layer.inputs.size() > rule.max_inputs) {
        context.fail("takes ", rule.min_inputs,
                     rule.max_inputs == kAny              ? text(" or more")
                     : rule.max_inputs == rule.min_inputs ? text("")
                                                          : text(" to ", rule.max_inputs),
                     " inputs, ", layer.inputs.size(), " were given.");
    }
    if (layer.attributes.index() != rule.attributes) {
        context.fail("was given the attributes of another layer type.");
    }
    layer.constraints.clear();
    std::vector<Inferred> outputs = rule.infer(context);
    for (const Inferred& output : outputs) {
        if (output.dims.size() > static_cast<std::size_t>(Dims::MAX_DIMS)) {
            context.fail("would have an output of ", output.dims.size(), " dimensions; at most ", Dims::MAX_DIMS,
                         " are possible.");
        }
        for (const shape::Expr extent : output.dims) {
            if (pool.value(extent).value_or(0) < 0) {
                context.fail("has the extent ", *pool.value(extent), "; extents must not be negative.");
            }
        }
    }
    return outputs;
}

} // namespace tensorvk::graph
