// Functions whose result depends on which elements are chosen.
#include <array>

#include "kernels/host/functions.hpp"
#include "kernels/host/index.hpp"

namespace tensorvk::kernels::host {

namespace {

//! ONNX NonZero: the indices of all elements that are not 0, one column per element, in row-major order. int64 [rank, count].
void non_zero(Call& call) {
    const Tensor& x = call.input(0);
    std::vector<std::vector<std::int64_t>> found;
    std::int64_t at = 0;
    for (Odometer index(x.dims); index.valid(); index.next(), ++at) {
        if (x.get(at) != 0.0) {
            found.push_back(index.index());
        }
    }
    const auto rank = static_cast<std::int64_t>(x.dims.size());
    const auto count = static_cast<std::int64_t>(found.size());
    const auto out = call.output(0, DataType::kINT64, {rank, count}).as<std::int64_t>();
    for (std::size_t column = 0; column < found.size(); ++column) {
        for (std::size_t axis = 0; axis < x.dims.size(); ++axis) {
            out[axis * found.size() + column] = found[column][axis];
        }
    }
}

constexpr std::array kFunctions{
    Function{"NonZero", non_zero},
};

} // namespace

std::span<const Function> selection_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
