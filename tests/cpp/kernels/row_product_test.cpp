// A few rows times a packed matrix, in every instruction set that this processor has, against sums in double.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "kernels/cpu/row_product.hpp"

namespace tensorvk::kernels::cpu {

namespace isa_avx512 {
void row_product(const RowProductTask& task, std::int64_t first, std::int64_t last);
}
namespace isa_avx2 {
void row_product(const RowProductTask& task, std::int64_t first, std::int64_t last);
}
namespace isa_any {
void row_product(const RowProductTask& task, std::int64_t first, std::int64_t last);
}

namespace {

std::vector<std::pair<const char*, RowProduct>> all() {
    std::vector<std::pair<const char*, RowProduct>> out{{"any", isa_any::row_product}};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) out.emplace_back("avx2", isa_avx2::row_product);
    if (__builtin_cpu_supports("avx512f")) out.emplace_back("avx512", isa_avx512::row_product);
#endif
    return out;
}

struct Case {
    std::int64_t rows, k, n;
};

class RowProducts : public testing::TestWithParam<Case> {};

TEST_P(RowProducts, AreSumsOfProducts) {
    const auto [rows, k, n] = GetParam();
    std::mt19937 random(5);
    std::uniform_real_distribution<float> numbers(-1.0f, 1.0f);
    const auto make = [&](std::int64_t count) {
        std::vector<float> out(static_cast<std::size_t>(count));
        for (float& number : out) number = numbers(random);
        return out;
    };
    const std::vector<float> x = make(rows * k), matrix = make(k * n), start = make(n), before = make(rows * n);
    std::vector<float> packed(static_cast<std::size_t>(panels_of(n) * kPanel * k));
    for (std::int64_t i = 0; i < k; ++i) {
        for (std::int64_t j = 0; j < n; ++j) packed[static_cast<std::size_t>((j / kPanel * k + i) * kPanel + j % kPanel)] = matrix[static_cast<std::size_t>(i * n + j)];
    }
    for (const auto& [name, product] : all()) {
        for (const bool onto : {false, true}) {
            std::vector<float> y = before;
            std::vector<const float*> from;
            std::vector<float*> to;
            for (std::int64_t r = 0; r < rows; ++r) {
                from.push_back(x.data() + r * k);
                to.push_back(y.data() + r * n);
            }
            const RowProductTask task{from.data(), to.data(), rows, k, n, packed.data(), onto ? nullptr : start.data()};
            const std::int64_t middle = panels_of(n) / 2; // any part can be asked for
            product(task, middle, panels_of(n));
            product(task, 0, middle);
            for (std::int64_t r = 0; r < rows; ++r) {
                for (std::int64_t j = 0; j < n; ++j) {
                    const auto at = static_cast<std::size_t>(r * n + j);
                    double sum = static_cast<double>(onto ? before[at] : start[static_cast<std::size_t>(j)]);
                    for (std::int64_t i = 0; i < k; ++i) sum += static_cast<double>(x[static_cast<std::size_t>(r * k + i)]) * static_cast<double>(matrix[static_cast<std::size_t>(i * n + j)]);
                    // k roundings of a partial sum that stays around the root of k.
                    ASSERT_NEAR(static_cast<double>(y[at]), sum, 1e-7 * static_cast<double>(k + 10)) << name << ", row " << r << ", column " << j;
                }
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, RowProducts,
                         testing::Values(Case{1, 1, 16}, Case{1, 0, 16}, Case{1, 33, 64}, Case{1, 128, 512}, Case{2, 17, 80}, Case{3, 3, 112}, Case{4, 5, 128},
                                         Case{5, 33, 48}, Case{7, 64, 144}, Case{33, 3, 16}, Case{0, 3, 16}));

} // namespace
} // namespace tensorvk::kernels::cpu
