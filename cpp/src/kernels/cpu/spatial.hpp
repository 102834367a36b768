// Batches of images as cpu/pooling and cpu/resize take them: parameters 0 .. 7 of their shaders, three spatial axes (missing ones have extent
// 1), each tensor with its channels last or row-major.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "kernels/cpu/kernel.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

using Triple = std::array<std::int64_t, 3>; // depth, height, width

struct Image {
    Triple extent{};
    std::int64_t channel = 1, place = 1, batch = 1; // strides in elements: of a channel, of the last spatial axis, of an image

    [[nodiscard]] std::int64_t places() const { return extent[0] * extent[1] * extent[2]; }
    //! Stride along a spatial axis.
    [[nodiscard]] std::int64_t stride(std::size_t axis) const { return place * (axis == 2 ? 1 : axis == 1 ? extent[2] : extent[1] * extent[2]); }
    [[nodiscard]] std::int64_t offset(const Triple& at) const { return ((at[0] * extent[1] + at[1]) * extent[2] + at[2]) * place; }
};

template <typename T>
struct Images {
    std::int64_t batch = 0, channels = 0;
    Image in, out;
    const T* x = nullptr;
    T* y = nullptr;

    [[nodiscard]] bool empty() const { return batch == 0; }
    //! Channels lie side by side in the input, and there are enough to go through them together.
    [[nodiscard]] bool by_channels() const { return in.channel == 1 && channels >= 8; }
};

//! A position of the output: image n, place o.
struct Place {
    std::int64_t n = 0;
    Triple o{};

    Place(std::int64_t index, const Triple& extent) {
        for (std::size_t axis = 3; axis-- > 0;) {
            o[axis] = index % extent[axis];
            index /= extent[axis];
        }
        n = index;
    }
};

[[noreturn]] inline void refuse_images(const Launch& launch, const char* what, std::int64_t value) {
    throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan has images with ", what, " ", value, ": rebuild the plan."));
}

//! A number in the range of the shaders, at least `least`: products of two of them fit into 64 bits.
[[nodiscard]] inline std::int64_t bounded(const Launch& launch, std::int64_t value, std::int64_t least, const char* what) {
    if (value < least || value > std::numeric_limits<std::int32_t>::max()) refuse_images(launch, what, value);
    return value;
}

//! Constants `last` and `last` + 1 say whether the channels of input and output are last.
template <typename T>
[[nodiscard]] Images<T> images_of(const Launch& launch, std::uint32_t last) {
    Images<T> images;
    const std::int64_t count = launch.param(0);
    if (count == 0) return images;
    images.channels = bounded(launch, launch.param(1), 1, "a number of channels of");
    for (std::size_t axis = 0; axis < 3; ++axis) {
        images.out.extent[axis] = bounded(launch, launch.param(2 + axis), 1, "an extent of");
        images.in.extent[axis] = bounded(launch, launch.param(5 + axis), 1, "an extent of");
    }
    const std::int64_t each = checked_mul(images.channels, checked_volume(images.out.extent));
    if (count < 0 || count % each != 0) refuse_images(launch, "a count of elements of", count);
    images.batch = count / each;
    for (Image* image : {&images.in, &images.out}) {
        const std::int64_t places = checked_volume(image->extent);
        const bool channels_last = launch.geometry(image == &images.in ? last : last + 1) != 0;
        image->channel = channels_last ? 1 : places;
        image->place = channels_last ? images.channels : 1;
        image->batch = checked_mul(places, images.channels);
    }
    images.x = launch.buffer<const T>(0, checked_mul(images.batch, images.in.batch));
    images.y = launch.buffer<T>(1, count);
    return images;
}

} // namespace tensorvk::kernels::cpu
