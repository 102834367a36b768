// Functions that gather and scatter by index.
#include <array>
#include <functional>

#include "kernels/host/elements.hpp"
#include "kernels/host/functions.hpp"
#include "kernels/host/index.hpp"

namespace tensorvk::kernels::host {

namespace {

using Ints = std::vector<std::int64_t>;

std::int64_t volume_of(std::span<const std::int64_t> dims) { return checked_volume(Ints(dims.begin(), dims.end())); }

//! What a new value does to the one that is there: takes its place, or is combined with it.
struct Combine {
    std::string_view name;
    double (*reals)(double old, double update);
    std::int64_t (*integers)(std::int64_t old, std::int64_t update);
};

std::int64_t wrapped(std::uint64_t value) { return static_cast<std::int64_t>(value); }

constexpr std::array kCombine{
    Combine{"add", [](double a, double b) { return a + b; },
            [](std::int64_t a, std::int64_t b) { return wrapped(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b)); }},
    Combine{"mul", [](double a, double b) { return a * b; },
            [](std::int64_t a, std::int64_t b) { return wrapped(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b)); }},
    Combine{"max", [](double a, double b) { return std::max(a, b); }, [](std::int64_t a, std::int64_t b) { return std::max(a, b); }},
    Combine{"min", [](double a, double b) { return std::min(a, b); }, [](std::int64_t a, std::int64_t b) { return std::min(a, b); }},
};

//! Null for "none".
const Combine* reduction_of(const Call& call) {
    const std::string name = call.attributes().text("reduction", "none");
    const auto* it = std::ranges::find(kCombine, name, &Combine::name);
    if (it == kCombine.end() && name != "none") {
        call.fail("has the reduction '", name, "'; none, add, mul, max and min are offered.");
    }
    return it == kCombine.end() ? nullptr : it;
}

void store(const Combine* combine, const Tensor& updates, std::int64_t source, Tensor& out, std::int64_t target) {
    if (combine == nullptr) {
        copy_element(updates, source, out, target);
    } else if (is_floating(out.dtype)) {
        out.set(target, combine->reals(out.get(target), updates.get(source)));
    } else {
        out.set_integer(target, combine->integers(out.get_integer(target), updates.get_integer(source)));
    }
}

//! Offset in `data` of the element that entry `at` of the indices means: their own position with the one along `axis` replaced.
std::int64_t replaced_offset(const Call& call, const Tensor& data, std::span<const std::int64_t> strides, const Odometer& position, std::size_t axis,
                             std::int64_t index) {
    const std::int64_t found = checked_index(call, index, data.dims[axis]);
    return position.offset(strides) + (found - position.index()[axis]) * strides[axis];
}

//! Indices may cover less than the data along other axes, never more.
void check_covered(const Call& call, const Tensor& indices, const Tensor& data, std::size_t axis) {
    for (std::size_t i = 0; i < data.dims.size(); ++i) {
        if (indices.dims.size() != data.dims.size() || (i != axis && indices.dims[i] > data.dims[i])) {
            call.fail("has indices that reach beyond its data along axis ", i, ".");
        }
    }
}

void gather_elements(Call& call) {
    const Tensor& data = call.input(0);
    const Tensor& indices = call.input(1);
    const std::size_t axis = checked_axis(call, call.attributes().integer("axis", 0), data.dims.size());
    check_covered(call, indices, data, axis);
    Tensor& out = call.output(0, data.dtype, indices.dims);
    const Ints strides = row_major_strides(data.dims);
    std::int64_t at = 0;
    for (Odometer position(indices.dims); position.valid(); position.next(), ++at) {
        copy_element(data, replaced_offset(call, data, strides, position, axis, indices.get_integer(at)), out, at);
    }
}

void scatter_elements(Call& call) {
    const Tensor& data = call.input(0);
    const Tensor& indices = call.input(1);
    const Tensor& updates = call.input(2);
    const std::size_t axis = checked_axis(call, call.attributes().integer("axis", 0), data.dims.size());
    check_covered(call, indices, data, axis);
    if (updates.dims != indices.dims) {
        call.fail("needs updates with the shape of its indices.");
    }
    const Combine* combine = reduction_of(call);
    Tensor& out = call.output(0, data);
    const Ints strides = row_major_strides(data.dims);
    std::int64_t at = 0;
    for (Odometer position(indices.dims); position.valid(); position.next(), ++at) {
        store(combine, updates, at, out, replaced_offset(call, data, strides, position, axis, indices.get_integer(at)));
    }
}

//! Tuples of indices and the parts of data that they name: [first axis, first axis + depth).
struct Tuples {
    std::int64_t depth, count; // numbers per tuple, tuples
    std::int64_t part;         // elements of what one tuple names
    std::size_t first;

    Tuples(const Call& call, const Tensor& data, const Tensor& indices, std::size_t batch)
        : first(batch), own_(indices.dtype == DataType::kINT64 ? Ints() : numbers_of(indices)),
          numbers_(indices.dtype == DataType::kINT64 ? indices.as<std::int64_t>() : std::span<const std::int64_t>(own_)) {
        depth = indices.dims.empty() ? 0 : indices.dims.back();
        if (indices.dims.size() <= batch || static_cast<std::size_t>(depth) + batch > data.dims.size()) {
            call.fail("has indices of ", depth, " numbers for ", data.dims.size(), " dimensions.");
        }
        count = volume_of(std::span(indices.dims).first(indices.dims.size() - 1));
        part = volume_of(std::span(data.dims).subspan(first + static_cast<std::size_t>(depth)));
    }

    //! Number of the part that a tuple names, counted from the first axis.
    [[nodiscard]] std::int64_t number(const Call& call, const Tensor& data, std::int64_t tuple) const {
        const std::int64_t* numbers = numbers_.data() + tuple * depth;
        const std::int64_t* extents = data.dims.data() + first;
        std::int64_t offset = 0;
        for (std::int64_t i = 0; i < depth; ++i) {
            offset = offset * extents[i] + checked_index(call, numbers[i], extents[i]);
        }
        return offset;
    }

private:
    Ints own_;
    std::span<const std::int64_t> numbers_;
};

void gather_nd(Call& call) {
    const Tensor& data = call.input(0);
    const Tensor& indices = call.input(1);
    const auto batch = static_cast<std::size_t>(call.attributes().integer("batch_dims", 0));
    const Tuples tuples(call, data, indices, batch);
    Ints dims(indices.dims.begin(), indices.dims.end() - 1);
    dims.insert(dims.end(), data.dims.begin() + static_cast<std::ptrdiff_t>(batch) + tuples.depth, data.dims.end());
    if (!std::equal(indices.dims.begin(), indices.dims.begin() + static_cast<std::ptrdiff_t>(batch), data.dims.begin())) {
        call.fail("has indices and data whose ", batch, " batch dimensions differ.");
    }
    const std::int64_t batches = volume_of(std::span(data.dims).first(batch));
    const std::int64_t per_batch = batches == 0 ? 0 : tuples.count / batches;
    const std::int64_t parts = volume_of(std::span(data.dims).subspan(batch, static_cast<std::size_t>(tuples.depth)));
    Tensor& out = call.output(0, data.dtype, std::move(dims));
    for (std::int64_t tuple = 0; tuple < tuples.count; ++tuple) {
        const std::int64_t part = tuple / per_batch * parts + tuples.number(call, data, tuple);
        copy_elements(data, part * tuples.part, out, tuple * tuples.part, tuples.part);
    }
}

//! Single elements put where the tuples say.
template <typename Unit>
void put_elements(const Call& call, const Tuples& tuples, const Tensor& updates, Tensor& out) {
    const std::span<const Unit> from = updates.as<Unit>();
    const std::span<Unit> to = out.as<Unit>();
    for (std::int64_t tuple = 0; tuple < tuples.count; ++tuple) {
        to[static_cast<std::size_t>(tuples.number(call, out, tuple))] = from[static_cast<std::size_t>(tuple)];
    }
}

void scatter_nd(Call& call) {
    const Tensor& data = call.input(0);
    const Tensor& indices = call.input(1);
    const Tensor& updates = call.input(2);
    const Tuples tuples(call, data, indices, 0);
    if (updates.volume() != tuples.count * tuples.part) {
        call.fail("has ", updates.volume(), " updates; its indices name ", tuples.count * tuples.part, " elements.");
    }
    const Combine* combine = reduction_of(call);
    Tensor& out = call.output(0, data);
    if (combine == nullptr && tuples.part == 1 && dtype_size(data.dtype) == 4) {
        return put_elements<std::uint32_t>(call, tuples, updates, out);
    }
    for (std::int64_t tuple = 0; tuple < tuples.count; ++tuple) {
        const std::int64_t target = tuples.number(call, data, tuple) * tuples.part;
        if (combine == nullptr) {
            copy_elements(updates, tuple * tuples.part, out, target, tuples.part);
            continue;
        }
        for (std::int64_t i = 0; i < tuples.part; ++i) {
            store(combine, updates, tuple * tuples.part + i, out, target + i);
        }
    }
}

//! ONNX TensorScatter: entries written into a cache from a position per batch on, around the end in mode "circular".
void tensor_scatter(Call& call) {
    const Tensor& cache = call.input(0);
    const Tensor& update = call.input(1);
    const Tensor* starts = call.optional_input(2);
    const bool circular = call.attributes().text("mode", "linear") == "circular";
    const std::size_t axis = checked_axis(call, call.attributes().integer("axis", -2), cache.dims.size());
    const AxisView to(cache.dims, axis);
    const AxisView from(update.dims, axis);
    const std::int64_t batches = cache.dims[0];
    if (axis == 0 || update.dims.size() != cache.dims.size() || from.outer != to.outer || from.inner != to.inner ||
        (starts != nullptr && starts->volume() != batches)) {
        call.fail("needs an update with the shape of its cache except along axis ", axis, ", and one position per batch.");
    }
    Tensor& out = call.output(0, cache);
    for (std::int64_t outer = 0; outer < to.outer; ++outer) {
        const std::int64_t start = starts == nullptr ? 0 : starts->get_integer(outer / (to.outer / batches));
        for (std::int64_t i = 0; i < from.extent; ++i) {
            const std::int64_t position = circular && to.extent > 0 ? (start + i) % to.extent : start + i;
            if (position < 0 || position >= to.extent) {
                call.fail("writes at position ", position, " of a cache with ", to.extent, ".");
            }
            copy_elements(update, from.at(outer, i, 0), out, to.at(outer, position, 0), to.inner);
        }
    }
}

//! values[1] where the index says so along a new axis, values[0] elsewhere; indices outside [-depth, depth) name nothing.
void one_hot(Call& call) {
    const Tensor& indices = call.input(0);
    const Tensor& values = call.input(2);
    if (values.volume() != 2) {
        call.fail("needs two values; it has ", values.volume(), ".");
    }
    constexpr double kMost = 9e18; // what int64 holds
    const double given = call.real(1);
    if (!(given > -1.0 && given < kMost)) {
        call.fail("has the depth ", given, "; allowed are 0 to ", kMost, ".");
    }
    const auto depth = static_cast<std::int64_t>(given);
    Ints dims = indices.dims;
    const std::size_t axis = checked_axis(call, call.attributes().integer("axis", -1), dims.size() + 1);
    dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), depth);
    Tensor& out = call.output(0, values.dtype, dims);
    const AxisView view(dims, axis);
    for (std::int64_t at = 0; at < out.volume(); ++at) {
        const std::int64_t entry = at / (view.inner * depth) * view.inner + at % view.inner;
        const auto index = static_cast<std::int64_t>(indices.get(entry));
        const bool hot = (index < 0 ? index + depth : index) == at / view.inner % depth;
        copy_element(values, hot ? 1 : 0, out, at);
    }
}

constexpr std::array kFunctions{
    Function{"GatherElements", gather_elements},   Function{"GatherND", gather_nd},   Function{"OneHot", one_hot},
    Function{"Scatter", scatter_elements},         Function{"ScatterElements", scatter_elements},
    Function{"ScatterND", scatter_nd},             Function{"TensorScatter", tensor_scatter},
};

} // namespace

std::span<const Function> index_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
