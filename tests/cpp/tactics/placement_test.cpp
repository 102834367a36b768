// Products whose result is a part of a larger value: those that write it there, and those with a copy behind.
#include <gtest/gtest.h>

#include <cmath>

#include "tactics/check.hpp"
#include "tactics/convolution_case.hpp"
#include "tactics/played_units.hpp"

namespace tensorvk::test {
namespace {

//! Of the larger value: channels in front of the result and behind it.
struct Around {
    std::int64_t before, behind;
};

struct Placed {
    Case convolution;
    Around around;
};

std::ostream& operator<<(std::ostream& out, const Placed& p) { return out << p.convolution.name; }

//! Tiles that compute without rounding of halves, but for weights and result.
double tolerance(const Case& c) { return c.in_type == DataType::kHALF ? 2e-3 : 1e-5; }

//! The larger value: `result` between numbers that nobody computes, which are NaN as memory was.
Tensor surrounded(const Tensor& result, const Around& around) {
    std::vector<std::int64_t> dims = result.dims;
    dims[1] += around.before + around.behind;
    Tensor whole(result.dtype, dims);
    const std::int64_t plane = result.volume() / (result.dims[0] * result.dims[1]);
    for (std::int64_t i = 0; i < whole.volume(); ++i) {
        const std::int64_t n = i / (dims[1] * plane), c = i / plane % dims[1] - around.before, at = i % plane;
        const bool inside = c >= 0 && c < result.dims[1];
        whole.set(i, inside ? result.get((n * result.dims[1] + c) * plane + at) : std::nan(""));
    }
    return whole;
}

void expect_same(const Tensor& actual, const Tensor& expected, double tolerance) {
    double largest = 0.0, difference = 0.0;
    std::int64_t touched = 0;
    for (std::int64_t i = 0; i < expected.volume(); ++i) {
        if (std::isnan(expected.get(i))) {
            touched += std::isnan(actual.get(i)) ? 0 : 1;
            continue;
        }
        largest = std::max(largest, std::abs(expected.get(i)));
        difference = std::isnan(actual.get(i)) ? HUGE_VAL : std::max(difference, std::abs(actual.get(i) - expected.get(i)));
    }
    EXPECT_LE(difference, tolerance * largest);
    EXPECT_EQ(touched, 0) << "elements of other parts were written";
}

//! One of each kind of kernel, on the host or a GPU: of tiles that are there in many sizes, some.
bool is_tried(const tactics::Candidate& candidate) {
    constexpr const char* kKinds[] = {"/generic", "/shared_32x32", "/shared_64x16", "/tile_", "/vector_", "/coopmat_32x32x64", "/coopmat_64x64x64", "/halo_4x32x16"};
    const auto is = [&](const char* kind) { return candidate.name.find(kind) != std::string::npos; };
    return candidate.applicable() && (candidate.host || std::ranges::any_of(kKinds, is));
}

class PlacedConvolutions : public testing::TestWithParam<Placed> {};

TEST_P(PlacedConvolutions, AreWrittenIntoTheirPart) {
    const auto& [c, around] = GetParam();
    const auto device = vulkan::Device::current();
    if (c.in_type == DataType::kHALF && !device->caps().fp16_storage) GTEST_SKIP() << "no fp16 storage";
    Built built = build(c);
    std::vector<std::int64_t> whole = built.expected.dims;
    whole[1] += around.before + around.behind;
    built.operation.place_output(whole, 1, around.before);
    std::vector<vulkan::DeviceCaps> players{device->caps()};
    players[0].is_cpu = false; // kernels for GPUs run on any device that has shaders
    if (c.in_type == DataType::kHALF && can_play_units()) players.push_back(with_units(device->caps()));
    int in_place = 0;
    for (const vulkan::DeviceCaps& caps : players) {
        for (const tactics::Candidate& candidate : built.operation.candidates(caps)) {
            if (!is_tried(candidate)) continue;
            SCOPED_TRACE(candidate.name);
            in_place += candidate.in_place ? 1 : 0;
            OperationCase::Prepared prepared = built.operation.prepare(device, candidate, caps);
            prepared.runner->run();
            expect_same(built.operation.output(prepared), surrounded(built.expected, around), tolerance(c));
        }
    }
    // A residual lies like the result alone; who reads it there cannot write elsewhere.
    EXPECT_EQ(in_place > 0, device->caps().shaders && c.operands != Operands::kRESIDUAL);
}

Placed placed(std::string name, Case c, Around around) {
    c.name = std::move(name);
    return {std::move(c), around};
}

std::vector<Placed> cases() {
    const auto half = [](Case& c) { c.in_type = c.out_type = DataType::kHALF; };
    const auto up = [](Case& c) { c.transposed = true, c.kernel = c.stride = {2, 2}, c.pre = c.post = {0, 0}; };
    const Case three = conv2d("", {2, 16, 17, 9}, 24, 3, 1, 1), one = conv2d("", {1, 33, 5, 7}, 17, 1, 1, 0);
    return {
        placed("first", three, {0, 8}),
        placed("last", three, {16, 0}),
        placed("between", with(three, half), {8, 16}),
        placed("uneven", one, {3, 1}),
        placed("uneven_halves", with(one, half), {3, 2}),
        placed("windows_cut_channels", with(conv2d("", {1, 64, 3, 11}, 32, 3, 1, 1), half), {8, 24}),
        placed("cut_depth", with(conv2d("", {1, 512, 4, 4}, 32, 3, 1, 1), half), {32, 0}),
        placed("up", with(with(conv2d("", {1, 32, 6, 5}, 16, 2, 1, 0), up), half), {16, 0}),
        placed("up_floats", with(conv2d("", {2, 8, 3, 3}, 4, 2, 1, 0), up), {4, 4}),
        placed("groups", with(three, [](Case& c) { c.groups = 2; }), {8, 0}),
        placed("per_channel", with(three, [](Case& c) { c.operands = Operands::kPER_CHANNEL; }), {8, 4}),
        placed("residual", with(three, [](Case& c) { c.operands = Operands::kRESIDUAL; }), {8, 4}),
        placed("rows", with(three, [](Case& c) { c.in_layout = c.out_layout = Layout::kLINEAR; }), {8, 4}),
        placed("dynamic_batch", with(three, [](Case& c) { c.dynamic = true; }), {8, 4}),
    };
}

INSTANTIATE_TEST_SUITE_P(Shapes, PlacedConvolutions, testing::ValuesIn(cases()), [](const auto& test) { return test.param.convolution.name; });

TEST(PlacedProducts, AreWrittenIntoTheirColumns) {
    constexpr std::int64_t kRows = 17, kDepth = 33, kColumns = 12, kBefore = 4, kWhole = 20;
    const Tensor a = random_tensor(DataType::kFLOAT, {kRows, kDepth}, 1), b = random_tensor(DataType::kFLOAT, {kDepth, kColumns}, 2);
    Tensor expected(DataType::kFLOAT, {kRows, kWhole});
    for (std::int64_t i = 0; i < expected.volume(); ++i) {
        const std::int64_t row = i / kWhole, column = i % kWhole - kBefore;
        double sum = 0.0;
        for (std::int64_t k = 0; k < kDepth && column >= 0 && column < kColumns; ++k) sum += a.get(row * kDepth + k) * b.get(k * kColumns + column);
        expected.set(i, column >= 0 && column < kColumns ? sum : std::nan(""));
    }
    tactics::Operation product;
    product.name = "product";
    product.kind = tactics::MatrixProduct{};
    OperationCase operation(std::move(product));
    operation.add_input(a, Layout::kLINEAR, false);
    operation.add_input(b, Layout::kLINEAR, true);
    operation.set_output(DataType::kFLOAT, {kRows, kColumns}, Layout::kLINEAR);
    operation.place_output({kRows, kWhole}, 1, kBefore);
    const auto device = vulkan::Device::current();
    vulkan::DeviceCaps caps = device->caps();
    caps.is_cpu = false;
    int in_place = 0;
    for (const tactics::Candidate& candidate : operation.candidates(caps)) {
        if (!is_tried(candidate)) continue;
        SCOPED_TRACE(candidate.name);
        in_place += candidate.in_place ? 1 : 0;
        OperationCase::Prepared prepared = operation.prepare(device, candidate, caps);
        prepared.runner->run();
        expect_same(operation.output(prepared), expected, 1e-5);
    }
    EXPECT_EQ(in_place > 0, device->caps().shaders);
}

} // namespace
} // namespace tensorvk::test
