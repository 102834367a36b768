// Products of integer matrices in the integers' own type: sums wrap, as they do in C.
#include <array>

#include "kernels/host/index.hpp"
#include "kernels/host/product.hpp"

namespace tensorvk::kernels::host {

namespace {

using Dims = std::vector<std::int64_t>;

//! numpy's matmul.
void matmul(Call& call) {
    const Tensor& a = call.input(0);
    const Tensor& b = call.input(1);
    const Product p = read_product(call, a.dims, b.dims);
    Tensor& out = call.output(0, a.dtype, p.result);
    const Dims batch(p.output.begin(), p.output.end() - 2);
    const Dims left_strides = broadcast_strides(Dims(p.a.begin(), p.a.end() - 2), batch);
    const Dims right_strides = broadcast_strides(Dims(p.b.begin(), p.b.end() - 2), batch);
    std::int64_t at = 0;
    for (Odometer index(batch); index.valid(); index.next()) {
        const std::int64_t left_start = index.offset(left_strides) * p.rows * p.inner;
        const std::int64_t right_start = index.offset(right_strides) * p.inner * p.columns;
        for (std::int64_t element = 0; element < p.rows * p.columns; ++element, ++at) {
            std::uint64_t sum = 0;
            for (std::int64_t k = 0; k < p.inner; ++k) {
                sum += static_cast<std::uint64_t>(a.get_integer(left_start + element / p.columns * p.inner + k)) *
                       static_cast<std::uint64_t>(b.get_integer(right_start + k * p.columns + element % p.columns));
            }
            out.set_integer(at, static_cast<std::int64_t>(sum));
        }
    }
}

constexpr std::array kFunctions{Function{"MatMul", matmul}};

} // namespace

std::span<const Function> matrix_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
