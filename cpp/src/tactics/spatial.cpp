#include "tactics/spatial.hpp"

#include <algorithm>

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/collapse.hpp"

namespace tensorvk::tactics {

std::array<shape::Expr, 3> spatial_extents(shape::ExprPool& exprs, const Value& value, std::size_t first_axis) {
    const shape::Exprs spatial(value.dims.begin() + static_cast<std::ptrdiff_t>(first_axis), value.dims.end());
    return spatial_triple(spatial, exprs.constant(1));
}

bool channels_are_last(const shape::ExprPool& exprs, const Value& value) {
    return value.layout == Layout::kCHANNELS_LAST ||
           std::all_of(value.dims.begin() + 2, value.dims.end(), [&](shape::Expr extent) { return exprs.is(extent, 1); });
}

std::string refuse_float_pair(const Value& x, const Value& y, const vulkan::DeviceCaps& caps) {
    for (const Value* value : {&x, &y}) {
        if (value->dtype != DataType::kFLOAT && value->dtype != DataType::kHALF) {
            return text("'", value->name, "' is ", dtype_name(value->dtype), ", only float32 and float16 are allowed; cast it first");
        }
        if (value->dtype == DataType::kHALF && !caps.fp16_storage) {
            return "the device cannot store 16-bit elements (storageBuffer16BitAccess)";
        }
    }
    return {};
}

std::string refuse_channel_vectors(const Value& x, const Value& y, std::int64_t together, const shape::ExprPool& exprs) {
    if (x.dims.size() < 3 || !channels_are_last(exprs, x) || !channels_are_last(exprs, y)) {
        return "the channels are not last in memory";
    }
    if (!is_multiple_of(exprs, x.dims[1], together)) {
        return text("the number of channels, ", exprs.str(x.dims[1]), ", is not known to be a multiple of ", together);
    }
    return {};
}

std::int32_t half_bits(const Value& x, const Value& y) {
    return (is_short_float(x.dtype) ? 1 : 0) | (is_short_float(y.dtype) ? 2 : 0);
}

const char* float_variant(const Value& x, const Value& y) { return half_bits(x, y) != 0 ? "f16" : "f32"; }

} // namespace tensorvk::tactics
