#include "kernels/cpu/convolution_epilogue.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

Word stored_type(const Launch& launch) {
    // kStoresInt8 and kStoresUint8 of cpp/src/tactics/convolution_problem.cpp.
    constexpr std::array kStored{std::pair{0, Word::kF32}, std::pair{256, Word::kI8}, std::pair{512, Word::kU8}};
    const auto stored = std::ranges::find(kStored, launch.geometry(0), [](const auto& type) { return type.first; });
    if (stored == kStored.end()) {
        throw InvalidPlan(
            text("Layer '", launch.layer(), "' of the plan is a convolution of types that its kernel does not take: rebuild the plan."));
    }
    return stored->second;
}

Epilogue convolution_epilogue(const Launch& launch, const ConvolutionShape& shape, Word type, std::uint32_t types) {
    const std::array<std::int64_t, 5> extents{shape.batch, shape.out_channels, shape.out[0], shape.out[1], shape.out[2]};
    constexpr std::array<std::size_t, 5> kLast{0, 2, 3, 4, 1}, kFirst{0, 1, 2, 3, 4};
    const auto order_of = [&](bool last) { return last ? kLast : kFirst; };
    std::vector<std::int64_t> ordered;
    for (const std::size_t axis : order_of(shape.out_last)) ordered.push_back(extents[axis]);
    const auto strides = [&](std::uint32_t mode) {
        std::array<std::int64_t, 5> by_axis{};
        std::int64_t stride = 1;
        const auto order = order_of((mode & 32) != 0);
        for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
            if ((mode >> *axis & 1) == 0) continue;
            by_axis[*axis] = stride;
            stride = checked_mul(stride, extents[*axis]);
        }
        std::vector<std::int64_t> out;
        for (const std::size_t axis : order_of(shape.out_last)) out.push_back(by_axis[axis]);
        return out;
    };
    return {launch, {ordered, shape.out_last ? std::size_t{4} : std::size_t{1}, type}, types, strides};
}

} // namespace tensorvk::kernels::cpu
