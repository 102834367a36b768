#include "onnx/narrow_types.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "onnx/external_data.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::onnx {

namespace {

using onnx_pb::TensorProto;

//! Of `exponent_bits` bits above `mantissa_bits`. "fn": no infinities, NaN where all bits are set.
float small_float(std::uint8_t bits, int mantissa_bits, int bias, bool fn) {
    const float sign = (bits & 0x80U) != 0 ? -1.0F : 1.0F;
    const int magnitude = bits & 0x7F;
    const int exponent = magnitude >> mantissa_bits;
    const int mantissa = magnitude & ((1 << mantissa_bits) - 1);
    const int top = 0x7F >> mantissa_bits;
    if (fn ? magnitude == 0x7F : exponent == top && mantissa != 0) {
        return std::numeric_limits<float>::quiet_NaN();
    }
    if (!fn && exponent == top) {
        return sign * std::numeric_limits<float>::infinity();
    }
    const int whole = exponent == 0 ? mantissa : mantissa + (1 << mantissa_bits);
    return sign * std::ldexp(static_cast<float>(whole), std::max(exponent, 1) - bias - mantissa_bits);
}

float e4m3fn(std::uint8_t bits) { return small_float(bits, 3, 7, true); }
float e5m2(std::uint8_t bits) { return small_float(bits, 2, 15, false); }
float uint4(std::uint8_t bits) { return static_cast<float>(bits); }
float int4(std::uint8_t bits) { return static_cast<float>(bits >= 8 ? bits - 16 : bits); }

struct Row {
    std::int32_t number; // of TensorProto.DataType
    int per_byte;
    DataType type; // that it is read as
    float (*value)(std::uint8_t bits);
};
constexpr std::array kRows{
    Row{17, 1, DataType::kFLOAT, e4m3fn},
    Row{19, 1, DataType::kFLOAT, e5m2},
    Row{21, 2, DataType::kUINT8, uint4},
    Row{22, 2, DataType::kINT8, int4},
};

//! The packed bytes, wherever the file has them; int32_data holds one in each entry.
std::vector<std::uint8_t> bytes_of(const TensorProto& tensor, std::int64_t count, const std::filesystem::path& model_file) {
    const auto copied = [](const auto* data, std::size_t size) {
        const auto* first = reinterpret_cast<const std::uint8_t*>(data);
        return std::vector<std::uint8_t>(first, first + size);
    };
    std::vector<std::uint8_t> out;
    if (tensor.data_location() == 1) {
        const ExternalData data = read_external(tensor, model_file, count);
        out = copied(data.bytes.data(), data.bytes.size());
    } else if (tensor.has_raw_data()) {
        out = copied(tensor.raw_data().data(), tensor.raw_data().size());
    } else {
        std::ranges::transform(tensor.int32_data(), std::back_inserter(out), [](std::int32_t v) { return static_cast<std::uint8_t>(v); });
    }
    if (static_cast<std::int64_t>(out.size()) != count) {
        throw InvalidModel(text("Tensor '", tensor.name(), "' holds ", out.size(), " bytes where its shape and type ask for ", count,
                                "; the model is damaged."));
    }
    return out;
}

} // namespace

std::optional<ConstantData> read_narrow_tensor(const TensorProto& tensor, const std::filesystem::path& model_file) {
    const auto* row = std::ranges::find(kRows, tensor.data_type(), &Row::number);
    if (row == kRows.end()) {
        return std::nullopt;
    }
    ConstantData out{{tensor.dims().begin(), tensor.dims().end()}, {}, {}};
    out.narrow = row->number;
    if (std::ranges::any_of(out.dims, [](std::int64_t d) { return d < 0; })) {
        throw InvalidModel(text("Tensor '", tensor.name(), "' has a negative dimension."));
    }
    const std::int64_t count = checked_volume(out.dims);
    const std::vector<std::uint8_t> bytes = bytes_of(tensor, count / row->per_byte + (count % row->per_byte != 0 ? 1 : 0), model_file);
    std::vector<double> values;
    values.reserve(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
        const std::uint8_t byte = bytes[static_cast<std::size_t>(i / row->per_byte)];
        const int half = row->per_byte == 1 ? byte : i % 2 == 0 ? byte & 15 : byte >> 4;
        values.push_back(static_cast<double>(row->value(static_cast<std::uint8_t>(half))));
    }
    out.weights = from_doubles(row->type, values);
    return out;
}

} // namespace tensorvk::onnx
