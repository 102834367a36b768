#include "kernels/onednn/winograd_weights.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/cpu/workers.hpp"

namespace tensorvk::kernels::cpu {

#if DNNL_VERSION_MAJOR == 2 // later ones do not show how these formats lie

namespace {

constexpr int kTaps = 3;
constexpr int kLanes = 16; // output channels side by side
constexpr int kMostPlanes = 6;
using Lanes = std::array<float, kLanes>;

//! The transformed weights are G w G^T with G of `planes` rows: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015. The points of
//! F(4,3) are those of oneDNN's kernels: 0, +-5/8, +-3/2 and infinity.
struct Transform {
    int planes;
    float g[kMostPlanes][kTaps];
};
constexpr Transform kF23{4, {{1.0f, 0.0f, 0.0f}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0.0f, 0.0f, 1.0f}}};
constexpr Transform kF43{6,
                         {{1.13777777777778f, 0.0f, 0.0f},
                          {-0.688403361344538f, -0.430252100840336f, -0.26890756302521f},
                          {-0.688403361344538f, 0.430252100840336f, -0.26890756302521f},
                          {0.119514472455649f, 0.179271708683473f, 0.26890756302521f},
                          {0.119514472455649f, -0.179271708683473f, 0.26890756302521f},
                          {0.0f, 0.0f, 1.0f}}};

//! Where the lanes of an input channel and a block of output channels lie in the first plane, and how far the planes are apart.
struct Order {
    std::int64_t plane = 0;
    std::int64_t outer_block = 0, inner_block = 0; // of output channels: steps between groups of `blocks_together`, and within one
    std::int64_t blocks_together = 1;
    std::int64_t outer_channel = 0, inner_channel = 0; // of input channels, the same
    std::int64_t channels_together = 1;

    [[nodiscard]] std::int64_t at(std::int64_t block, std::int64_t channel) const {
        return block / blocks_together * outer_block + block % blocks_together * inner_block + channel / channels_together * outer_channel +
               channel % channels_together * inner_channel;
    }
};

struct Format {
    const Transform* transform = nullptr; // null: none of ours
    Order order;
    std::int64_t in = 0, out = 0; // channels, filled up to blocks
};

//! Letters of a format's name, slowest first: a the planes, O and o output channels, I and i input channels, B groups of blocks.
Format format_of(const dnnl_wino_desc_t& d) {
    const std::int64_t in = d.ic, out = d.oc, in_block = d.ic_block, in_together = std::int64_t{d.ic2_block} * in_block, together = d.oc2_block;
    if (d.r != kTaps || d.oc_block != kLanes || in_block < 1 || in % in_block != 0 || out % kLanes != 0) return {};
    switch (d.wino_format) {
    case dnnl_wino_wei_aaOio: return {&kF23, {in * out, in * kLanes, 0, 1, kLanes, 0, 1}, in, out};
    case dnnl_wino_wei_aaOBiOo:
        if (together < 1) return {};
        return {&kF23, {in * out, together * in * kLanes, kLanes, together, together * kLanes, 0, 1}, in, out};
    case dnnl_wino_wei_OBaaIBOIio: {
        if (together < 1 || in_together < 1) return {};
        const std::int64_t tile = in_together * kLanes, plane = in * together * kLanes; // a block's part of a group of input channels, all of a plane
        return {&kF43, {plane, kF43.planes * kF43.planes * plane, tile, together, together * tile, kLanes, in_together}, in, out};
    }
    default: return {};
    }
}

//! 3 x 3 weights of one input channel and a block of output channels, transformed.
void transform(const Transform& t, const Lanes (&w)[kTaps][kTaps], float* to, std::int64_t plane) {
    Lanes rows[kTaps][kMostPlanes];
    for (int y = 0; y < kTaps; ++y) {
        for (int v = 0; v < t.planes; ++v) {
            for (std::size_t l = 0; l < kLanes; ++l) rows[y][v][l] = t.g[v][0] * w[y][0][l] + t.g[v][1] * w[y][1][l] + t.g[v][2] * w[y][2][l];
        }
    }
    for (int u = 0; u < t.planes; ++u) {
        for (int v = 0; v < t.planes; ++v, to += plane) {
            for (std::size_t l = 0; l < kLanes; ++l) to[l] = t.g[u][0] * rows[0][v][l] + t.g[u][1] * rows[1][v][l] + t.g[u][2] * rows[2][v][l];
        }
    }
}

} // namespace

bool pack_winograd_weights(const dnnl::memory::desc& given, const float* weights, const dnnl::memory& target) {
    const dnnl_memory_desc_t wanted = target.get_desc().data;
    if (wanted.format_kind != dnnl_format_kind_wino || given.data_type() != dnnl::memory::data_type::f32) return false;
    const Format format = format_of(wanted.format_desc.wino_desc);
    if (format.transform == nullptr) return false;
    const auto dims = given.dims();
    const auto& strides = given.data.format_desc.blocking.strides;
    auto* to = static_cast<float*>(target.get_data_handle());
    spread(format.out / kLanes * format.in, 64, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t unit = first; unit < last; ++unit) {
            const std::int64_t block = unit / format.in, channel = unit % format.in;
            const std::int64_t lanes = channel < dims[1] ? std::clamp<std::int64_t>(dims[0] - block * kLanes, 0, kLanes) : 0;
            const float* from = weights + block * kLanes * strides[0] + channel * strides[1];
            Lanes w[kTaps][kTaps] = {};
            for (std::int64_t l = 0; l < lanes; ++l, from += strides[0]) {
                for (int y = 0; y < kTaps; ++y) {
                    for (int x = 0; x < kTaps; ++x) w[y][x][static_cast<std::size_t>(l)] = from[y * strides[2] + x * strides[3]];
                }
            }
            transform(*format.transform, w, to + format.order.at(block, channel), format.order.plane);
        }
    });
    return true;
}

#else

bool pack_winograd_weights(const dnnl::memory::desc&, const float*, const dnnl::memory&) { return false; }

#endif

} // namespace tensorvk::kernels::cpu
