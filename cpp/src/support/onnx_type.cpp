#include "support/onnx_type.hpp"

#include <algorithm>
#include <array>

#include "support/error.hpp"

namespace tensorvk {

namespace {

struct Row {
    std::int64_t number;
    std::string_view name;
    std::optional<DataType> type;
};

constexpr std::array kTypes{
    Row{1, "float", DataType::kFLOAT},     Row{2, "uint8", DataType::kUINT8},       Row{3, "int8", DataType::kINT8},
    Row{4, "uint16", std::nullopt},        Row{5, "int16", std::nullopt},           Row{6, "int32", DataType::kINT32},
    Row{7, "int64", DataType::kINT64},     Row{8, "string", std::nullopt},          Row{9, "bool", DataType::kBOOL},
    Row{10, "float16", DataType::kHALF},   Row{11, "double", DataType::kFLOAT},     Row{12, "uint32", std::nullopt},
    Row{13, "uint64", std::nullopt},       Row{14, "complex64", std::nullopt},      Row{15, "complex128", std::nullopt},
    Row{16, "bfloat16", DataType::kBF16},  Row{17, "float8e4m3fn", std::nullopt},   Row{18, "float8e4m3fnuz", std::nullopt},
    Row{19, "float8e5m2", std::nullopt},   Row{20, "float8e5m2fnuz", std::nullopt}, Row{kOnnxUint4, "uint4", std::nullopt},
    Row{kOnnxInt4, "int4", std::nullopt},  Row{23, "float4e2m1", std::nullopt},     Row{24, "float8e8m0", std::nullopt},
    Row{25, "uint2", std::nullopt},        Row{26, "int2", std::nullopt},
};

} // namespace

std::optional<DataType> onnx_type(std::int64_t number) noexcept {
    const auto* row = std::ranges::find(kTypes, number, &Row::number);
    return row == kTypes.end() ? std::nullopt : row->type;
}

std::string onnx_type_name(std::int64_t number) {
    const auto* row = std::ranges::find(kTypes, number, &Row::number);
    return row == kTypes.end() ? text("number ", number) : std::string(row->name);
}

std::int64_t onnx_number(DataType type) {
    const auto* row = std::ranges::find(kTypes, std::optional(type), &Row::type);
    if (row == kTypes.end()) {
        throw Unsupported(text("The type number ", static_cast<int>(type), " (trt.DataType) is not offered for tensors; float, half, bfloat16, "
                               "int8, uint8, int32, int64 and bool are."));
    }
    return row->number;
}

} // namespace tensorvk
