// Layers whose output is known when the network is built: constants and shapes.
#include <algorithm>
#include <cstring>

#include "graph/rules/families.hpp"
#include "graph/rules/values.hpp"
#include "support/checked.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph::rules {

namespace {

std::int64_t element(const Weights& weights, std::int64_t i) {
    const std::byte* at = weights.data + static_cast<std::size_t>(i) * dtype_size(weights.type);
    if (weights.type == DataType::kINT64) {
        std::int64_t value = 0;
        std::memcpy(&value, at, sizeof value);
        return value;
    }
    if (weights.type == DataType::kINT32) {
        std::int32_t value = 0;
        std::memcpy(&value, at, sizeof value);
        return value;
    }
    return *at != std::byte{0} ? 1 : 0;
}

} // namespace

std::vector<Inferred> constant(RuleContext& context) {
    const auto& a = context.attributes<ConstantAttributes>();
    if (std::any_of(a.dims.begin(), a.dims.end(), [](std::int64_t d) { return d < 0; })) {
        context.fail("has a negative dimension; the shape of a constant must be fixed.");
    }
    Inferred out{a.weights.type, constants(context.pool(), a.dims)};
    const std::int64_t volume = checked_volume(a.dims);
    if (a.weights.count != volume || (volume > 0 && a.weights.data == nullptr)) {
        context.fail("has the shape ", context.str(out.dims), " of ", volume, " values; ", a.weights.count,
                     " were given.");
    }
    if (is_shape_type(a.weights.type) && volume <= static_cast<std::int64_t>(kMaxShapeValues)) {
        Exprs values;
        for (std::int64_t i = 0; i < volume; ++i) {
            values.push_back(context.pool().constant(element(a.weights, i)));
        }
        out.values = std::move(values);
    }
    out.constant = std::make_shared<const Weights>(a.weights);
    std::vector<Inferred> outputs;
    outputs.push_back(std::move(out));
    return outputs;
}

std::vector<Inferred> shape(RuleContext& context) {
    const Tensor& x = context.input(0);
    return {{DataType::kINT64, {context.pool().constant(static_cast<std::int64_t>(x.dims.size()))}, x.dims}};
}

} // namespace tensorvk::graph::rules
