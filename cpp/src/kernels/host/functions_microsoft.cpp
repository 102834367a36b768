// Operators of ONNX Runtime's domain com.microsoft that have no layers to be made of; the quantized ones that are as old as QLinearConv lie in
// functions_quantize.cpp.
#include <array>
#include <cmath>

#include "kernels/host/quantized.hpp"

namespace tensorvk::kernels::host {

namespace {

//! Brings the largest of column `at` from the rows below to row `at`. Both matrices are [n, n].
void swap_largest(std::vector<double>& matrix, std::vector<double>& inverse, std::size_t n, std::size_t at) {
    std::size_t largest = at;
    for (std::size_t row = at + 1; row < n; ++row) {
        largest = std::abs(matrix[row * n + at]) > std::abs(matrix[largest * n + at]) ? row : largest;
    }
    for (std::size_t column = 0; column < n && largest != at; ++column) {
        std::swap(matrix[at * n + column], matrix[largest * n + column]);
        std::swap(inverse[at * n + column], inverse[largest * n + column]);
    }
}

//! Gauss and Jordan's elimination in double; infinite or NaN where there is no inverse.
std::vector<double> inverted(std::vector<double> matrix, std::size_t n) {
    std::vector<double> inverse(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        inverse[i * n + i] = 1.0;
    }
    for (std::size_t at = 0; at < n; ++at) {
        swap_largest(matrix, inverse, n, at);
        const double pivot = matrix[at * n + at];
        for (std::size_t column = 0; column < n; ++column) {
            matrix[at * n + column] /= pivot;
            inverse[at * n + column] /= pivot;
        }
        for (std::size_t row = 0; row < n; ++row) {
            const double factor = matrix[row * n + at];
            for (std::size_t column = 0; column < n && row != at; ++column) {
                matrix[row * n + column] -= factor * matrix[at * n + column];
                inverse[row * n + column] -= factor * inverse[at * n + column];
            }
        }
    }
    return inverse;
}

//! Of each matrix in [..., n, n].
void inverse(Call& call) {
    const Tensor& x = call.input(0);
    const std::size_t rank = x.dims.size();
    if (rank < 2 || x.dims[rank - 1] != x.dims[rank - 2]) {
        call.fail("needs square matrices.");
    }
    const auto n = static_cast<std::size_t>(x.dims.back());
    const std::size_t size = n * n;
    Tensor& y = call.output(0, x.dtype, x.dims);
    const std::int64_t volume = x.volume();
    for (std::int64_t begin = 0; begin < volume; begin += static_cast<std::int64_t>(size)) {
        std::vector<double> matrix(size);
        for (std::size_t i = 0; i < size; ++i) {
            matrix[i] = x.get(begin + static_cast<std::int64_t>(i));
        }
        const std::vector<double> result = inverted(std::move(matrix), n);
        for (std::size_t i = 0; i < size; ++i) {
            y.set(begin + static_cast<std::int64_t>(i), result[i]);
        }
    }
}

constexpr std::array kFunctions{
    Function{"UnpackBnb4", unpack_bnb4},
    Function{"UnpackNBits", unpack_n_bits},
    Function{"com.microsoft.DynamicQuantizeLSTM", dynamic_quantize_lstm},
    Function{"com.microsoft.GatherBlockQuantized", gather_block_quantized},
    Function{"com.microsoft.Inverse", inverse},
    Function{"com.microsoft.QLinearReduceMean", qlinear_reduce_mean},
    Function{"com.microsoft.QLinearWhere", qlinear_where},
};

} // namespace

std::span<const Function> microsoft_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
