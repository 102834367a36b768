// Einstein summation.
#include <array>

#include "kernels/host/functions.hpp"
#include "support/einsum.hpp"

namespace tensorvk::kernels::host {

namespace {

//! How far each input moves when one of the equation's axes does; 0 where an extent of 1 is repeated.
struct Walk {
    EinsumAxes axes;
    std::vector<std::int64_t> extents;              // by axis number
    std::vector<std::vector<std::int64_t>> strides; // by input and axis number
};

Walk walk_of(const Call& call) {
    std::vector<std::size_t> ranks;
    for (std::size_t i = 0; i < call.input_count(); ++i) {
        ranks.push_back(call.input(i).dims.size());
    }
    Walk walk;
    walk.axes = parse_einsum(call.attributes().text("equation"), ranks);
    walk.extents.assign(walk.axes.count, 1);
    for (std::size_t i = 0; i < call.input_count(); ++i) {
        const auto& dims = call.input(i).dims;
        for (std::size_t axis = 0; axis < dims.size(); ++axis) {
            std::int64_t& extent = walk.extents[walk.axes.inputs[i][axis]];
            if (extent != 1 && dims[axis] != 1 && extent != dims[axis]) {
                call.fail("has extents ", extent, " and ", dims[axis], " for one letter of '", call.attributes().text("equation"), "'.");
            }
            extent = extent == 1 ? dims[axis] : extent;
        }
    }
    for (std::size_t i = 0; i < call.input_count(); ++i) {
        const auto& dims = call.input(i).dims;
        auto& strides = walk.strides.emplace_back(walk.axes.count, 0);
        std::int64_t stride = 1;
        for (std::size_t axis = dims.size(); axis-- > 0; stride *= dims[axis]) {
            strides[walk.axes.inputs[i][axis]] += dims[axis] == 1 ? 0 : stride; // a letter twice walks the diagonal
        }
    }
    return walk;
}

//! Output's axes first, then those that are summed.
std::vector<std::size_t> order_of(const Walk& walk) {
    std::vector<std::size_t> order = walk.axes.output;
    for (std::size_t axis = 0; axis < walk.axes.count; ++axis) {
        if (std::find(order.begin(), order.end(), axis) == order.end()) {
            order.push_back(axis);
        }
    }
    return order;
}

template <typename T, typename Sum>
void add_products(const Call& call, const Walk& walk, std::span<T> out) {
    const std::vector<std::size_t> order = order_of(walk);
    std::int64_t terms = 1;
    for (std::size_t i = walk.axes.output.size(); i < order.size(); ++i) {
        terms *= walk.extents[order[i]];
    }
    std::vector<std::span<const T>> inputs;
    for (std::size_t i = 0; i < call.input_count(); ++i) {
        inputs.push_back(call.input(i).as<T>());
    }
    std::vector<std::int64_t> index(order.size(), 0);
    std::vector<std::int64_t> at(inputs.size(), 0);
    for (T& element : out) {
        Sum sum{};
        for (std::int64_t term = 0; term < terms; ++term) {
            Sum product = 1;
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                product *= static_cast<Sum>(inputs[i][static_cast<std::size_t>(at[i])]);
            }
            sum += product;
            for (std::size_t k = order.size(); k-- > 0;) { // the next index
                const std::size_t axis = order[k];
                const bool carry = ++index[k] == walk.extents[axis];
                for (std::size_t i = 0; i < at.size(); ++i) {
                    at[i] += walk.strides[i][axis] * (carry ? 1 - walk.extents[axis] : 1);
                }
                if (!carry) {
                    break;
                }
                index[k] = 0;
            }
        }
        element = static_cast<T>(sum);
    }
}

//! Sums in double, and in unsigned integers, which wrap as numpy's do.
void einsum(Call& call) {
    const Walk walk = walk_of(call);
    std::vector<std::int64_t> dims;
    for (const std::size_t axis : walk.axes.output) {
        dims.push_back(walk.extents[axis]);
    }
    const DataType type = call.input(0).dtype;
    Tensor& out = call.output(0, type, dims);
    if (type == DataType::kFLOAT) {
        add_products<float, double>(call, walk, out.as<float>());
    } else if (type == DataType::kINT32) {
        add_products<std::int32_t, std::uint32_t>(call, walk, out.as<std::int32_t>());
    } else if (type == DataType::kINT64) {
        add_products<std::int64_t, std::uint64_t>(call, walk, out.as<std::int64_t>());
    } else {
        call.fail("adds floats, int32 and int64; its inputs are ", dtype_name(type), ".");
    }
}

constexpr std::array kFunctions{Function{"Einsum", einsum}};

} // namespace

std::span<const Function> einsum_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
