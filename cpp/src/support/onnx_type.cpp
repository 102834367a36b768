#include "support/onnx_type.hpp"

#include <algorithm>
#include <array>

#include "support/error.hpp"

namespace tensorvk {

namespace {

struct Row {
    std::int64_t number;
    DataType type;
};

constexpr std::array kTypes{
    Row{1, DataType::kFLOAT}, Row{2, DataType::kUINT8}, Row{3, DataType::kINT8},
    Row{6, DataType::kINT32}, Row{7, DataType::kINT64}, Row{9, DataType::kBOOL},
    Row{10, DataType::kHALF}, Row{11, DataType::kFLOAT}, Row{16, DataType::kBF16},
};

} // namespace

std::optional<DataType> onnx_type(std::int64_t number) noexcept {
    const auto* row = std::ranges::find(kTypes, number, &Row::number);
    return row == kTypes.end() ? std::nullopt : std::optional(row->type);
}

std::int64_t onnx_number(DataType type) {
    const auto* row = std::ranges::find(kTypes, type, &Row::type);
    if (row == kTypes.end()) {
        throw Unsupported(text("The type number ", static_cast<int>(type), " (trt.DataType) is not offered for tensors; float, half, bfloat16, "
                               "int8, uint8, int32, int64 and bool are."));
    }
    return row->number;
}

} // namespace tensorvk
