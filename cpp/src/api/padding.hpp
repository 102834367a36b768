// Padding is a slice that begins before and ends behind its input and fills with zeros.
#pragma once

#include <vector>

#include "api/network_state.hpp"

namespace tensorvk::api {

//! Of the last two dimensions.
struct Padding {
    Dims pre, post;
};

[[nodiscard]] IPaddingLayer* add_padding(NetworkState& network, graph::Tensor* input, const Padding& padding);
[[nodiscard]] Padding padding_of(const IPaddingLayer& layer);
void set_padding(IPaddingLayer& layer, const Padding& padding);

} // namespace tensorvk::api
