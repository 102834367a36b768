#include "api/quantization.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "support/onnx_type.hpp"

namespace tensorvk::api {

namespace {

struct Blocks {
    std::int64_t axis, size;
};

//! None where another number of axes differs, or where the scales do not divide the axis.
std::optional<Blocks> blocks_of(const Dims& numbers, const Dims& scale) {
    std::optional<Blocks> found;
    if (numbers.nbDims != scale.nbDims || numbers.nbDims < 2) {
        return found;
    }
    for (std::int32_t i = 0; i < numbers.nbDims; ++i) {
        if (numbers.d[i] == scale.d[i] || numbers.d[i] < 0 || scale.d[i] < 0) { // below 0: known when the network runs
            continue;
        }
        if (found || scale.d[i] == 0 || numbers.d[i] % scale.d[i] != 0) {
            return std::nullopt;
        }
        found = Blocks{i, numbers.d[i] / scale.d[i]};
    }
    return found;
}

} // namespace

void set_quantized_type(AttributeSet& attributes, DataType type) {
    const bool narrow = type == DataType::kINT4;
    attributes.set("output_dtype", onnx_number(narrow ? DataType::kINT8 : type));
    attributes.set("bits", std::int64_t{narrow ? 4 : 8});
}

graph::OperatorAttributes quantization(const char* op, DataType type, const ITensor& numbers, const ITensor& scale) {
    graph::OperatorAttributes out{op, {}};
    set_quantized_type(out.attributes, type);
    if (const auto blocks = blocks_of(numbers.getDimensions(), scale.getDimensions())) {
        out.attributes.set("axis", blocks->axis);
        out.attributes.set("block_size", blocks->size);
    }
    return out;
}

graph::Weights widened_int4(const Weights& packed) {
    const auto* bytes = static_cast<const std::uint8_t*>(packed.values);
    const auto wide = std::make_shared<std::vector<std::int8_t>>(static_cast<std::size_t>(packed.count));
    for (std::size_t i = 0; i < wide->size(); ++i) {
        const int bits = i % 2 == 0 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4;
        (*wide)[i] = static_cast<std::int8_t>(bits < 8 ? bits : bits - 16);
    }
    return {DataType::kINT8, reinterpret_cast<const std::byte*>(wide->data()), packed.count, wide};
}

} // namespace tensorvk::api
