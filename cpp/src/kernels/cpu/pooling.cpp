// cpu/pooling: maximum or average over windows of one to three spatial axes. The step is that of pooling/generic; parameters and constants
// are described in shaders/pooling/pool.comp. Elements of a window are joined in the shader's order.
#include <algorithm>
#include <memory>
#include <vector>

#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/lanes.hpp"
#include "kernels/cpu/scratch.hpp"
#include "kernels/cpu/spatial.hpp"
#include "kernels/cpu/workers.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::int64_t kLanes = 16;    // neighbouring channels at a time
constexpr std::int64_t kPlaces = 256;  // neighbouring results of a row at a time
constexpr std::int64_t kGrain = 16384; // elements worth a thread

//! What one output place sees of the input along one axis.
struct Window {
    std::int64_t first = 0; // the first position inside
    std::int64_t taps = 0;  // how many are inside
    std::int64_t counted = 0; // what an average divides by
};

template <typename Element>
struct Task {
    using T = NumberOf<Element>;
    Images<Element> images;
    Triple window{}, stride{}, dilation{}, pre{};
    std::int64_t taps = 1; // of a whole window
    std::array<std::vector<Window>, 3> windows; // of each axis, by output place
    bool average = false;

    [[nodiscard]] const Window& at(std::size_t axis, std::int64_t place) const { return windows[axis][static_cast<std::size_t>(place)]; }
    [[nodiscard]] T scale(const Triple& o) const {
        if (!average) return T{1};
        const std::int64_t counted = at(0, o[0]).counted * at(1, o[1]).counted * at(2, o[2]).counted;
        return T{1} / static_cast<T>(std::max<std::int64_t>(counted, 1));
    }
    //! Only floating point has averages.
    [[nodiscard]] static Element scaled(T value, T scale) {
        if constexpr (std::is_integral_v<T>) {
            return value;
        } else {
            return element_of<Element>(value * scale);
        }
    }
};

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return a > 0 ? (a + b - 1) / b : 0; }

Window window_of(std::int64_t start, std::int64_t dilation, std::int64_t window, std::int64_t limit, std::int64_t counted_limit, bool exclude) {
    const std::int64_t low = ceil_div(-start, dilation);
    const std::int64_t high = std::min(ceil_div(limit - start, dilation), window);
    Window out{start + low * dilation, std::max<std::int64_t>(high - low, 0), 0};
    // A window that rounding up moved beyond the padding counts up to the padding's end.
    out.counted = exclude ? out.taps : std::min(ceil_div(counted_limit - start, dilation), window);
    return out;
}

//! `width` neighbouring channels (one, where kWidth is 1) of one output place.
template <typename Join, std::int64_t kWidth, typename Element, typename T = typename Join::Number>
void pool_place(const Task<Element>& task, const Place& place, std::int64_t channel) {
    const Image &in = task.images.in, &out = task.images.out;
    const Window &wx = task.at(0, place.o[0]), &wy = task.at(1, place.o[1]), &wz = task.at(2, place.o[2]);
    const Element* x = task.images.x + place.n * in.batch + channel * in.channel;
    const std::int64_t step = task.dilation[2] * in.place;
    T r[kWidth];
    std::fill_n(r, kWidth, Join::kNeutral);
    for (std::int64_t i = 0; i < wx.taps; ++i) {
        for (std::int64_t j = 0; j < wy.taps; ++j) {
            const std::int64_t row = (wx.first + i * task.dilation[0]) * in.stride(0) + (wy.first + j * task.dilation[1]) * in.stride(1);
            const Element* from = x + row + wz.first * in.place;
            for (std::int64_t k = 0; k < wz.taps; ++k) join_each<Join>(r, from + k * step, kWidth);
        }
    }
    const T scale = task.scale(place.o);
    Element* y = task.images.y + place.n * out.batch + channel * out.channel + out.offset(place.o);
    if (out.channel == 1) {
        for (std::int64_t l = 0; l < kWidth; ++l) y[l] = task.scaled(r[l], scale);
    } else {
        for (std::int64_t l = 0; l < kWidth; ++l) y[l * out.channel] = task.scaled(r[l], scale);
    }
}

//! Output places first .. last - 1, all channels of each.
template <typename Join, typename Element>
void pool_places(const Task<Element>& task, std::int64_t first, std::int64_t last) {
    const std::int64_t channels = task.images.channels;
    for (std::int64_t index = first; index < last; ++index) {
        const Place place(index, task.images.out.extent);
        std::int64_t c = 0;
        if (task.images.in.channel == 1) {
            for (; c + kLanes <= channels; c += kLanes) pool_place<Join, kLanes>(task, place, c);
            for (; c + 4 <= channels; c += 4) pool_place<Join, 4>(task, place, c);
        }
        for (; c < channels; ++c) pool_place<Join, 1>(task, place, c);
    }
}

//! Joins window column `k` of an input row into the results of places begin .. end - 1.
template <typename Join, typename Element, typename T = typename Join::Number>
void join_tap(const Task<Element>& task, const Element* row, std::int64_t k, std::int64_t begin, std::int64_t end, T* r) {
    const std::int64_t stride = task.stride[2], shift = k * task.dilation[2] - task.pre[2], place = task.images.in.place;
    const std::int64_t low = std::max(begin, ceil_div(-shift, stride)), high = std::min(end, ceil_div(task.images.in.extent[2] - shift, stride));
    if (low >= high) return;
    join_each<Join>(r + (low - begin), row + (low * stride + shift) * place, high - low, stride * place);
}

//! Rows first .. last - 1 of the output: every window column goes over the whole row.
template <typename Join, typename Element, typename T = typename Join::Number>
void pool_rows(const Task<Element>& task, std::int64_t first, std::int64_t last) {
    const Image &in = task.images.in, &out = task.images.out;
    for (std::int64_t index = first; index < last; ++index) {
        const Place place(index, {task.images.channels, out.extent[0], out.extent[1]});
        const Window &wx = task.at(0, place.o[1]), &wy = task.at(1, place.o[2]);
        const Element* x = task.images.x + place.n * in.batch + place.o[0] * in.channel;
        Element* y = task.images.y + place.n * out.batch + place.o[0] * out.channel + place.o[1] * out.stride(0) + place.o[2] * out.stride(1);
        for (std::int64_t begin = 0; begin < out.extent[2]; begin += kPlaces) {
            const std::int64_t end = std::min(begin + kPlaces, out.extent[2]);
            T r[kPlaces];
            std::fill_n(r, kPlaces, Join::kNeutral);
            for (std::int64_t i = 0; i < wx.taps; ++i) {
                for (std::int64_t j = 0; j < wy.taps; ++j) {
                    const Element* row = x + (wx.first + i * task.dilation[0]) * in.stride(0) + (wy.first + j * task.dilation[1]) * in.stride(1);
                    for (std::int64_t k = 0; k < task.window[2]; ++k) join_tap<Join>(task, row, k, begin, end, r);
                }
            }
            for (std::int64_t o = begin; o < end; ++o) y[o * out.place] = task.scaled(r[o - begin], task.scale({place.o[1], place.o[2], o}));
        }
    }
}

//! Along a line of maxima, one place after the other.
template <typename Join, typename Element, typename T = typename Join::Number>
void pool_along(const Task<Element>& task, const T* line, Element* y) {
    const std::int64_t channels = task.images.channels;
    for (std::int64_t o = 0; o < task.images.out.extent[2]; ++o, y += channels) {
        const Window& wz = task.at(2, o);
        for (std::int64_t c = 0; c < channels; c += kLanes) {
            const std::int64_t some = std::min(kLanes, channels - c);
            T r[kLanes];
            std::fill_n(r, kLanes, Join::kNeutral);
            for (std::int64_t k = 0; k < wz.taps; ++k) join_each<Join>(r, line + (wz.first + k * task.dilation[2]) * channels + c, some);
            for (std::int64_t l = 0; l < some; ++l) y[c + l] = task.scaled(r[l], T{1});
        }
    }
}

//! The same in steps of one: neighbouring places read neighbouring maxima.
template <typename Join, typename T>
void pool_along_whole(const Task<T>& task, const T* line, T* y) {
    const std::int64_t channels = task.images.channels, width = task.images.in.extent[2], places = task.images.out.extent[2];
    std::fill_n(y, places * channels, Join::kNeutral);
    for (std::int64_t k = 0; k < task.window[2]; ++k) {
        const std::int64_t shift = k * task.dilation[2] - task.pre[2], low = std::max<std::int64_t>(-shift, 0), high = std::min(places, width - shift);
        if (low < high) join_each<Join>(y + low * channels, line + (low + shift) * channels, (high - low) * channels);
    }
}

//! Maxima of maxima: first of the window's rows, for a whole line of the input, then along it. Every tensor's channels are last.
template <typename Join, typename Element, typename T = typename Join::Number>
void pool_lines(const Task<Element>& task, std::int64_t first, std::int64_t last, T* line) {
    const Image &in = task.images.in, &out = task.images.out;
    const std::int64_t channels = task.images.channels, width = in.extent[2] * channels;
    for (std::int64_t index = first; index < last; ++index) {
        const Place place(index, {1, out.extent[0], out.extent[1]});
        const Window &wx = task.at(0, place.o[1]), &wy = task.at(1, place.o[2]);
        const Element* x = task.images.x + place.n * in.batch;
        std::fill_n(line, width, Join::kNeutral);
        for (std::int64_t i = 0; i < wx.taps; ++i) {
            for (std::int64_t j = 0; j < wy.taps; ++j) {
                join_each<Join>(line, x + (wx.first + i * task.dilation[0]) * in.stride(0) + (wy.first + j * task.dilation[1]) * in.stride(1), width);
            }
        }
        Element* y = task.images.y + place.n * out.batch + place.o[1] * out.stride(0) + place.o[2] * out.stride(1);
        if constexpr (std::is_same_v<T, Element>) {
            if (task.stride[2] == 1) {
                pool_along_whole<Join>(task, line, y);
                continue;
            }
        }
        pool_along<Join>(task, line, y);
    }
}

//! Whether the maxima of a line stay in the second cache.
template <typename Element>
bool by_lines(const Task<Element>& task) {
    constexpr std::int64_t kMostBytes = 1 << 19;
    const Images<Element>& images = task.images;
    return !task.average && images.by_channels() && images.out.channel == 1 && task.window[0] * task.window[1] > 1 && images.out.extent[2] > 1 &&
           images.in.extent[2] * images.channels <= kMostBytes / static_cast<std::int64_t>(sizeof(typename Task<Element>::T));
}

template <typename Join, typename Element>
Run run_of(std::shared_ptr<const Task<Element>> task) {
    const Images<Element>& images = task->images;
    const auto grain = [&](std::int64_t results) { return std::max<std::int64_t>(kGrain / std::min(task->taps, kGrain) / results, 1); };
    if (by_lines(*task)) {
        using T = typename Join::Number;
        const std::int64_t lines = images.batch * images.out.extent[0] * images.out.extent[1], least = grain(images.channels * images.out.extent[2]);
        const std::size_t bytes = scratch_bytes<T>(images.in.extent[2] * images.channels);
        return [=] {
            const Scratch memory(bytes * static_cast<std::size_t>(pieces_of(lines, least)));
            spread(lines, least, [&](std::int64_t first, std::int64_t last, int piece) {
                pool_lines<Join>(*task, first, last, reinterpret_cast<T*>(memory.data() + bytes * static_cast<std::size_t>(piece)));
            });
        };
    }
    // Rows of a few places are not worth it.
    if (images.by_channels() || images.out.extent[2] < 8) {
        const std::int64_t places = images.batch * images.out.places(), least = grain(images.channels);
        return [=] { spread(places, least, [&](std::int64_t first, std::int64_t last) { pool_places<Join>(*task, first, last); }); };
    }
    const std::int64_t rows = images.batch * images.channels * images.out.extent[0] * images.out.extent[1], least = grain(images.out.extent[2]);
    return [=] { spread(rows, least, [&](std::int64_t first, std::int64_t last) { pool_rows<Join>(*task, first, last); }); };
}

template <typename Element>
Run prepare(const Launch& launch) {
    using T = NumberOf<Element>;
    auto task = std::make_shared<Task<Element>>();
    task->images = images_of<Element>(launch, 3);
    if (task->images.empty()) return [] {};
    task->average = launch.geometry(0) != 0;
    const bool exclude = launch.geometry(1) != 0;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const auto constant = static_cast<std::uint32_t>(axis);
        const std::int64_t window = task->window[axis] = bounded(launch, launch.geometry(5 + constant), 1, "a window of");
        const std::int64_t stride = task->stride[axis] = bounded(launch, launch.geometry(8 + constant), 1, "a stride of");
        const std::int64_t dilation = task->dilation[axis] = bounded(launch, launch.geometry(11 + constant), 1, "a dilation of");
        const std::int64_t pre = task->pre[axis] = bounded(launch, launch.param(8 + axis), 0, "padding of");
        const std::int64_t post = bounded(launch, launch.param(11 + axis), 0, "padding of");
        const std::int64_t limit = task->images.in.extent[axis];
        for (std::int64_t o = 0; o < task->images.out.extent[axis]; ++o) {
            task->windows[axis].push_back(window_of(o * stride - pre, dilation, window, limit, limit + post, exclude));
        }
    }
    task->taps = checked_volume(task->window);
    if constexpr (std::is_integral_v<T>) {
        if (task->average) refuse_images(launch, "integers to average, of rule", launch.geometry(0));
    } else {
        if (task->average) return run_of<Sum<T>, Element>(std::move(task));
    }
    return run_of<Largest<T>, Element>(std::move(task));
}

} // namespace

Run prepare_pooling_f32(const Launch& launch) { return prepare<float>(launch); }
Run prepare_pooling_bf16(const Launch& launch) { return prepare<Bfloat>(launch); }
Run prepare_pooling_i8(const Launch& launch) { return prepare<std::int8_t>(launch); }
Run prepare_pooling_u8(const Launch& launch) { return prepare<std::uint8_t>(launch); }

} // namespace tensorvk::kernels::cpu
