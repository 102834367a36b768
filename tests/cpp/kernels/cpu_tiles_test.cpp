// Tiles of products for every instruction set that this processor has, over odd rows, columns and depths, against plain sums.
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu/tiles.hpp"

namespace tensorvk::kernels::cpu {

#define TVK_TILES(isa)                          \
    namespace isa {                             \
    extern const Tiles<Floats> kFloatTiles;     \
    extern const Tiles<Integers> kIntegerTiles; \
    }
TVK_TILES(isa_vnni)
TVK_TILES(isa_avx512)
TVK_TILES(isa_avx2)
TVK_TILES(isa_any)

namespace {

template <typename A>
std::vector<const Tiles<A>*> of_this_processor();

template <>
std::vector<const Tiles<Floats>*> of_this_processor<Floats>() {
    std::vector<const Tiles<Floats>*> all{&isa_any::kFloatTiles};
    if (tiles<Floats>().lanes >= 8) all.push_back(&isa_avx2::kFloatTiles);
    if (tiles<Floats>().lanes >= 16) all.push_back(&isa_avx512::kFloatTiles);
    return all;
}
template <>
std::vector<const Tiles<Integers>*> of_this_processor<Integers>() {
    std::vector<const Tiles<Integers>*> all{&isa_any::kIntegerTiles};
    if (tiles<Integers>().lanes >= 8) all.push_back(&isa_avx2::kIntegerTiles);
    if (tiles<Integers>().lanes >= 16) all.push_back(&isa_avx512::kIntegerTiles);
    if (&tiles<Integers>() == &isa_vnni::kIntegerTiles) all.push_back(&isa_vnni::kIntegerTiles);
    return all;
}

template <typename T>
std::vector<T> random_numbers(std::size_t count, unsigned seed) {
    std::vector<T> out(count);
    std::mt19937 random(seed);
    for (T& number : out) number = static_cast<T>(static_cast<int>(random() % 511) - 255); // whole: sums are exact in float too
    return out;
}

template <typename A>
void check(const Tiles<A>& tiles, std::int64_t rows, std::int64_t columns, std::int64_t depth, bool biased) {
    using In = typename A::In;
    using Sum = typename A::Sum;
    const std::int64_t wide = (columns + tiles.lanes - 1) / tiles.lanes * tiles.lanes, a_stride = depth + 3, c_stride = columns + 1;
    const auto a = random_numbers<In>(static_cast<std::size_t>(rows * a_stride), 1);
    const auto b = random_numbers<In>(static_cast<std::size_t>(depth * wide), 2);
    const auto start = random_numbers<Sum>(static_cast<std::size_t>(columns), 3);
    std::vector<Sum> c(static_cast<std::size_t>(rows * c_stride), Sum{77});
    tiles.multiply({a.data(), a_stride, depth, b.data(), wide * A::kStep, biased ? start.data() : nullptr, c.data(), c_stride, rows, columns});
    const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
    for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t j = 0; j < columns; ++j) {
            Sum sum = biased ? start[at(j)] : Sum{0};
            for (std::int64_t k = 0; k < depth; ++k) {
                const In factor = b[at(k / A::kStep * wide * A::kStep + j * A::kStep + k % A::kStep)];
                sum += static_cast<Sum>(a[at(r * a_stride + k)]) * static_cast<Sum>(factor);
            }
            ASSERT_EQ(c[at(r * c_stride + j)], sum) << rows << " rows, " << columns << " columns, depth " << depth << ", at " << r << ", " << j;
        }
        ASSERT_EQ(c[at(r * c_stride + columns)], Sum{77}) << "nothing beside the columns is written";
    }
}

template <typename A>
class CpuTiles : public testing::Test {};
using Arithmetics = testing::Types<Floats, Integers>;
TYPED_TEST_SUITE(CpuTiles, Arithmetics);

TYPED_TEST(CpuTiles, AddUpEveryTile) {
    for (const Tiles<TypeParam>* tiles : of_this_processor<TypeParam>()) {
        for (const std::int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17, 33}) {
            for (const std::int64_t columns : {std::int64_t{1}, tiles->lanes - 1, tiles->lanes, tiles->lanes + 1, tiles->width - 1, tiles->width}) {
                for (const std::int64_t depth : {0, 1, 2, 3, 7, 8, 33}) {
                    check(*tiles, rows, columns, depth * TypeParam::kStep, depth % 2 == 0);
                }
            }
        }
    }
}

TYPED_TEST(CpuTiles, AddUpChannelsOfTheirOwn) {
    using Source = typename TypeParam::Source;
    using In = typename TypeParam::In;
    using Sum = typename TypeParam::Sum;
    for (const Tiles<TypeParam>* tiles : of_this_processor<TypeParam>()) {
        for (const std::size_t channels : {1, 3, 16, 17, 33, 64, 65, 130}) {
            constexpr std::size_t kTaps = 5, kPositions = 7;
            std::vector<Source> x(kTaps + 2 * kPositions * channels);
            for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<Source>(i * 7 % 256);
            const auto w = random_numbers<In>(kTaps * channels, 4);
            const auto start = random_numbers<Sum>(channels, 5);
            const Source* xs[kTaps];
            const In* ws[kTaps];
            for (std::size_t tap = 0; tap < kTaps; ++tap) {
                xs[tap] = x.data() + tap;
                ws[tap] = w.data() + tap * channels;
            }
            const bool bytes = std::is_same_v<TypeParam, Integers>;
            std::vector<Sum> out(kPositions * (channels + 1), Sum{77});
            const auto each = static_cast<std::int64_t>(channels);
            tiles->channels({xs, ws, kTaps, std::uint8_t{0x80}, 131, start.data(), out.data(), each, kPositions, 2 * each, each + 1});
            for (std::size_t p = 0; p < kPositions; ++p) {
                for (std::size_t c = 0; c < channels; ++c) {
                    Sum sum = start[c];
                    for (std::size_t tap = 0; tap < kTaps; ++tap) {
                        const int byte = static_cast<int>(xs[tap][2 * p * channels + c]);
                        sum += static_cast<Sum>(bytes ? (byte ^ 0x80) - 131 : byte) * static_cast<Sum>(ws[tap][c]);
                    }
                    ASSERT_EQ(out[p * (channels + 1) + c], sum) << channels << " channels, at " << p << ", " << c;
                }
                ASSERT_EQ(out[p * (channels + 1) + channels], Sum{77}) << "nothing beside the channels is written";
            }
        }
    }
}

} // namespace
} // namespace tensorvk::kernels::cpu
