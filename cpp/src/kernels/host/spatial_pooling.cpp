// Pooling in the forms for which there is no kernel: other element types, indices, norms, and back.
#include <cmath>
#include <functional>

#include "kernels/host/elements.hpp"
#include "kernels/host/spatial.hpp"
#include "kernels/host/window.hpp"

namespace tensorvk::kernels::host {

namespace {

using Dims = std::vector<std::int64_t>;

//! Calls `visit(map, output, inside)` for each window: which plane of [N, C], which place in the output's plane, and the places of those
//! elements of the input's plane that the window covers.
void for_each_window(const Tensor& x, const Window& window,
                     const std::function<void(std::int64_t, std::int64_t, const std::vector<std::int64_t>&, const Odometer&)>& visit) {
    const Dims strides = row_major_strides(input_extents(window));
    const Dims taps = kernel_extents(window);
    std::vector<std::int64_t> covered;
    for (std::int64_t map = 0; map < x.dims[0] * x.dims[1]; ++map) {
        std::int64_t o = 0;
        for (Odometer out(output_extents(window)); out.valid(); out.next(), ++o) {
            covered.clear();
            for (Odometer tap(taps); tap.valid(); tap.next()) {
                std::int64_t from = 0;
                bool inside = true;
                for (std::size_t i = 0; i < window.size(); ++i) {
                    const std::int64_t at = window[i].at(out.index()[i], tap.index()[i]);
                    inside = inside && at >= 0 && at < window[i].input;
                    from += at * strides[i];
                }
                if (inside) {
                    covered.push_back(from);
                }
            }
            visit(map, o, covered, out);
        }
    }
}

Window pooling_window(const Call& call) {
    const Dims kernel = call.attributes().integers("kernel_shape");
    return read_window(call, call.input(0).dims, kernel);
}

Dims pooled(const Tensor& x, const Window& window) {
    Dims dims = output_extents(window);
    dims.insert(dims.begin(), {x.dims[0], x.dims[1]});
    return dims;
}

//! A place of a plane counted with the first axis fastest.
std::int64_t column_major(std::int64_t place, const Dims& dims) {
    std::int64_t out = 0;
    std::int64_t stride = checked_volume(dims);
    for (std::size_t i = dims.size(); i-- > 0;) {
        stride /= dims[i];
        out += place % dims[i] * stride;
        place /= dims[i];
    }
    return out;
}

//! Taps of a window that lie in the data or its padding: what an average that counts padding divides by.
std::int64_t padded_count(const Window& window, const Odometer& out) {
    std::int64_t count = 1;
    for (std::size_t i = 0; i < window.size(); ++i) {
        std::int64_t on_axis = 0;
        for (std::int64_t tap = 0; tap < window[i].kernel; ++tap) {
            on_axis += window[i].at(out.index()[i], tap) < window[i].input + window[i].post ? 1 : 0;
        }
        count *= on_axis;
    }
    return count;
}

double power_sum(const Tensor& x, std::int64_t first, std::span<const std::int64_t> places, double p) {
    double sum = 0.0;
    for (const std::int64_t place : places) {
        sum += std::pow(std::abs(x.get(first + place)), p);
    }
    return sum;
}

//! Operator set 1 has it as a real number.
double norm_order(const Call& call) {
    return call.attributes().integer("opset", 2) < 2 ? call.attributes().real("p", 2.0) : static_cast<double>(call.attributes().integer("p", 2));
}

} // namespace

//! Maxima and where in x they are: the first of equal ones, counted over all of x.
void max_pool(Call& call) {
    const Tensor& x = call.input(0);
    const Window window = pooling_window(call);
    const Dims input = input_extents(window);
    const std::int64_t plane = checked_volume(input);
    const std::int64_t out_plane = checked_volume(output_extents(window));
    const bool columns_first = call.attributes().flag("storage_order");
    Tensor y(x.dtype, pooled(x, window));
    Tensor indices(DataType::kINT64, y.dims);
    for_each_window(x, window, [&](std::int64_t map, std::int64_t o, const std::vector<std::int64_t>& covered, const Odometer&) {
        if (covered.empty()) {
            call.fail("has a window that lies in the padding alone.");
        }
        std::int64_t best = covered.front();
        for (const std::int64_t place : covered) {
            best = x.get(map * plane + place) > x.get(map * plane + best) ? place : best;
        }
        y.set(map * out_plane + o, x.get(map * plane + best));
        indices.set_integer(map * out_plane + o, map * plane + (columns_first ? column_major(best, input) : best));
    });
    call.output(0, std::move(y));
    call.output(1, std::move(indices));
}

void average_pool(Call& call) {
    const Tensor& x = call.input(0);
    const Window window = pooling_window(call);
    const std::int64_t plane = checked_volume(input_extents(window));
    const std::int64_t out_plane = checked_volume(output_extents(window));
    const bool with_padding = call.attributes().flag("count_include_pad");
    Tensor& y = call.output(0, x.dtype, pooled(x, window));
    for_each_window(x, window, [&](std::int64_t map, std::int64_t o, const std::vector<std::int64_t>& covered, const Odometer& out) {
        double sum = 0.0;
        for (const std::int64_t place : covered) {
            sum += x.get(map * plane + place);
        }
        const std::int64_t count = with_padding ? padded_count(window, out) : static_cast<std::int64_t>(covered.size());
        y.set(map * out_plane + o, count == 0 ? 0.0 : sum / static_cast<double>(count));
    });
}

void lp_pool(Call& call) {
    const Tensor& x = call.input(0);
    const Window window = pooling_window(call);
    const std::int64_t plane = checked_volume(input_extents(window));
    const std::int64_t out_plane = checked_volume(output_extents(window));
    const double p = norm_order(call);
    Tensor& y = call.output(0, x.dtype, pooled(x, window));
    for_each_window(x, window, [&](std::int64_t map, std::int64_t o, const std::vector<std::int64_t>& covered, const Odometer&) {
        y.set(map * out_plane + o, std::pow(power_sum(x, map * plane, covered, p), 1.0 / p));
    });
}

void global_lp_pool(Call& call) {
    const Tensor& x = call.input(0);
    if (x.dims.size() < 3) {
        call.fail("needs an input [N, C, spatial axes]; it has ", x.dims.size(), " dimensions.");
    }
    const double p = norm_order(call);
    const std::int64_t plane = checked_volume(std::span(x.dims).subspan(2));
    Dims dims(x.dims.size(), 1);
    std::copy_n(x.dims.begin(), 2, dims.begin());
    Tensor& y = call.output(0, x.dtype, dims);
    for (std::int64_t map = 0; map < x.dims[0] * x.dims[1]; ++map) {
        double sum = 0.0;
        for (std::int64_t i = 0; i < plane; ++i) {
            sum += std::pow(std::abs(x.get(map * plane + i)), p);
        }
        y.set(map, std::pow(sum, 1.0 / p));
    }
}

//! Puts each element where its index says, over zeros. Indices count over the shape that the pooling's input had by its attributes; a larger
//! output_shape holds that one in its corner.
void max_unpool(Call& call) {
    const Tensor& x = call.input(0);
    const Tensor& indices = call.input(1);
    if (x.dims.size() < 3 || indices.dims != x.dims) {
        call.fail("needs an input [N, C, spatial axes] and one index for each element.");
    }
    const std::size_t count = x.dims.size() - 2;
    const auto kernel = per_axis(call, "kernel_shape", count, 0, 1);
    const auto strides = per_axis(call, "strides", count, 1, 1);
    const auto pads = per_axis(call, "pads", 2 * count, 0, 0);
    Dims inferred = {x.dims[0], x.dims[1]};
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t full = (x.dims[i + 2] - 1) * strides[i] + kernel[i];
        inferred.push_back(full - pads[i] - pads[i + count]);
        if (inferred.back() < 0) {
            call.fail("takes ", pads[i] + pads[i + count], " elements of padding from an axis of ", full, ".");
        }
    }
    Dims dims = inferred;
    if (const Tensor* asked = call.optional_input(2)) {
        dims = numbers_of(*asked);
        if (dims.size() != inferred.size()) {
            call.fail("has an output shape of ", dims.size(), " dimensions for an input of ", inferred.size(), ".");
        }
    }
    Tensor& y = call.output(0, x.dtype, dims);
    const std::int64_t volume = checked_volume(inferred);
    const Dims to = row_major_strides(dims);
    const Dims from = row_major_strides(inferred);
    for (std::int64_t i = 0; i < x.volume(); ++i) {
        const std::int64_t index = indices.get_integer(i);
        if (index < 0 || index >= volume) {
            call.fail("has the index ", index, "; allowed are 0 to ", volume - 1, ".");
        }
        std::int64_t place = 0;
        for (std::size_t axis = 0; axis < dims.size(); ++axis) {
            const std::int64_t at = index / from[axis] % inferred[axis];
            if (at >= dims[axis]) {
                call.fail("has the index ", index, ", which lies outside its output shape.");
            }
            place += at * to[axis];
        }
        y.set(place, x.get(i));
    }
}

} // namespace tensorvk::kernels::host
