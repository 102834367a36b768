#include "builder/profiles.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "builder/profile_check.hpp"
#include "shape/bad_expression.hpp"
#include "support/shape_text.hpp"

namespace tensorvk::builder {

namespace {

std::vector<std::int64_t> dims_of(const graph::Network& network, const graph::Tensor& tensor) {
    const Dims dims = network.dims(tensor);
    return {dims.d, dims.d + dims.nbDims};
}

void check_range(const std::string& name, std::size_t profile, const std::vector<std::int64_t>& declared, const plan::Profile::Range& range) {
    for (const auto* shape : {&range.min, &range.opt, &range.max}) {
        if (shape->size() != declared.size()) {
            throw InvalidArgument(text("Optimization profile ", profile, " gives input '", name, "' the shape ", shape_text(*shape), " with ",
                                       shape->size(), " dimensions; the network declares ", shape_text(declared), "."));
        }
    }
    for (std::size_t axis = 0; axis < declared.size(); ++axis) {
        const bool ordered = 0 <= range.min[axis] && range.min[axis] <= range.opt[axis] && range.opt[axis] <= range.max[axis];
        const bool fits = declared[axis] < 0 || (range.min[axis] == declared[axis] && range.max[axis] == declared[axis]);
        if (!ordered || !fits) {
            throw InvalidArgument(text("Optimization profile ", profile, " gives axis ", axis, " of input '", name, "' the range min ",
                                       range.min[axis], ", opt ", range.opt[axis], ", max ", range.max[axis],
                                       ordered ? "; the network fixes this axis to " + std::to_string(declared[axis]) + "."
                                               : "; min <= opt <= max is needed."));
        }
        if (range.max[axis] > INT32_MAX) {
            throw InvalidArgument(text("Optimization profile ", profile, " allows ", range.max[axis], " for axis ", axis, " of input '", name,
                                       "'; at most ", INT32_MAX, " are possible."));
        }
    }
}

plan::Profile::Range range_of(const graph::Network& network, const graph::Tensor& input, std::size_t profile, const ProfileShapes& given) {
    const std::vector<std::int64_t> declared = dims_of(network, input);
    if (const auto it = given.shapes.find(input.name); it != given.shapes.end()) {
        plan::Profile::Range range{it->second[0], it->second[1], it->second[2]};
        check_range(input.name, profile, declared, range);
        return range;
    }
    if (std::find(declared.begin(), declared.end(), -1) != declared.end()) {
        throw InvalidArgument(text("Input '", input.name, "' has dynamic dimensions ", shape_text(declared), " but optimization profile ", profile,
                                   " says nothing about it; call profile.set_shape(\"", input.name,
                                   "\", min, opt, max) and config.add_optimization_profile(profile)."));
    }
    return {declared, declared, declared};
}

//! The first extent in the network that is smaller than `least`, or the first that is divided by and 0.
shape::Expr too_small(const graph::Network& network, const Symbols& symbols, std::int64_t least) {
    Symbols values;
    try {
        values = network.exprs().evaluate_known(symbols);
    } catch (const shape::BadExpression& error) { // a division by an extent of 0: what is divided need not grow
        return network.exprs().node(error.expr()).b;
    }
    for (const auto& layer : network.layers()) {
        for (const graph::Tensor* output : layer->outputs) {
            for (const shape::Expr dim : output->dims) {
                const auto value = values[static_cast<std::size_t>(dim.id)];
                if (value && *value < least && !network.exprs().value(dim)) {
                    return dim;
                }
            }
        }
    }
    return {};
}

//! Windows need room: inputs grow until no extent is smaller than `least`. What cannot be reached so is left as it was.
Symbols grown(const graph::Network& network, const Symbols& start, std::int64_t least) {
    constexpr int kMostSteps = 1024;
    Symbols symbols = start;
    for (int step = 0; step < kMostSteps; ++step) {
        const shape::Expr dim = too_small(network, symbols, least);
        if (!dim.valid()) {
            return symbols;
        }
        bool grew = false;
        for (const std::int64_t symbol : network.exprs().symbols_of(std::span(&dim, 1))) {
            if (auto& value = symbols[static_cast<std::size_t>(symbol)]) {
                ++*value;
                grew = true;
            }
        }
        if (!grew) {
            return start;
        }
    }
    return start;
}

//! Least and usual extents of the dynamic dimensions of inputs.
std::pair<Symbols, Symbols> made_up_extents(const graph::Network& network) {
    Symbols none(network.exprs().symbols().size());
    Symbols one = none;
    for (const graph::Tensor* input : network.inputs()) {
        for (const shape::Expr dim : input->dims) {
            const shape::ExprNode& node = network.exprs().node(dim);
            if (node.op == shape::ExprOp::kSYMBOL) {
                none[static_cast<std::size_t>(node.value)] = 0;
                one[static_cast<std::size_t>(node.value)] = 1;
            }
        }
    }
    return {grown(network, none, 0), grown(network, grown(network, one, 0), 1)};
}

//! What data decides is taken to be as large as it may become.
void fill_unknown(const graph::Network& network, Symbols& symbols) {
    for (const graph::Layer* layer : network.topological()) {
        for (const graph::Unknown& unknown : layer->unknowns) {
            const auto values = unknown.most.valid() ? network.exprs().evaluate_known(symbols) : Symbols();
            const std::int64_t symbol = network.exprs().node(unknown.symbol).value;
            symbols[static_cast<std::size_t>(symbol)] = unknown.most.valid() ? values[static_cast<std::size_t>(unknown.most.id)] : std::nullopt;
        }
    }
}

//! The most that all dynamic extents may be together without a tensor of absurd size.
std::int64_t made_up_most(const graph::Network& network, const Symbols& usual) {
    constexpr std::int64_t kMost = 4096;
    constexpr double kMostElements = 4.5e15; // products of them with the size of an element stay far from 64 bits
    for (std::int64_t most = kMost; most > 16; most /= 2) {
        Symbols symbols = usual;
        for (auto& value : symbols) {
            value = value ? std::optional(std::max(*value, most)) : value;
        }
        try {
            fill_unknown(network, symbols);
            const auto values = network.exprs().evaluate_known(symbols);
            const auto fits = [&](const graph::Tensor* tensor) {
                double elements = 1.0;
                for (const shape::Expr dim : tensor->dims) {
                    elements *= static_cast<double>(values[static_cast<std::size_t>(dim.id)].value_or(1));
                }
                return elements <= kMostElements;
            };
            const auto all_fit = [&](const auto& layer) { return std::ranges::all_of(layer->outputs, fits); };
            if (std::ranges::all_of(network.inputs(), fits) && std::ranges::all_of(network.layers(), all_fit)) {
                return most;
            }
        } catch (const InvalidArgument&) { // a product that does not fit into 64 bits
        }
    }
    return 16;
}

//! Nobody said which shapes will come: kernels are chosen for small ones, and almost any are allowed.
plan::Profile inferred_profile(const graph::Network& network, LogSink& log) {
    plan::Profile profile;
    std::string said;
    const auto [least, usual] = made_up_extents(network);
    const std::int64_t most = made_up_most(network, usual);
    for (const graph::Tensor* input : network.inputs()) {
        plan::Profile::Range range;
        const std::vector<std::int64_t> declared = dims_of(network, *input);
        for (std::size_t axis = 0; axis < declared.size(); ++axis) {
            const std::int64_t dim = declared[axis];
            const auto symbol = static_cast<std::size_t>(network.exprs().node(input->dims[axis]).value);
            range.min.push_back(dim < 0 ? *least[symbol] : dim);
            range.opt.push_back(dim < 0 ? std::max(*least[symbol], *usual[symbol]) : dim);
            range.max.push_back(dim < 0 ? std::max(most, range.opt.back()) : dim);
        }
        if (range.min != range.max) {
            said += (said.empty() ? "'" : "; '") + input->name + "' " + shape_text(range.min) + " to " + shape_text(range.max) + ", best " +
                    shape_text(range.opt);
        }
        profile.inputs.push_back(std::move(range));
    }
    if (!said.empty()) {
        log.log(Severity::kWARNING, text("No optimization profile was given, so one was made up: ", said,
                                         ". Add one with the shapes that you use for full speed."));
    }
    return profile;
}

} // namespace

std::vector<plan::Profile> resolve_profiles(const graph::Network& network, const std::vector<ProfileShapes>& given, LogSink& log) {
    for (std::size_t i = 0; i < given.size(); ++i) {
        for (const auto& entry : given[i].shapes) {
            const bool known = std::any_of(network.inputs().begin(), network.inputs().end(),
                                           [&](const graph::Tensor* t) { return t->name == entry.first; });
            if (!known) {
                throw InvalidArgument(text("Optimization profile ", i, " names an input '", entry.first, "' that the network does not have."));
            }
        }
    }
    std::vector<plan::Profile> profiles;
    if (given.empty()) {
        profiles.push_back(inferred_profile(network, log));
        check_profile(network, profiles.back(), 0, true);
    }
    for (const ProfileShapes& shapes : given) {
        plan::Profile profile;
        for (const graph::Tensor* input : network.inputs()) {
            profile.inputs.push_back(range_of(network, *input, profiles.size(), shapes));
        }
        check_profile(network, profile, profiles.size(), false);
        profiles.push_back(std::move(profile));
    }
    return profiles;
}

void bound_symbols(plan::Program& program, const std::vector<plan::Profile>& profiles) {
    for (const plan::Profile& profile : profiles) {
        for (std::size_t i = 0; i < profile.inputs.size(); ++i) {
            const std::vector<std::int64_t>& most = profile.inputs[i].max;
            for (std::size_t axis = 0; axis < most.size(); ++axis) {
                const shape::ExprNode& node = program.exprs.node(program.io.at(i).dims.at(axis));
                if (node.op == shape::ExprOp::kSYMBOL) program.exprs.bound(node.value, most[axis]);
            }
        }
    }
}

std::vector<std::int64_t> symbol_values(const plan::Program& program, const std::vector<std::vector<std::int64_t>>& shapes) {
    std::vector<std::int64_t> values(program.exprs.symbols().size(), 1);
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        for (std::size_t axis = 0; axis < shapes[i].size(); ++axis) {
            const shape::ExprNode& node = program.exprs.node(program.io.at(i).dims.at(axis));
            if (node.op == shape::ExprOp::kSYMBOL) {
                values[static_cast<std::size_t>(node.value)] = shapes[i][axis];
            }
        }
    }
    return values;
}

} // namespace tensorvk::builder
