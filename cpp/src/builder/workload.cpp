#include "builder/workload.hpp"

#include <algorithm>
#include <variant>
#include <vector>

#include "support/dtype.hpp"

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
