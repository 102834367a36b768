// com.microsoft's operators on quantized tensors: values are computed in float32 and quantized again.
#include <array>

#include "kernels/host/elements.hpp"
#include "kernels/host/pointwise.hpp"
#include "kernels/host/quantized.hpp"
#include "kernels/host/window.hpp"

namespace tensorvk::kernels::host {

namespace {

using Dims = std::vector<std::int64_t>;

template <typename Operation>
void binary(Call& call, Operation operation) {
    const Quantized a(call, 0);
    const Quantized b(call, 3);
    const Dims dims = broadcast_dims(std::array{a.dims(), b.dims()});
    const Dims a_strides = broadcast_strides(a.dims(), dims);
    const Dims b_strides = broadcast_strides(b.dims(), dims);
    Result y(call, 6, a.tensor().dtype, dims);
    std::int64_t i = 0;
    for (Odometer at(dims); at.valid(); at.next(), ++i) {
        y.set(i, operation(a(at.offset(a_strides)), b(at.offset(b_strides))));
    }
}

template <typename Operation>
void unary(Call& call, Operation operation) {
    const Quantized x(call, 0);
    Result y(call, 3, x.tensor().dtype, x.dims());
    for (std::int64_t i = 0; i < x.tensor().volume(); ++i) {
        y.set(i, operation(x(i)));
    }
}

void softmax_of_row(const Quantized& x, Result& y, std::int64_t first, std::int64_t count, std::int64_t stride) {
    float largest = x(first);
    for (std::int64_t i = 1; i < count; ++i) {
        largest = std::max(largest, x(first + i * stride));
    }
    double sum = 0.0;
    for (std::int64_t i = 0; i < count; ++i) {
        sum += std::exp(static_cast<double>(x(first + i * stride) - largest));
    }
    for (std::int64_t i = 0; i < count; ++i) {
        y.set(first + i * stride, static_cast<float>(std::exp(static_cast<double>(x(first + i * stride) - largest)) / sum));
    }
}

//! [N, spatial..., C] as [N, C, spatial...] and back: the order of axes that gives the other one.
Dims channels_first(const Dims& dims) {
    Dims out = {dims.front(), dims.back()};
    out.insert(out.end(), dims.begin() + 1, dims.end() - 1);
    return out;
}

//! Averages over windows of x [N, C, spatial...], or [N, spatial..., C] when `last` says that channels are last.
void average(Call& call, const Quantized& x, const Window& window, bool include_padding, bool last) {
    const std::int64_t channels = last ? x.dims().back() : x.dims()[1];
    const Dims input = input_extents(window);
    const Dims output = output_extents(window);
    const Dims strides = row_major_strides(input);
    const std::int64_t plane = checked_volume(input);
    const std::int64_t out_plane = checked_volume(output);
    Dims dims = {x.dims()[0]};
    dims.insert(dims.end(), output.begin(), output.end());
    dims.insert(last ? dims.end() : dims.begin() + 1, channels);
    Result y(call, 3, x.tensor().dtype, dims);
    for (std::int64_t map = 0; map < x.dims()[0] * channels; ++map) {
        const std::int64_t n = map / channels;
        const std::int64_t c = map % channels;
        const auto place = [&](std::int64_t at, std::int64_t size) { return last ? (n * size + at) * channels + c : map * size + at; };
        std::int64_t o = 0;
        for (Odometer out(output); out.valid(); out.next(), ++o) {
            double sum = 0.0;
            std::int64_t count = 0;
            for (Odometer tap(kernel_extents(window)); tap.valid(); tap.next()) {
                bool inside = true;
                bool padded = true;
                std::int64_t from = 0;
                for (std::size_t axis = 0; axis < window.size(); ++axis) {
                    const std::int64_t at = window[axis].at(out.index()[axis], tap.index()[axis]);
                    inside = inside && at >= 0 && at < window[axis].input;
                    padded = padded && at < window[axis].input + window[axis].post;
                    from += at * strides[axis];
                }
                sum += inside ? static_cast<double>(x(place(from, plane))) : 0.0;
                count += inside || (padded && include_padding) ? 1 : 0;
            }
            y.set(place(o, out_plane), static_cast<float>(sum / static_cast<double>(std::max<std::int64_t>(count, 1))));
        }
    }
}

} // namespace

void qlinear_add(Call& call) {
    binary(call, [](float a, float b) { return a + b; });
}
void qlinear_mul(Call& call) {
    binary(call, [](float a, float b) { return a * b; });
}
void qlinear_sigmoid(Call& call) {
    unary(call, [](float x) { return 1.0f / (1.0f + std::exp(-x)); });
}
void qlinear_leaky_relu(Call& call) {
    const auto alpha = static_cast<float>(call.attributes().real("alpha", 0.01));
    unary(call, [alpha](float x) { return x >= 0.0f ? x : alpha * x; });
}

//! Before operator set 13 of the default domain (attribute 'opset'), all axes from 'axis' on are one.
void qlinear_softmax(Call& call) {
    const Quantized x(call, 0);
    Result y(call, 3, x.tensor().dtype, x.dims());
    const std::size_t axis = checked_axis(call, call.attributes().integer("axis", -1), x.dims().size());
    const bool flattens = call.attributes().integer("opset", 13) < 13;
    const auto dims = std::span(x.dims());
    const std::int64_t inner = flattens ? 1 : checked_volume(dims.subspan(axis + 1));
    const std::int64_t count = flattens ? checked_volume(dims.subspan(axis)) : dims[axis];
    for (std::int64_t row = 0; count > 0 && row < x.tensor().volume() / count; ++row) {
        softmax_of_row(x, y, row / inner * inner * count + row % inner, count, inner);
    }
}

void qlinear_concat(Call& call) {
    std::vector<Quantized> parts;
    for (std::size_t i = 2; i + 2 < call.input_count(); i += 3) {
        parts.emplace_back(call, i);
    }
    if (parts.empty()) {
        call.fail("has nothing to concatenate.");
    }
    Dims dims = parts.front().dims();
    const std::size_t axis = checked_axis(call, call.attributes().integer("axis", 0), dims.size());
    dims[axis] = 0;
    for (const Quantized& part : parts) {
        Dims fitting = part.dims();
        if (fitting.size() != dims.size()) {
            call.fail("concatenates tensors with different numbers of dimensions.");
        }
        fitting[axis] = dims[axis];
        if (fitting != dims) {
            call.fail("concatenates tensors whose other axes differ.");
        }
        dims[axis] += part.dims()[axis];
    }
    Result y(call, 0, parts.front().tensor().dtype, dims);
    const std::int64_t inner = checked_volume(std::span(dims).subspan(axis + 1));
    std::int64_t begin = 0; // of the part, along the axis
    for (const Quantized& part : parts) {
        const std::int64_t row = part.dims()[axis] * inner;
        for (std::int64_t i = 0; i < part.tensor().volume(); ++i) {
            y.set(i / row * dims[axis] * inner + begin * inner + i % row, part(i));
        }
        begin += part.dims()[axis];
    }
}

void qlinear_average_pool(Call& call) {
    const Quantized x(call, 0);
    const bool last = call.attributes().flag("channels_last");
    if (x.dims().size() < 3) {
        call.fail("needs an input [N, C, spatial axes]; it has ", x.dims().size(), " dimensions.");
    }
    const Window window = read_window(call, last ? channels_first(x.dims()) : x.dims(), call.attributes().integers("kernel_shape"));
    average(call, x, window, call.attributes().flag("count_include_pad"), last);
}

void qlinear_global_average_pool(Call& call) {
    const Quantized x(call, 0);
    const bool last = call.attributes().flag("channels_last");
    if (x.dims().size() < 3) {
        call.fail("needs an input [N, C, spatial axes]; it has ", x.dims().size(), " dimensions.");
    }
    const Dims dims = last ? channels_first(x.dims()) : x.dims();
    Window window;
    for (std::size_t axis = 2; axis < dims.size(); ++axis) {
        window.push_back({dims[axis], dims[axis], 1, 1, 0, 0, 1});
    }
    average(call, x, window, false, last);
}

} // namespace tensorvk::kernels::host
