#include "builder/profile_check.hpp"

#include <utility>

#include "support/checked.hpp"
#include "support/dtype.hpp"
#include "support/shape_text.hpp"

namespace tensorvk::builder {

namespace {

using Shapes = std::vector<std::int64_t> plan::Profile::Range::*;

//! Axes of inputs that the network takes for equal have to be so in a profile.
Symbols symbols_at(const graph::Network& network, const plan::Profile& profile, Shapes which, std::size_t number) {
    struct Place {
        const graph::Tensor* input = nullptr;
        std::size_t axis = 0;
    };
    Symbols symbols(network.exprs().symbols().size());
    std::vector<Place> first(symbols.size());
    for (std::size_t i = 0; i < profile.inputs.size(); ++i) {
        const graph::Tensor& input = *network.inputs()[i];
        for (std::size_t axis = 0; axis < input.dims.size(); ++axis) {
            const shape::ExprNode& node = network.exprs().node(input.dims[axis]);
            if (node.op != shape::ExprOp::kSYMBOL) {
                continue;
            }
            const auto symbol = static_cast<std::size_t>(node.value);
            const std::int64_t given = (profile.inputs[i].*which)[axis];
            if (symbols[symbol].value_or(given) != given) {
                throw InvalidArgument(text("Optimization profile ", number, " gives ", *symbols[symbol], " to axis ", first[symbol].axis, " of input '",
                                           first[symbol].input->name, "' and ", given, " to axis ", axis, " of input '", input.name,
                                           "' in the same place of min, opt and max; the network needs both to be equal."));
            }
            symbols[symbol] = given;
            first[symbol] = {&input, axis};
        }
    }
    return symbols;
}

//! Throws InvalidArgument, without naming the profile, where some tensor has no size for these extents.
void check_computes(const graph::Network& network, const Symbols& symbols) {
    const auto values = network.exprs().evaluate_known(symbols);
    for (const graph::Layer* layer : network.topological()) {
        for (const graph::Tensor* output : layer->outputs) {
            std::vector<std::int64_t> dims;
            for (const shape::Expr dim : output->dims) {
                dims.push_back(values[static_cast<std::size_t>(dim.id)].value_or(0));
            }
            try {
                if (checked_mul(checked_volume(dims), static_cast<std::int64_t>(dtype_size(output->dtype))) >= 0) {
                    continue;
                }
            } catch (const InvalidArgument&) { // more bytes than 64 bits count
            }
            throw InvalidArgument(text("layer '", layer->name, "' would make a tensor of shape ", shape_text(dims)));
        }
    }
}

} // namespace

void check_profile(const graph::Network& network, const plan::Profile& profile, std::size_t number, bool made_up) {
    static constexpr std::pair<const char*, Shapes> kShapes[] = {
        {"min", &plan::Profile::Range::min}, {"opt", &plan::Profile::Range::opt}, {"max", &plan::Profile::Range::max}};
    for (const auto& [name, which] : kShapes) {
        const Symbols symbols = symbols_at(network, profile, which, number);
        try {
            check_computes(network, symbols);
        } catch (const InvalidArgument& error) {
            std::string inputs;
            for (std::size_t i = 0; i < profile.inputs.size(); ++i) {
                if (profile.inputs[i].min != profile.inputs[i].max || !made_up) {
                    inputs += text(inputs.empty() ? "'" : ", '", network.inputs()[i]->name, "' ", shape_text(profile.inputs[i].*which));
                }
            }
            throw InvalidArgument(text("The network cannot work with the ", name, " shapes of ",
                                       made_up ? std::string("the profile that was made up") : text("optimization profile ", number), ", ", inputs,
                                       ": ", error.what(), made_up ? "; add a profile with the shapes that you use." : "; give it other shapes."));
        }
    }
}

} // namespace tensorvk::builder
