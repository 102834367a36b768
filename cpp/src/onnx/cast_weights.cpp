#include "onnx/cast_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "onnx/weights.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::onnx {

namespace {

template <typename T>
std::vector<std::int64_t> widened(const graph::Weights& weights) {
    std::vector<T> values(static_cast<std::size_t>(weights.count));
    if (!values.empty()) {
        std::memcpy(values.data(), weights.data, values.size() * sizeof(T));
    }
    return {values.begin(), values.end()};
}

std::vector<std::int64_t> truths(const graph::Weights& weights) {
    std::vector<std::int64_t> values = widened<std::uint8_t>(weights);
    std::ranges::transform(values, values.begin(), [](std::int64_t value) { return value != 0 ? 1 : 0; });
    return values;
}

std::vector<std::int64_t> integers_of(const graph::Weights& weights) {
    switch (weights.type) {
        case DataType::kINT64: return widened<std::int64_t>(weights);
        case DataType::kINT32: return widened<std::int32_t>(weights);
        case DataType::kINT8: return widened<std::int8_t>(weights);
        case DataType::kUINT8: return widened<std::uint8_t>(weights);
        case DataType::kBOOL: return truths(weights);
        default: throw Unsupported(text("Constants of type ", dtype_name(weights.type), " cannot be cast."));
    }
}

template <typename Convert>
graph::Weights each(const graph::Weights& weights, DataType to, const Convert& convert) {
    const std::vector<std::int64_t> values = integers_of(weights);
    std::vector<decltype(convert(0))> out(values.size());
    std::ranges::transform(values, out.begin(), convert);
    return make_weights(to, std::move(out));
}

template <typename T>
graph::Weights low_bits(const graph::Weights& weights, DataType to) {
    return each(weights, to, [](std::int64_t value) { return static_cast<T>(value); });
}

graph::Weights from_integers(const graph::Weights& weights, DataType to) {
    switch (to) {
        case DataType::kINT64: return low_bits<std::int64_t>(weights, to);
        case DataType::kINT32: return low_bits<std::int32_t>(weights, to);
        case DataType::kINT8: return low_bits<std::int8_t>(weights, to);
        case DataType::kUINT8: return low_bits<std::uint8_t>(weights, to);
        case DataType::kBOOL: return each(weights, to, [](std::int64_t value) { return static_cast<std::uint8_t>(value != 0 ? 1 : 0); });
        case DataType::kHALF: return each(weights, to, [](std::int64_t value) { return float_to_half(static_cast<float>(value)); });
        case DataType::kBF16: return each(weights, to, [](std::int64_t value) { return float_to_bfloat16(static_cast<float>(value)); });
        case DataType::kFLOAT: return each(weights, to, [](std::int64_t value) { return static_cast<float>(value); });
        default: throw Unsupported(text("Constants cannot be cast to ", dtype_name(to), "."));
    }
}

} // namespace

graph::Weights cast_weights(const graph::Weights& weights, DataType to) {
    if (!is_floating(weights.type)) {
        return from_integers(weights, to);
    }
    std::vector<double> numbers = to_doubles(weights);
    if (!is_floating(to) && to != DataType::kBOOL) {
        std::ranges::transform(numbers, numbers.begin(), [](double number) { return std::trunc(number); });
    }
    return from_doubles(to, numbers);
}

} // namespace tensorvk::onnx
