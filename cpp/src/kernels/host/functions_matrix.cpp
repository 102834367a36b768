// Products of integer matrices in the integers' own type: sums wrap, as they do in C.
#include <algorithm>
#include <array>

#include "kernels/host/functions.hpp"
#include "kernels/host/index.hpp"

namespace tensorvk::kernels::host {

namespace {

using Dims = std::vector<std::int64_t>;

//! numpy's matmul: vectors are made matrices, and their axes leave the result.
void matmul(Call& call) {
    const Tensor& a = call.input(0);
    const Tensor& b = call.input(1);
    if (a.dims.empty() || b.dims.empty()) {
        call.fail("multiplies matrices; a scalar was given.");
    }
    Dims left = a.dims;
    Dims right = b.dims;
    if (left.size() == 1) {
        left.insert(left.begin(), 1);
    }
    if (right.size() == 1) {
        right.push_back(1);
    }
    const std::int64_t rows = left[left.size() - 2];
    const std::int64_t inner = left.back();
    const std::int64_t columns = right.back();
    if (right[right.size() - 2] != inner) {
        call.fail("multiplies matrices with ", inner, " columns and ", right[right.size() - 2], " rows.");
    }
    left.resize(left.size() - 2);
    right.resize(right.size() - 2);
    Dims batch(std::max(left.size(), right.size()), 1);
    for (const Dims* dims : {&left, &right}) {
        const std::size_t skipped = batch.size() - dims->size();
        for (std::size_t i = 0; i < dims->size(); ++i) {
            std::int64_t& extent = batch[i + skipped];
            if (extent != (*dims)[i] && extent != 1 && (*dims)[i] != 1) {
                call.fail("cannot broadcast stacks of ", extent, " and ", (*dims)[i], " matrices.");
            }
            extent = extent == 1 ? (*dims)[i] : extent;
        }
    }
    Dims result = batch;
    if (a.dims.size() > 1) {
        result.push_back(rows);
    }
    if (b.dims.size() > 1) {
        result.push_back(columns);
    }
    Tensor& out = call.output(0, a.dtype, std::move(result));
    const Dims left_strides = broadcast_strides(left, batch);
    const Dims right_strides = broadcast_strides(right, batch);
    std::int64_t at = 0;
    for (Odometer index(batch); index.valid(); index.next()) {
        const std::int64_t left_start = index.offset(left_strides) * rows * inner;
        const std::int64_t right_start = index.offset(right_strides) * inner * columns;
        for (std::int64_t element = 0; element < rows * columns; ++element, ++at) {
            std::uint64_t sum = 0;
            for (std::int64_t k = 0; k < inner; ++k) {
                sum += static_cast<std::uint64_t>(a.get_integer(left_start + element / columns * inner + k)) *
                       static_cast<std::uint64_t>(b.get_integer(right_start + k * columns + element % columns));
            }
            out.set_integer(at, static_cast<std::int64_t>(sum));
        }
    }
}

constexpr std::array kFunctions{Function{"MatMul", matmul}};

} // namespace

std::span<const Function> matrix_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
