// Sequences whose elements are inputs and outputs, where a position in them is data: the last input.
#include <array>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"

namespace tensorvk::graph {

namespace {

//! What is one of inputs [first, last): extents that differ among them depend on the position.
Inferred one_of(const RuleContext& context, int output, std::size_t first, std::size_t last) {
    const Tensor& model = context.input(first);
    shape::Exprs dims = model.dims;
    for (std::size_t i = first + 1; i < last; ++i) {
        const Tensor& other = context.input(i);
        context.require_same_type(model, other);
        if (other.dims.size() != dims.size()) {
            context.unsupported("has a position that is data in a sequence of tensors with different numbers of dimensions: '", model.name,
                                "' ", context.str(model.dims), " and '", other.name, "' ", context.str(other.dims), ".");
        }
    }
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        shape::Exprs extents;
        bool equal = true;
        for (std::size_t i = first; i < last; ++i) {
            extents.push_back(context.input(i).dims[axis]);
            equal = equal && extents.back() == extents.front();
        }
        dims[axis] = equal ? dims[axis] : context.unknown(output, static_cast<int>(axis), largest(context, extents));
    }
    return {model.dtype, std::move(dims)};
}

//! Inputs: the elements, the position.
std::vector<Inferred> sequence_at(RuleContext& context) { return {one_of(context, 0, 0, context.input_count() - 1)}; }

//! The same; outputs are the elements that stay: each is what was there, or the next one.
std::vector<Inferred> sequence_erase(RuleContext& context) {
    std::vector<Inferred> outputs;
    for (std::size_t i = 0; i + 2 < context.input_count(); ++i) {
        outputs.push_back(one_of(context, static_cast<int>(i), i, i + 2));
    }
    return outputs;
}

//! Inputs: the elements, what is inserted, the position.
std::vector<Inferred> sequence_insert(RuleContext& context) {
    std::vector<Inferred> outputs;
    for (std::size_t i = 0; i + 1 < context.input_count(); ++i) {
        outputs.push_back(one_of(context, static_cast<int>(i), 0, context.input_count() - 1));
    }
    return outputs;
}

constexpr std::array kRules{
    OperatorRule{"SequenceAt", 2, kAnyCount, sequence_at},
    OperatorRule{"SequenceErase", 2, kAnyCount, sequence_erase},
    OperatorRule{"SequenceInsert", 2, kAnyCount, sequence_insert},
};

} // namespace

std::span<const OperatorRule> sequence_rules() { return kRules; }

} // namespace tensorvk::graph
