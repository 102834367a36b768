// Between the API's Dims and the vectors of the rooms below.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "support/error.hpp"
#include "tensorvk/types.h"

namespace tensorvk::api {

//! Throws InvalidArgument for a rank that no shape has.
[[nodiscard]] inline std::span<const std::int64_t> view(const Dims& dims) {
    if (dims.nbDims < 0 || dims.nbDims > Dims::MAX_DIMS) {
        throw InvalidArgument(text("A shape of rank ", dims.nbDims, " was given; 0 to ", Dims::MAX_DIMS,
                                   " dimensions are possible, and the rank -1 stands for a shape that is not known."));
    }
    return {dims.d, static_cast<std::size_t>(dims.nbDims)};
}

[[nodiscard]] inline std::vector<std::int64_t> to_vector(const Dims& dims) {
    const auto values = view(dims);
    return {values.begin(), values.end()};
}

[[nodiscard]] inline Dims to_dims(std::span<const std::int64_t> values) {
    if (values.size() > static_cast<std::size_t>(Dims::MAX_DIMS)) {
        throw InvalidArgument(
            text("A shape has ", values.size(), " dimensions; at most ", Dims::MAX_DIMS, " are possible."));
    }
    Dims dims;
    dims.nbDims = static_cast<std::int32_t>(values.size());
    std::ranges::copy(values, dims.d);
    return dims;
}

//! The answer "there is none": a rank that no shape has.
[[nodiscard]] inline Dims no_dims() {
    Dims dims;
    dims.nbDims = -1;
    return dims;
}

} // namespace tensorvk::api
