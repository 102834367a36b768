#include "tactics/word_types.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::tactics {

namespace {
// Place = number in the shader.
constexpr std::array kTypes = {DataType::kFLOAT, DataType::kHALF,  DataType::kBF16, DataType::kINT32,
                               DataType::kINT64, DataType::kUINT8, DataType::kINT8, DataType::kBOOL};
} // namespace

std::int32_t word_type(DataType type) {
    const auto at = std::ranges::find(kTypes, type);
    if (at == kTypes.end()) {
        throw InternalError(text("Kernels over words have no number for the element type ", dtype_name(type), "."));
    }
    return static_cast<std::int32_t>(at - kTypes.begin());
}

std::int64_t elements_per_word(DataType type) {
    const auto bytes = static_cast<std::int64_t>(dtype_size(type));
    return std::max<std::int64_t>(1, 4 / bytes);
}

kernels::PointwiseProgram stored_program(kernels::PointwiseProgram program, DataType type) {
    if (is_byte(type)) program.slots.resize(kernels::slots_before_bounds(program, type == DataType::kINT8 ? -128.0f : 0.0f));
    return program;
}

std::string refuse_word_type(const Value& value) {
    if (std::ranges::find(kTypes, value.dtype) != kTypes.end()) {
        return {};
    }
    return text("'", value.name, "' is ", dtype_name(value.dtype), ", which device code does not compute with");
}

std::string refuse_storage(std::int64_t bytes, const vulkan::DeviceCaps& caps) {
    if (bytes == 1 && !caps.int8_storage) return "the device cannot store 8-bit elements (storageBuffer8BitAccess)";
    if (bytes == 2 && !caps.fp16_storage) return "the device cannot store 16-bit elements (storageBuffer16BitAccess)";
    return {};
}

std::string refuse_packing(std::int64_t bytes, const vulkan::DeviceCaps& caps) {
    return refuse_storage(bytes, caps).empty() ? text("the device stores elements of ", 8 * bytes, " bits as they are") : std::string();
}

} // namespace tensorvk::tactics
