// Values of window operations as their kernels see them: a batch, channels and always three spatial axes, missing ones with extent 1.
#pragma once

#include <array>
#include <string>

#include "tactics/family.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {

//! Extents of depth, height and width of a value whose spatial axes begin at `first_axis`.
[[nodiscard]] std::array<shape::Expr, 3> spatial_extents(shape::ExprPool& exprs, const Value& value, std::size_t first_axis = 2);

//! A list with one entry per spatial axis, filled up to three from the front.
template <typename T>
[[nodiscard]] std::array<T, 3> spatial_triple(const std::vector<T>& values, T missing) {
    std::array<T, 3> triple{missing, missing, missing};
    for (std::size_t i = 0; i < values.size() && i < 3; ++i) {
        triple[3 - values.size() + i] = values[i];
    }
    return triple;
}

//! True when the channels' place in memory does not depend on the layout, or is last.
[[nodiscard]] bool channels_are_last(const shape::ExprPool& exprs, const Value& value);

//! Why a kernel over float32 and, in its f16 variant, float16 memory cannot take these two values, or empty.
[[nodiscard]] std::string refuse_float_pair(const Value& x, const Value& y, const vulkan::DeviceCaps& caps);
//! Why a kernel over `together` neighbouring channels cannot take them, or empty.
[[nodiscard]] std::string refuse_channel_vectors(const Value& x, const Value& y, std::int64_t together, const shape::ExprPool& exprs);

//! Bit 0: x is float16 (in kernels of bfloat16: that), bit 1: y is.
[[nodiscard]] std::int32_t half_bits(const Value& x, const Value& y);
//! "f16" when one of the values is float16, else "f32".
[[nodiscard]] const char* float_variant(const Value& x, const Value& y);

} // namespace tensorvk::tactics
