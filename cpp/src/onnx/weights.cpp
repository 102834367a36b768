#include "onnx/weights.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "onnx/external_data.hpp"
#include "onnx/failure.hpp"
#include "onnx/narrow_types.hpp"
#include "support/checked.hpp"
#include "support/dtype.hpp"
#include "support/onnx_type.hpp"

namespace tensorvk::onnx {

namespace {

using onnx_pb::TensorProto;

constexpr std::int32_t kDouble = 11;

std::int64_t checked_count(const TensorProto& tensor) {
    if (std::any_of(tensor.dims().begin(), tensor.dims().end(), [](std::int64_t d) { return d < 0; })) {
        throw InvalidModel(text("Tensor '", tensor.name(), "' has a negative dimension."));
    }
    return checked_volume(std::vector<std::int64_t>(tensor.dims().begin(), tensor.dims().end()));
}

void require_count(const TensorProto& tensor, std::int64_t given, std::int64_t expected, const char* unit) {
    if (given != expected) {
        throw InvalidModel(text("Tensor '", tensor.name(), "' holds ", given, " ", unit,
                                " where its shape and type ask for ", expected, "; the model is damaged."));
    }
}

//! Weights whose bytes are those of `data`.
graph::Weights view(DataType type, const void* data, std::int64_t count, std::shared_ptr<const void> owner) {
    return {type, static_cast<const std::byte*>(data), count, std::move(owner)};
}

graph::Weights from_raw(DataType type, std::int32_t number, std::span<const std::byte> bytes, std::int64_t count,
                        std::shared_ptr<const void> owner) {
    if (number == kDouble) {
        std::vector<float> narrow(static_cast<std::size_t>(count));
        for (std::size_t i = 0; i < narrow.size(); ++i) {
            double value = 0.0;
            std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
            narrow[i] = static_cast<float>(value);
        }
        return make_weights(type, std::move(narrow));
    }
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % dtype_size(type) == 0) {
        return view(type, bytes.data(), count, std::move(owner));
    }
    auto aligned = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
    return view(type, aligned->data(), count, aligned);
}

//! int32_data holds one small number (or the bits of a 16-bit float) per entry.
template <typename T>
graph::Weights narrowed(const TensorProto& tensor, DataType type) {
    std::vector<T> values;
    values.reserve(static_cast<std::size_t>(tensor.int32_data_size()));
    for (const std::int32_t value : tensor.int32_data()) {
        values.push_back(static_cast<T>(value));
    }
    return make_weights(type, std::move(values));
}

graph::Weights from_fields(const TensorProto& tensor, DataType type, std::int64_t count,
                           const std::shared_ptr<const void>& owner) {
    if (tensor.data_type() == kDouble) {
        require_count(tensor, tensor.double_data_size(), count, "values");
        return make_weights(type, std::vector<float>(tensor.double_data().begin(), tensor.double_data().end()));
    }
    if (type == DataType::kFLOAT) {
        require_count(tensor, tensor.float_data_size(), count, "values");
        return view(type, tensor.float_data().data(), count, owner);
    }
    if (type == DataType::kINT64) {
        require_count(tensor, tensor.int64_data_size(), count, "values");
        return view(type, tensor.int64_data().data(), count, owner);
    }
    require_count(tensor, tensor.int32_data_size(), count, "values");
    if (type == DataType::kINT32) {
        return view(type, tensor.int32_data().data(), count, owner);
    }
    return dtype_size(type) == 2 ? narrowed<std::uint16_t>(tensor, type) : narrowed<std::uint8_t>(tensor, type);
}

} // namespace

ConstantData read_tensor(const TensorProto& tensor, const std::shared_ptr<const void>& owner,
                         const std::filesystem::path& model_file) {
    if (auto narrow = read_narrow_tensor(tensor, model_file)) {
        return *std::move(narrow);
    }
    const auto type = onnx_type(tensor.data_type());
    if (!type) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, "Tensor '", tensor.name(), "' holds elements of type ",
             onnx_type_name(tensor.data_type()),
             "; float, float16, bfloat16, double, int8, uint8, int32, int64, bool and, as constants, 4-bit integers and 8-bit floats are offered.");
    }
    const std::int64_t count = checked_count(tensor);
    const std::size_t element = tensor.data_type() == kDouble ? sizeof(double) : dtype_size(*type);
    const std::int64_t bytes = checked_mul(count, static_cast<std::int64_t>(element));
    ConstantData out{{tensor.dims().begin(), tensor.dims().end()}, {}, {}};
    if (tensor.data_type() == kDouble) {
        out.warning = text("Tensor '", tensor.name(), "' is float64 and was rounded to float32.");
    }
    if (tensor.data_location() == 1) {
        const ExternalData data = read_external(tensor, model_file, bytes);
        out.weights = from_raw(*type, tensor.data_type(), data.bytes, count, data.owner);
    } else if (tensor.has_raw_data()) {
        require_count(tensor, static_cast<std::int64_t>(tensor.raw_data().size()), bytes, "bytes");
        const auto* data = reinterpret_cast<const std::byte*>(tensor.raw_data().data());
        out.weights = from_raw(*type, tensor.data_type(), {data, tensor.raw_data().size()}, count, owner);
    } else {
        out.weights = from_fields(tensor, *type, count, owner);
    }
    return out;
}

namespace {

template <typename T, typename Convert>
void widen(const graph::Weights& weights, std::vector<double>& out, const Convert& convert) {
    for (std::int64_t i = 0; i < weights.count; ++i) {
        T value{};
        std::memcpy(&value, weights.data + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
        out.push_back(convert(value));
    }
}

template <typename T, typename Convert>
graph::Weights narrow(DataType type, const std::vector<double>& values, const Convert& convert) {
    std::vector<T> out;
    out.reserve(values.size());
    std::transform(values.begin(), values.end(), std::back_inserter(out), convert);
    return make_weights(type, std::move(out));
}

template <typename T>
T saturate(double value) {
    if (!(value > static_cast<double>(std::numeric_limits<T>::min()))) {
        return std::numeric_limits<T>::min();
    }
    return value >= static_cast<double>(std::numeric_limits<T>::max()) ? std::numeric_limits<T>::max()
                                                                       : static_cast<T>(value);
}

} // namespace

std::vector<double> to_doubles(const graph::Weights& weights) {
    std::vector<double> out;
    out.reserve(static_cast<std::size_t>(weights.count));
    const auto plain = [](auto value) { return static_cast<double>(value); };
    switch (weights.type) {
        case DataType::kFLOAT:
            widen<float>(weights, out, plain);
            return out;
        case DataType::kHALF:
            widen<std::uint16_t>(weights, out,
                                 [](std::uint16_t bits) { return static_cast<double>(half_to_float(bits)); });
            return out;
        case DataType::kBF16:
            widen<std::uint16_t>(weights, out,
                                 [](std::uint16_t bits) { return static_cast<double>(bfloat16_to_float(bits)); });
            return out;
        case DataType::kINT32:
            widen<std::int32_t>(weights, out, plain);
            return out;
        case DataType::kINT64:
            widen<std::int64_t>(weights, out, plain);
            return out;
        case DataType::kINT8:
            widen<std::int8_t>(weights, out, plain);
            return out;
        case DataType::kUINT8:
            widen<std::uint8_t>(weights, out, plain);
            return out;
        case DataType::kBOOL:
            widen<std::uint8_t>(weights, out, [](std::uint8_t value) { return value != 0 ? 1.0 : 0.0; });
            return out;
        default:
            throw Unsupported(text("Constants of type ", dtype_name(weights.type), " cannot be computed with."));
    }
}

graph::Weights from_doubles(DataType type, const std::vector<double>& values) {
    switch (type) {
        case DataType::kFLOAT:
            return narrow<float>(type, values, [](double v) { return static_cast<float>(v); });
        case DataType::kHALF:
            return narrow<std::uint16_t>(type, values, [](double v) { return float_to_half(static_cast<float>(v)); });
        case DataType::kBF16:
            return narrow<std::uint16_t>(type, values,
                                         [](double v) { return float_to_bfloat16(static_cast<float>(v)); });
        case DataType::kINT32:
            return narrow<std::int32_t>(type, values, saturate<std::int32_t>);
        case DataType::kINT64:
            return narrow<std::int64_t>(type, values, saturate<std::int64_t>);
        case DataType::kINT8:
            return narrow<std::int8_t>(type, values, saturate<std::int8_t>);
        case DataType::kUINT8:
            return narrow<std::uint8_t>(type, values, saturate<std::uint8_t>);
        case DataType::kBOOL:
            return narrow<std::uint8_t>(type, values, [](double v) { return static_cast<std::uint8_t>(v != 0.0); });
        default:
            throw Unsupported(text("Constants of type ", dtype_name(type), " cannot be computed with."));
    }
}

} // namespace tensorvk::onnx
