// Functions that move elements to other places: slices, padding, triangles.
#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "kernels/host/elements.hpp"
#include "kernels/host/functions.hpp"
#include "kernels/host/index.hpp"

namespace tensorvk::kernels::host {

namespace {

using Ints = std::vector<std::int64_t>;

//! Axes that an optional input names, or the first `count`; each once.
std::vector<std::size_t> axes_of(const Call& call, std::size_t index, std::size_t count, std::size_t rank) {
    Ints given(count);
    std::iota(given.begin(), given.end(), std::int64_t{0});
    if (const Tensor* tensor = call.optional_input(index)) {
        given = numbers_of(*tensor);
    }
    std::vector<std::size_t> axes;
    for (const std::int64_t value : given) {
        axes.push_back(checked_axis(call, value, rank));
        if (std::count(axes.begin(), axes.end(), axes.back()) > 1) {
            call.fail("names axis ", value, " twice.");
        }
    }
    return axes;
}

//! One axis of a slice as Python clamps it.
struct Piece {
    std::int64_t start, size, step;
};

Piece piece_of(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t extent) {
    // Bounds far outside are common ("to the end" is the largest int64): nothing here may overflow.
    const auto absolute = [extent](std::int64_t v) { return v < 0 ? std::max(v, -extent - 1) + extent : std::min(v, extent); };
    const std::int64_t low = step > 0 ? 0 : -1;
    const std::int64_t high = step > 0 ? extent : extent - 1;
    start = std::clamp(absolute(start), low, std::max(low, high));
    end = std::clamp(absolute(end), low, std::max(low, high));
    const std::int64_t distance = step > 0 ? end - start : start - end;
    const std::int64_t stride = step > 0 ? step : -std::max(step, -INT64_MAX);
    return {start, distance <= 0 ? 0 : (distance - 1) / stride + 1, step};
}

void slice(Call& call) {
    const Tensor& x = call.input(0);
    const Ints starts = numbers_of(call.input(1));
    const Ints ends = numbers_of(call.input(2));
    const Ints steps = call.has_input(4) ? numbers_of(call.input(4)) : Ints(starts.size(), 1);
    const std::vector<std::size_t> axes = axes_of(call, 3, starts.size(), x.dims.size());
    if (ends.size() != starts.size() || steps.size() != starts.size() || axes.size() != starts.size()) {
        call.fail("has ", starts.size(), " starts, ", ends.size(), " ends, ", axes.size(), " axes and ", steps.size(), " steps.");
    }
    Ints dims = x.dims;
    Ints strides = row_major_strides(x.dims);
    std::int64_t first = 0;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        if (steps[i] == 0) {
            call.fail("has a step of 0.");
        }
        const Piece piece = piece_of(starts[i], ends[i], steps[i], x.dims[axes[i]]);
        dims[axes[i]] = piece.size;
        first += piece.start * strides[axes[i]];
        strides[axes[i]] *= piece.size > 1 ? piece.step : 1;
    }
    Tensor& out = call.output(0, x.dtype, dims);
    std::int64_t at = 0;
    for (Odometer position(dims); position.valid(); position.next(), ++at) {
        copy_element(x, first + position.offset(strides), out, at);
    }
}

void squeeze(Call& call) {
    const Tensor& x = call.input(0);
    const std::vector<std::size_t> axes = axes_of(call, 1, 0, x.dims.size());
    Ints dims;
    for (std::size_t i = 0; i < x.dims.size(); ++i) {
        if (std::ranges::find(axes, i) == axes.end()) {
            dims.push_back(x.dims[i]);
        } else if (x.dims[i] != 1) {
            call.fail("removes axis ", i, ", whose extent is ", x.dims[i], "; only extents of 1 can be removed.");
        }
    }
    call.output(0, Tensor(x.dtype, std::move(dims), x.data));
}

void unsqueeze(Call& call) {
    const Tensor& x = call.input(0);
    const auto added = static_cast<std::size_t>(call.input(1).volume());
    const std::vector<std::size_t> axes = axes_of(call, 1, 0, x.dims.size() + added);
    Ints dims;
    std::size_t next = 0;
    for (std::size_t i = 0; i < x.dims.size() + added; ++i) {
        dims.push_back(std::ranges::find(axes, i) != axes.end() ? 1 : x.dims[next++]);
    }
    call.output(0, Tensor(x.dtype, std::move(dims), x.data));
}

//! Where position `i` of a padded axis comes from; outside [0, extent) it is the fill value.
using Source = std::int64_t (*)(std::int64_t i, std::int64_t extent);

std::int64_t remainder_of(std::int64_t i, std::int64_t by) { return (i % by + by) % by; }

struct Mode {
    std::string_view name;
    Source source;
};

constexpr std::array kModes{
    Mode{"constant", [](std::int64_t i, std::int64_t) { return i; }},
    Mode{"edge", [](std::int64_t i, std::int64_t extent) { return std::clamp<std::int64_t>(i, 0, extent - 1); }},
    Mode{"reflect",
         [](std::int64_t i, std::int64_t extent) {
             const std::int64_t period = 2 * (extent - 1); // the edges are not repeated
             const std::int64_t at = period == 0 ? 0 : remainder_of(i, period);
             return std::min(at, period - at);
         }},
    Mode{"wrap", [](std::int64_t i, std::int64_t extent) { return remainder_of(i, extent); }},
};

//! Per output position of each axis where it is read; -1 is the fill value.
std::vector<Ints> pad_sources(const Call& call, const Tensor& x, Source source) {
    const std::vector<std::size_t> axes = axes_of(call, 3, x.dims.size(), x.dims.size());
    const Ints pads = numbers_of(call.input(1));
    if (pads.size() != 2 * axes.size()) {
        call.fail("has ", pads.size(), " pads; ", axes.size(), " axes need ", 2 * axes.size(), ".");
    }
    std::vector<Ints> sources;
    for (std::size_t axis = 0; axis < x.dims.size(); ++axis) {
        const std::int64_t extent = x.dims[axis];
        const auto place = static_cast<std::size_t>(std::ranges::find(axes, axis) - axes.begin());
        const std::int64_t before = place == axes.size() ? 0 : pads[place];
        const std::int64_t size = checked_add(extent, place == axes.size() ? 0 : checked_add(before, pads[place + axes.size()]));
        if (size < 0) {
            call.fail("would have the extent ", size, " along axis ", axis, ".");
        }
        Ints from(static_cast<std::size_t>(size), -1);
        for (std::int64_t i = 0; i < size; ++i) {
            const std::int64_t at = extent == 0 ? -1 : source(i - before, extent);
            from[static_cast<std::size_t>(i)] = at >= 0 && at < extent ? at : -1;
        }
        sources.push_back(std::move(from));
    }
    return sources;
}

void pad(Call& call) {
    const Tensor& x = call.input(0);
    const std::string name = call.attributes().text("mode", "constant");
    const auto* mode = std::ranges::find(kModes, name, &Mode::name);
    if (mode == kModes.end()) {
        call.fail("has the mode '", name, "'; constant, reflect, edge and wrap are offered.");
    }
    const std::vector<Ints> sources = pad_sources(call, x, mode->source);
    Ints dims;
    for (const Ints& source : sources) {
        dims.push_back(static_cast<std::int64_t>(source.size()));
    }
    const Tensor zero(x.dtype, {1});
    const Tensor& fill = call.has_input(2) ? call.input(2) : zero;
    if (fill.volume() != 1 || fill.dtype != x.dtype) {
        call.fail("needs one number of its input's type to fill with.");
    }
    const Ints strides = row_major_strides(x.dims);
    Tensor& out = call.output(0, x.dtype, dims);
    std::int64_t at = 0;
    for (Odometer position(dims); position.valid(); position.next(), ++at) {
        std::int64_t from = 0;
        bool inside = true;
        for (std::size_t axis = 0; axis < dims.size() && inside; ++axis) {
            const std::int64_t source = sources[axis][static_cast<std::size_t>(position.index()[axis])];
            inside = source >= 0;
            from += source * strides[axis];
        }
        copy_element(inside ? x : fill, inside ? from : 0, out, at);
    }
}

//! The middle of each axis cut out, or the whole set into the middle of zeros; odd differences leave the smaller half in front.
void center_crop_pad(Call& call) {
    const Tensor& x = call.input(0);
    const Ints given = call.attributes().integers("axes");
    const Ints shape = numbers_of(call.input(1));
    if (shape.size() != (given.empty() ? x.dims.size() : given.size())) {
        call.fail("has ", shape.size(), " extents for ", given.empty() ? x.dims.size() : given.size(), " axes.");
    }
    Ints dims = x.dims;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        dims[given.empty() ? i : checked_axis(call, given[i], x.dims.size())] = shape[i];
    }
    Tensor& out = call.output(0, x.dtype, dims);
    const Ints from_strides = row_major_strides(x.dims);
    const Ints to_strides = row_major_strides(dims);
    std::int64_t from = 0;
    std::int64_t to = 0;
    Ints common;
    for (std::size_t i = 0; i < dims.size(); ++i) {
        common.push_back(std::min(x.dims[i], dims[i]));
        from += (x.dims[i] - common[i]) / 2 * from_strides[i];
        to += (dims[i] - common[i]) / 2 * to_strides[i];
    }
    for (Odometer position(common); position.valid(); position.next()) {
        copy_element(x, from + position.offset(from_strides), out, to + position.offset(to_strides));
    }
}

//! Keeps the upper triangle of the last two dimensions (or the lower one), from diagonal k on.
void trilu(Call& call) {
    const Tensor& x = call.input(0);
    const bool upper = call.attributes().flag("upper", true);
    const std::int64_t k = call.has_input(1) ? call.integer(1) : 0;
    if (x.dims.size() < 2) {
        call.fail("needs two dimensions or more.");
    }
    const std::int64_t columns = x.dims.back();
    const std::int64_t rows = x.dims[x.dims.size() - 2];
    Tensor& out = call.output(0, x.dtype, x.dims);
    for (std::int64_t line = 0; columns > 0 && line < x.volume() / columns; ++line) {
        // Bounded first, so that adding cannot overflow.
        const std::int64_t diagonal = line % rows + std::clamp(k, -rows - 1, columns + 1);
        const std::int64_t first = upper ? std::clamp<std::int64_t>(diagonal, 0, columns) : 0;
        const std::int64_t end = upper ? columns : std::clamp<std::int64_t>(diagonal + 1, 0, columns);
        copy_elements(x, line * columns + first, out, line * columns + first, end - first);
    }
}

//! The first so many entries of each sequence in reverse order, a count per batch.
void reverse_sequence(Call& call) {
    const Tensor& x = call.input(0);
    const std::size_t batch = checked_axis(call, call.attributes().integer("batch_axis", 1), x.dims.size());
    const std::size_t time = checked_axis(call, call.attributes().integer("time_axis", 0), x.dims.size());
    const Ints lengths = numbers_of(call.input(1));
    if (batch == time || static_cast<std::int64_t>(lengths.size()) != x.dims[batch]) {
        call.fail("needs different batch and time axes and one length per batch.");
    }
    for (const std::int64_t length : lengths) {
        if (length < 0 || length > x.dims[time]) {
            call.fail("reverses ", length, " entries of ", x.dims[time], ".");
        }
    }
    const Ints strides = row_major_strides(x.dims);
    Tensor& out = call.output(0, x.dtype, x.dims);
    std::int64_t at = 0;
    for (Odometer position(x.dims); position.valid(); position.next(), ++at) {
        const std::int64_t length = lengths[static_cast<std::size_t>(position.index()[batch])];
        const std::int64_t step = position.index()[time];
        copy_element(x, step < length ? at + (length - 1 - 2 * step) * strides[time] : at, out, at);
    }
}

constexpr std::array kFunctions{
    Function{"CenterCropPad", center_crop_pad}, Function{"Pad", pad},         Function{"ReverseSequence", reverse_sequence},
    Function{"Slice", slice},                   Function{"Squeeze", squeeze}, Function{"Trilu", trilu},
    Function{"Unsqueeze", unsqueeze},
};

} // namespace

std::span<const Function> movement_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
