// cpu/resize: one to three spatial axes, nearest, linear or cubic. The step is that of resize/generic; parameters and constants are described
// in shaders/resize/generic.comp, whose formulas these are. Which elements an output place reads, and their weights, are worked out once for
// each axis.
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <vector>

#include "kernels/cpu/bfloat.hpp"
#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/spatial.hpp"
#include "kernels/cpu/workers.hpp"
#include "tensorvk/types.h"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::int64_t kLanes = 16;    // neighbouring channels at a time
constexpr std::int64_t kPlaces = 256;  // neighbouring results of a row at a time
constexpr std::int64_t kGrain = 16384; // elements worth a thread
constexpr std::size_t kMostTaps = 4;

struct Axis {
    std::size_t taps = 1;
    std::vector<std::int64_t> offset; // in elements of the input; by tap, then by output place
    std::vector<float> weight;
    std::int64_t places = 0;

    [[nodiscard]] const std::int64_t* offsets(std::size_t tap) const { return offset.data() + static_cast<std::int64_t>(tap) * places; }
    [[nodiscard]] const float* weights(std::size_t tap) const { return weight.data() + static_cast<std::int64_t>(tap) * places; }
};

template <typename Element>
struct Task {
    Images<Element> images;
    std::array<Axis, 3> axes;
};

struct Rules {
    InterpolationMode mode = InterpolationMode::kNEAREST;
    ResizeCoordinateTransformation coordinates = ResizeCoordinateTransformation::kASYMMETRIC;
    ResizeRoundMode rounding = ResizeRoundMode::kHALF_UP;
    bool upper = false, exclude_outside = false;
    float cubic_coefficient = 0.0f;

    [[nodiscard]] std::size_t taps() const { return mode == InterpolationMode::kCUBIC ? 4 : mode == InterpolationMode::kLINEAR ? 2 : 1; }
};

float source_position(std::int64_t place, std::int64_t in, std::int64_t out, float given, const Rules& rules) {
    const float scale = given != 0.0f ? given : static_cast<float>(out) / static_cast<float>(in);
    const auto o = static_cast<float>(place);
    if (rules.upper && out == 1) return 0.0f;
    switch (rules.coordinates) {
    case ResizeCoordinateTransformation::kALIGN_CORNERS: return out == 1 ? 0.0f : o * static_cast<float>(in - 1) / (static_cast<float>(out) - 1.0f);
    case ResizeCoordinateTransformation::kASYMMETRIC: return o / scale;
    case ResizeCoordinateTransformation::kHALF_PIXEL: break;
    }
    return (o + 0.5f) / scale - 0.5f;
}

float rounded(float p, ResizeRoundMode mode) {
    switch (mode) {
    case ResizeRoundMode::kHALF_UP: return std::floor(p + 0.5f);
    case ResizeRoundMode::kHALF_DOWN: return std::ceil(p - 0.5f);
    case ResizeRoundMode::kFLOOR: return std::floor(p);
    case ResizeRoundMode::kCEIL: break;
    }
    return std::ceil(p);
}

//! Of the elements around a position that lies t behind the second.
std::array<float, kMostTaps> cubic_weights(float t, float a) {
    const auto far = [a](float d) { return ((a * d - 5.0f * a) * d + 8.0f * a) * d - 4.0f * a; };
    const auto near = [a](float d) { return ((a + 2.0f) * d - (a + 3.0f)) * d * d + 1.0f; };
    return {far(1.0f + t), near(t), near(1.0f - t), far(2.0f - t)};
}

//! The element at a position; 0 for NaN, which a scale from a plan may bring about.
std::int64_t inside(float p, std::int64_t last) {
    return p > 0.0f ? p < static_cast<float>(last) ? static_cast<std::int64_t>(p) : last : 0;
}

struct Taps {
    std::array<std::int64_t, kMostTaps> at{};
    std::array<float, kMostTaps> weight{1.0f};
};

Taps taps_of(float p, std::int64_t last, const Rules& rules) {
    Taps taps;
    if (rules.mode == InterpolationMode::kNEAREST) {
        taps.at[0] = inside(rounded(p, rules.rounding), last);
        return taps;
    }
    if (rules.mode == InterpolationMode::kLINEAR) {
        const float bounded = p > 0.0f ? std::min(p, static_cast<float>(last)) : 0.0f;
        const std::int64_t low = inside(bounded, last);
        const float part = bounded - static_cast<float>(low);
        return {{low, std::min(low + 1, last)}, {1.0f - part, part}};
    }
    const float low = std::floor(p);
    taps.weight = cubic_weights(p - low, rules.cubic_coefficient);
    float sum = 0.0f;
    for (std::size_t i = 0; i < kMostTaps; ++i) {
        const float at = low + static_cast<float>(i) - 1.0f;
        if (rules.exclude_outside && !(at >= 0.0f && at <= static_cast<float>(last))) taps.weight[i] = 0.0f;
        taps.at[i] = inside(at, last);
        sum += taps.weight[i];
    }
    for (float& weight : taps.weight) {
        if (rules.exclude_outside) weight /= sum;
    }
    return taps;
}

template <typename Element>
Axis axis_of(const Launch& launch, const Images<Element>& images, std::size_t axis, const Rules& rules) {
    const std::int64_t in = images.in.extent[axis], out = images.out.extent[axis], stride = images.in.stride(axis);
    const std::int32_t taps = launch.geometry(static_cast<std::uint32_t>(5 + axis));
    const float scale = std::bit_cast<float>(static_cast<std::int32_t>(launch.param(8 + axis)));
    if (taps == 0 ? in != out : taps != static_cast<std::int32_t>(rules.taps())) refuse_images(launch, "a resized axis whose taps are", taps);
    Axis made;
    made.places = out;
    made.taps = taps == 0 ? 1 : rules.taps();
    made.offset.resize(made.taps * static_cast<std::size_t>(out));
    made.weight.resize(made.offset.size(), 1.0f);
    for (std::int64_t o = 0; o < out; ++o) {
        Taps now;
        now.at[0] = o;
        if (taps != 0) now = taps_of(source_position(o, in, out, scale, rules), in - 1, rules);
        for (std::size_t tap = 0; tap < made.taps; ++tap) {
            const std::size_t index = tap * static_cast<std::size_t>(out) + static_cast<std::size_t>(o);
            made.offset[index] = now.at[tap] * stride;
            made.weight[index] = now.weight[tap];
        }
    }
    return made;
}

//! Elements of the input that an output place reads, and their weights.
struct Reads {
    std::size_t count = 0;
    std::array<std::int64_t, kMostTaps * kMostTaps * kMostTaps> offset;
    std::array<float, kMostTaps * kMostTaps * kMostTaps> weight;

    void add(std::int64_t at, float w) {
        offset[count] = at;
        weight[count++] = w;
    }
};

//! `kWidth` neighbouring channels.
template <std::int64_t kWidth, typename Element>
void resize_channels(const Reads& reads, const Element* x, Element* y, std::int64_t stride) {
    float r[kWidth] = {};
    for (std::size_t i = 0; i < reads.count; ++i) {
        const Element* from = x + reads.offset[i];
        for (std::int64_t l = 0; l < kWidth; ++l) r[l] += number(from[l]) * reads.weight[i];
    }
    if (stride == 1) {
        for (std::int64_t l = 0; l < kWidth; ++l) y[l] = element_of<Element>(r[l]);
    } else {
        for (std::int64_t l = 0; l < kWidth; ++l) y[l * stride] = element_of<Element>(r[l]);
    }
}

//! Output places first .. last - 1, all channels of each; the input has its channels last.
template <typename Element>
void resize_places(const Task<Element>& task, std::int64_t first, std::int64_t last) {
    const Image &in = task.images.in, &out = task.images.out;
    const auto& [ax, ay, az] = task.axes;
    for (std::int64_t index = first; index < last; ++index) {
        const Place place(index, out.extent);
        Reads reads;
        for (std::size_t i = 0; i < ax.taps; ++i) {
            for (std::size_t j = 0; j < ay.taps; ++j) {
                const std::int64_t row = ax.offsets(i)[place.o[0]] + ay.offsets(j)[place.o[1]];
                const float weight = ax.weights(i)[place.o[0]] * ay.weights(j)[place.o[1]];
                for (std::size_t k = 0; k < az.taps; ++k) reads.add(row + az.offsets(k)[place.o[2]], weight * az.weights(k)[place.o[2]]);
            }
        }
        const Element* x = task.images.x + place.n * in.batch;
        Element* y = task.images.y + place.n * out.batch + out.offset(place.o);
        std::int64_t c = 0;
        for (; c + kLanes <= task.images.channels; c += kLanes) resize_channels<kLanes>(reads, x + c, y + c * out.channel, out.channel);
        for (; c < task.images.channels; ++c) resize_channels<1>(reads, x + c, y + c * out.channel, out.channel);
    }
}

//! Adds places begin .. begin + n - 1 of an input row to the results.
template <std::size_t kTaps, typename Element>
void add_row(const Axis& axis, const Element* row, float weight, std::int64_t begin, std::int64_t n, float* r) {
    std::array<const std::int64_t*, kTaps> offsets;
    std::array<const float*, kTaps> weights;
    for (std::size_t k = 0; k < kTaps; ++k) {
        offsets[k] = axis.offsets(k) + begin;
        weights[k] = axis.weights(k) + begin;
    }
    for (std::int64_t o = 0; o < n; ++o) {
        for (std::size_t k = 0; k < kTaps; ++k) r[o] += number(row[offsets[k][o]]) * (weight * weights[k][o]);
    }
}

//! Rows first .. last - 1 of the output.
template <std::size_t kTaps, typename Element>
void resize_rows(const Task<Element>& task, std::int64_t first, std::int64_t last) {
    const Image &in = task.images.in, &out = task.images.out;
    const auto& [ax, ay, az] = task.axes;
    for (std::int64_t index = first; index < last; ++index) {
        const Place place(index, {task.images.channels, out.extent[0], out.extent[1]});
        const std::int64_t ox = place.o[1], oy = place.o[2];
        const Element* x = task.images.x + place.n * in.batch + place.o[0] * in.channel;
        Element* y = task.images.y + place.n * out.batch + place.o[0] * out.channel + ox * out.stride(0) + oy * out.stride(1);
        for (std::int64_t begin = 0; begin < out.extent[2]; begin += kPlaces) {
            const std::int64_t n = std::min(kPlaces, out.extent[2] - begin);
            float r[kPlaces] = {};
            for (std::size_t i = 0; i < ax.taps; ++i) {
                for (std::size_t j = 0; j < ay.taps; ++j) {
                    add_row<kTaps>(az, x + ax.offsets(i)[ox] + ay.offsets(j)[oy], ax.weights(i)[ox] * ay.weights(j)[oy], begin, n, r);
                }
            }
            for (std::int64_t o = 0; o < n; ++o) y[(begin + o) * out.place] = element_of<Element>(r[o]);
        }
    }
}

template <std::size_t kTaps, typename Element>
Run rows_run(std::shared_ptr<const Task<Element>> task) {
    const Images<Element>& images = task->images;
    const std::int64_t rows = images.batch * images.channels * images.out.extent[0] * images.out.extent[1];
    const auto taps = static_cast<std::int64_t>(task->axes[0].taps * task->axes[1].taps * kTaps);
    const std::int64_t grain = std::max<std::int64_t>(kGrain / taps / images.out.extent[2], 1);
    return [=] { spread(rows, grain, [&](std::int64_t first, std::int64_t last) { resize_rows<kTaps>(*task, first, last); }); };
}

template <typename Element>
Run places_run(std::shared_ptr<const Task<Element>> task) {
    const Images<Element>& images = task->images;
    const std::int64_t places = images.batch * images.out.places();
    const auto taps = static_cast<std::int64_t>(task->axes[0].taps * task->axes[1].taps * task->axes[2].taps);
    const std::int64_t grain = std::max<std::int64_t>(kGrain / taps / images.channels, 1);
    return [=] { spread(places, grain, [&](std::int64_t first, std::int64_t last) { resize_places(*task, first, last); }); };
}

template <typename Element>
Run prepare(const Launch& launch) {
    auto task = std::make_shared<Task<Element>>();
    task->images = images_of<Element>(launch, 9);
    if (task->images.empty()) return [] {};
    const auto choice = [&](std::uint32_t constant, std::int32_t most) {
        const std::int32_t value = launch.geometry(constant);
        if (value < 0 || value > most) refuse_images(launch, "a resize mode of", value);
        return value;
    };
    Rules rules;
    rules.mode = static_cast<InterpolationMode>(choice(0, 2));
    rules.coordinates = static_cast<ResizeCoordinateTransformation>(choice(1, 2));
    rules.upper = launch.geometry(2) != 0;
    rules.rounding = static_cast<ResizeRoundMode>(choice(3, 3));
    rules.exclude_outside = launch.geometry(4) != 0;
    rules.cubic_coefficient = std::bit_cast<float>(static_cast<std::int32_t>(launch.param(11)));
    for (std::size_t axis = 0; axis < 3; ++axis) task->axes[axis] = axis_of(launch, task->images, axis, rules);
    if (task->images.by_channels()) return places_run<Element>(std::move(task));
    switch (task->axes[2].taps) {
    case 1: return rows_run<1, Element>(std::move(task));
    case 2: return rows_run<2, Element>(std::move(task));
    default: return rows_run<4, Element>(std::move(task));
    }
}

} // namespace

Run prepare_resize(const Launch& launch) { return prepare<float>(launch); }
Run prepare_resize_bf16(const Launch& launch) { return prepare<Bfloat>(launch); }

} // namespace tensorvk::kernels::cpu
