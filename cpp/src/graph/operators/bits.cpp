// Two tensors element by element as no layer computes them: integers as bits, remainders of floating-point numbers; and bits as other types.
#include <array>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph {

namespace {

void require_integers(const RuleContext& context, const Tensor& tensor) {
    if (is_floating(tensor.dtype) || tensor.dtype == DataType::kBOOL) {
        context.fail("works on the bits of integers; '", tensor.name, "' is ", dtype_name(tensor.dtype), ".");
    }
}

std::vector<Inferred> binary(RuleContext& context) {
    require_integers(context, context.input(0));
    context.require_same_type(context.input(0), context.input(1));
    return one(context.input(0).dtype, broadcast_inputs(context, {0, 1}));
}

std::vector<Inferred> shift(RuleContext& context) {
    (void)word_attribute(context, "direction", "", {"LEFT", "RIGHT"});
    return binary(context);
}

//! With 'fmod': integers are for layers.
std::vector<Inferred> mod(RuleContext& context) {
    context.require_floating(context.input(0), "dividend");
    context.require_same_type(context.input(0), context.input(1));
    return one(context.input(0).dtype, broadcast_inputs(context, {0, 1}));
}

std::vector<Inferred> bitwise_not(RuleContext& context) {
    require_integers(context, context.input(0));
    return like_input(context, 0);
}

std::vector<Inferred> bit_cast(RuleContext& context) {
    const Tensor& x = context.input(0);
    const DataType to = type_attribute(context, "to", x.dtype);
    for (const DataType type : {x.dtype, to}) {
        if (type == DataType::kHALF || type == DataType::kBF16) { // host functions see these as float32
            context.unsupported("would need the bits of ", dtype_name(type), " numbers, which are not offered.");
        }
    }
    if (dtype_size(x.dtype) != dtype_size(to)) {
        context.fail("cannot take the bits of ", dtype_name(x.dtype), " as ", dtype_name(to), ": the sizes differ.");
    }
    return one(to, x.dims);
}

constexpr std::array kRules{
    OperatorRule{"BitCast", 1, 1, bit_cast},     OperatorRule{"BitShift", 2, 2, shift},
    OperatorRule{"BitwiseAnd", 2, 2, binary},    OperatorRule{"BitwiseNot", 1, 1, bitwise_not},
    OperatorRule{"BitwiseOr", 2, 2, binary},     OperatorRule{"BitwiseXor", 2, 2, binary},
    OperatorRule{"Mod", 2, 2, mod},
};

} // namespace

std::span<const OperatorRule> bits_rules() { return kRules; }

} // namespace tensorvk::graph
