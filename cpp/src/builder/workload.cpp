#include "builder/workload.hpp"

#include <algorithm>
#include <variant>
#include <vector>

#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::builder {

namespace {

//! Extents in numbers.
class Sizes {
public:
    Sizes(const compiler::Compiled& network, std::span<const std::int64_t> symbols) : network_(network), numbers_(network.program.exprs.evaluate(symbols)) {}

    [[nodiscard]] const tactics::Value& value(tactics::ValueId id) const { return network_.values[static_cast<std::size_t>(id)]; }
    [[nodiscard]] double extent(tactics::ValueId id, std::size_t axis) const {
        return static_cast<double>(numbers_[static_cast<std::size_t>(value(id).dims[axis].id)]);
    }
    [[nodiscard]] double elements(tactics::ValueId id) const {
        double product = 1.0;
        for (std::size_t axis = 0; axis < value(id).dims.size(); ++axis) product *= extent(id, axis);
        return product;
    }
    [[nodiscard]] double bytes(tactics::ValueId id) const { return elements(id) * static_cast<double>(dtype_size(value(id).dtype)); }

private:
    const compiler::Compiled& network_;
    std::vector<std::int64_t> numbers_;
};

//! Random numbers would be no lengths of sequences.
bool counts_steps(const compiler::Compiled& network, const tactics::Operation& operation) {
    return std::holds_alternative<tactics::HostCall>(operation.kind) && std::ranges::any_of(operation.inputs, [&](tactics::ValueId id) {
        return id >= 0 && !is_floating(network.values[static_cast<std::size_t>(id)].dtype);
    });
}

//! What depends on data has no size that could be timed.
bool sizes_known(const compiler::Compiled& network, const tactics::Operation& operation, std::span<const std::int64_t> symbols) {
    shape::Exprs dims;
    for (const auto* list : {&operation.inputs, &operation.outputs, &operation.operands}) {
        for (const tactics::ValueId id : *list) {
            if (id >= 0) {
                const shape::Exprs& of = network.values[static_cast<std::size_t>(id)].dims;
                dims.insert(dims.end(), of.begin(), of.end());
            }
        }
    }
    const auto used = network.program.exprs.symbols_of(dims);
    return std::all_of(used.begin(), used.end(), [&](std::int64_t symbol) { return symbols[static_cast<std::size_t>(symbol)] >= 0; });
}

//! The operation does not depend on what is not known yet, but others of the network do, and all are evaluated together. False when no number
//! can be made up for them.
bool make_up_unknown(const compiler::Compiled& network, std::vector<std::int64_t>& symbols) {
    if (std::ranges::find(symbols, -1) == symbols.end()) {
        return true;
    }
    std::ranges::replace(symbols, -1, 1);
    try {
        (void)network.program.exprs.evaluate(symbols);
        return true;
    } catch (const InvalidArgument&) { // a division by zero
        return false;
    }
}

double multiplications(const tactics::Operation& operation, const Sizes& sizes) {
    if (const auto* conv = std::get_if<tactics::Convolution>(&operation.kind)) {
        // Each element of the output (transposed: of the input) meets the weights of one channel.
        const tactics::ValueId whole = conv->transposed ? operation.inputs[0] : operation.outputs[0];
        return sizes.elements(whole) * sizes.elements(operation.inputs[1]) / std::max(sizes.extent(operation.inputs[1], 0), 1.0);
    }
    if (const auto* product = std::get_if<tactics::MatrixProduct>(&operation.kind)) {
        const std::size_t rank = sizes.value(operation.inputs[0]).dims.size();
        const std::size_t depth = product->transpose_a && rank > 1 ? rank - 2 : rank - 1;
        return sizes.elements(operation.outputs[0]) * sizes.extent(operation.inputs[0], depth);
    }
    if (const auto* attention = std::get_if<tactics::Attention>(&operation.kind)) {
        return 2.0 * sizes.elements(operation.inputs[0]) * sizes.extent(operation.inputs[1], static_cast<std::size_t>(attention->axes[1][2]));
    }
    return 0.0;
}

} // namespace

bool can_be_timed(const compiler::Compiled& network, const tactics::Operation& operation, std::vector<std::int64_t>& symbols) {
    return !counts_steps(network, operation) && sizes_known(network, operation, symbols) && make_up_unknown(network, symbols);
}

double expected_microseconds(const compiler::Compiled& network, const tactics::Operation& operation, std::span<const tactics::Candidate> candidates,
                             std::span<const std::int64_t> symbols) {
    double best = 0.0;
    for (const tactics::Candidate& candidate : candidates) {
        if (candidate.applicable() && candidate.estimate > 0.0) best = best > 0.0 ? std::min(best, candidate.estimate) : candidate.estimate;
    }
    if (best > 0.0) return best;
    constexpr double kBytesPerMicrosecond = 1e6, kMultiplicationsPerMicrosecond = 1e7, kLaunch = 2.0; // of a large GPU
    const Sizes sizes(network, symbols);
    double bytes = 0.0;
    for (const auto* list : {&operation.inputs, &operation.outputs, &operation.operands}) {
        for (const tactics::ValueId id : *list) bytes += id >= 0 ? sizes.bytes(id) : 0.0;
    }
    return kLaunch + std::max(bytes / kBytesPerMicrosecond, multiplications(operation, sizes) / kMultiplicationsPerMicrosecond);
}

} // namespace tensorvk::builder
