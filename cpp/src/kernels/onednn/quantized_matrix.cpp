// cpu/quantized_matrix: of 8-bit integers by one matrix of int8, through oneDNN. The step is that of cpu/tiled_matrix. oneDNN adds up the
// products exactly in int32; what the zero point of the first factor takes off each column's sum and the bias follow in integers, then the
// epilogue.
#include <array>
#include <memory>
#include <vector>

#include "kernels/cpu/byte_types.hpp"
#include "kernels/cpu/epilogue.hpp"
#include "kernels/cpu/scratch.hpp"
#include "kernels/cpu/workers.hpp"
#include "kernels/onednn/catalogue.hpp"
#include "kernels/onednn/onednn.hpp"
#include "support/checked.hpp"

namespace tensorvk::kernels::cpu {

namespace {

using Type = dnnl::memory::data_type;

constexpr std::size_t kBatchAxes = 6;
constexpr std::int64_t kGrain = 1 << 14; // sums worth a thread

struct Task {
    std::int64_t rows = 1, n = 0, k = 0;
    std::int64_t b_row = 0, b_column = 0;
    const std::int8_t* b = nullptr;
    const std::int32_t* bias = nullptr;
    std::int32_t zero = 0; // of the first factor
    std::vector<std::int32_t> addends; // by column
    std::unique_ptr<Epilogue> epilogue;

    //! Sums of (a - zero) * b are those of a * b less zero * b. Integers wrap.
    void add_up_columns() {
        for (std::int64_t j = 0; j < n; ++j) {
            std::uint32_t sum = 0;
            for (std::int64_t i = 0; i < k && zero != 0; ++i) sum += static_cast<std::uint32_t>(b[i * b_row + j * b_column]);
            const std::uint32_t start = bias != nullptr ? static_cast<std::uint32_t>(bias[j]) : 0;
            addends[static_cast<std::size_t>(j)] = static_cast<std::int32_t>(start - static_cast<std::uint32_t>(zero) * sum);
        }
    }
    void finish(std::int32_t* sums) const {
        spread(rows, std::max<std::int64_t>(kGrain / n, 1), [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t row = first; row < last; ++row) {
                for (std::int64_t j = 0; j < n; ++j) {
                    const auto addend = static_cast<std::uint32_t>(addends[static_cast<std::size_t>(j)]);
                    sums[row * n + j] = static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[row * n + j]) + addend);
                }
            }
            epilogue->along_channels(sums + first * n, first * n, (last - first) * n, 0);
        });
    }
};

//! Rows of all matrices are one matrix.
std::int64_t rows_of(const Launch& launch) {
    const std::int64_t m = launch.param(1), a_row = launch.param(4);
    std::int64_t rows = m;
    for (std::size_t i = kBatchAxes; i-- > 0;) {
        const std::int64_t extent = launch.param(8 + i), a = launch.param(14 + i), b = launch.param(20 + i);
        if (extent < 1 || (extent > 1 && (b != 0 || a != checked_mul(rows, a_row)))) {
            throw InvalidPlan(
                text("Layer '", launch.layer(), "' of the plan is a product of batches that its kernel does not take: rebuild the plan."));
        }
        rows = checked_mul(rows, extent);
    }
    return rows;
}

} // namespace

Run prepare_quantized_matrix(const Launch& launch) {
    const std::int64_t count = launch.param(0);
    if (count == 0) return [] {};
    const ByteTypes types = byte_types(launch, 26);
    auto task = std::make_shared<Task>();
    task->n = launch.param(2);
    task->k = launch.param(3);
    task->b_row = launch.param(6);
    task->b_column = launch.param(7);
    task->rows = rows_of(launch);
    const std::int64_t a_row = launch.param(4), a_column = launch.param(5);
    if (types.weights.flip == 0 || launch.param(27) != 0 || task->n < 1 || task->k < 0 || a_row < 0 || a_column < 0 || task->b_row < 0 ||
        task->b_column < 0 || checked_mul(task->rows, task->n) != count) {
        throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is a product that its kernel does not take: rebuild the plan."));
    }
    task->epilogue = std::make_unique<Epilogue>(matrix_epilogue(launch, types.y, types.operands));
    if (launch.geometry(3) != 0) task->bias = launch.buffer<const std::int32_t>(2, task->n);
    task->zero = static_cast<std::int32_t>(launch.param(26));
    task->addends.resize(static_cast<std::size_t>(task->n));
    const auto reach = [](std::int64_t rows, std::int64_t row, std::int64_t columns, std::int64_t column) {
        return checked_add(checked_add(checked_mul(rows - 1, row), checked_mul(columns - 1, column)), 1);
    };
    const std::size_t bytes = scratch_bytes<std::int32_t>(count);
    if (task->k == 0) {
        task->add_up_columns();
        return [=] {
            const Scratch sums(bytes);
            std::fill_n(sums.data<std::int32_t>(), count, 0);
            task->finish(sums.data<std::int32_t>());
        };
    }
    const auto* a = launch.buffer<const std::byte>(0, reach(task->rows, a_row, task->k, a_column));
    task->b = launch.buffer<const std::int8_t>(1, reach(task->k, task->b_row, task->n, task->b_column));
    const bool constant = launch.geometry(2) != 0;
    const dnnl::memory::desc a_desc = strided_matrix({task->rows, task->k}, {a_row, a_column}, types.x.flip != 0 ? Type::s8 : Type::u8);
    const dnnl::memory::desc given = strided_matrix({task->k, task->n}, {task->b_row, task->b_column}, Type::s8);
    const dnnl::memory::desc b_desc = constant ? any_format({task->k, task->n}, Type::s8) : given;
    const dnnl::memory::desc c_desc = strided_matrix({task->rows, task->n}, {task->n, 1}, Type::s32);
    const dnnl::matmul::primitive_desc chosen(dnnl::matmul::desc(a_desc, b_desc, c_desc), our_attributes(), onednn_engine());
    dnnl::memory sums = over(c_desc, nullptr);
    Run product =
        execution(dnnl::matmul(chosen), chosen.scratchpad_desc(),
                  {{DNNL_ARG_SRC, over(a_desc, a)}, {DNNL_ARG_WEIGHTS, packed(launch, given, task->b, chosen.weights_desc())}, {DNNL_ARG_DST, sums}});
    if (constant) task->add_up_columns();
    return [=]() mutable {
        const Scratch memory(bytes);
        sums.set_data_handle(memory.data());
        if (!constant) task->add_up_columns();
        product();
        task->finish(memory.data<std::int32_t>());
    };
}

} // namespace tensorvk::kernels::cpu
