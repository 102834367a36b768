#include "kernels/host/matrix.hpp"

#include <algorithm>

#include "support/error.hpp"

namespace tensorvk::kernels::host {
namespace {

//! The last two axes of an operand as a matrix, and the steps of its leading axes (0 where it is broadcast).
struct Operand {
    const Tensor* tensor;
    std::int64_t rows, columns, row_step, column_step;
    std::vector<std::int64_t> batch; // extents, as long as the result's batch

    Operand(const Tensor& t, bool transpose, std::size_t batch_rank) : tensor(&t) {
        const std::size_t rank = t.dims.size();
        rows = t.dims[rank - 2];
        columns = t.dims[rank - 1];
        row_step = columns;
        column_step = 1;
        if (transpose) {
            std::swap(rows, columns);
            std::swap(row_step, column_step);
        }
        batch.assign(batch_rank - (rank - 2), 1);
        batch.insert(batch.end(), t.dims.begin(), t.dims.end() - 2);
    }

    //! First element of the matrix at batch index `flat` of the result's batch extents.
    [[nodiscard]] std::int64_t matrix(std::int64_t flat, const std::vector<std::int64_t>& extents) const {
        std::int64_t offset = 0;
        std::int64_t step = rows * columns;
        for (std::size_t a = extents.size(); a-- > 0;) {
            offset += batch[a] == 1 ? 0 : flat % extents[a] * step;
            flat /= extents[a];
            step *= batch[a];
        }
        return offset;
    }
};

} // namespace

Tensor matrix_product(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b, const Tensor* bias) {
    if (a.dims.size() < 2 || b.dims.size() < 2) {
        throw InvalidArgument(text("A matrix product got operands of rank ", a.dims.size(), " and ", b.dims.size(),
                                   "; both need rank 2 or more."));
    }
    const std::size_t batch_rank = std::max(a.dims.size(), b.dims.size()) - 2;
    const Operand left(a, transpose_a, batch_rank);
    const Operand right(b, transpose_b, batch_rank);
    if (left.columns != right.rows) {
        throw InvalidArgument(text("A matrix product got ", left.columns, " columns on the left and ", right.rows,
                                   " rows on the right."));
    }
    std::vector<std::int64_t> dims(batch_rank);
    for (std::size_t i = 0; i < batch_rank; ++i) {
        if (left.batch[i] != right.batch[i] && left.batch[i] != 1 && right.batch[i] != 1) {
            throw InvalidArgument(text("A matrix product cannot broadcast leading dimensions ", left.batch[i], " and ",
                                       right.batch[i], "."));
        }
        dims[i] = left.batch[i] == 1 ? right.batch[i] : left.batch[i];
    }
    const std::vector<std::int64_t> batch = dims;
    dims.push_back(left.rows);
    dims.push_back(right.columns);
    Tensor out(a.dtype, dims);
    for (std::int64_t index = 0; index < out.volume(); ++index) {
        const std::int64_t n = index % right.columns;
        const std::int64_t m = index / right.columns % left.rows;
        const std::int64_t flat = index / (right.columns * left.rows);
        const std::int64_t first_a = left.matrix(flat, batch) + m * left.row_step;
        const std::int64_t first_b = right.matrix(flat, batch) + n * right.column_step;
        double sum = bias != nullptr ? bias->get(n) : 0.0;
        for (std::int64_t k = 0; k < left.columns; ++k) {
            sum += a.get(first_a + k * left.column_step) * b.get(first_b + k * right.row_step);
        }
        out.set(index, sum);
    }
    return out;
}

} // namespace tensorvk::kernels::host
