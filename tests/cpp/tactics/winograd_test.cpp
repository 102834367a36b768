// Convolutions by products at points, on whatever the device has: through shared memory everywhere, on matrix units where there are some. Whether they pay is not asked.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "tactics/convolution_check.hpp"
#include "tactics/large_gpu.hpp"
#include "tactics/played_units.hpp"
#include "tactics/winograd.hpp"

namespace tensorvk::test {
namespace {

std::vector<tactics::Candidate> offered(const OperationCase& operation, const vulkan::DeviceCaps& caps) {
    return operation.ask(caps, [](const tactics::Query& query) { return tactics::winograd_candidates(tactics::ConvolutionProblem(query), query); });
}

//! Kernels for GPUs run on any device that has shaders.
vulkan::DeviceCaps as_gpu(vulkan::DeviceCaps caps) {
    caps.is_cpu = false;
    return caps;
}

//! Some of the product's tiles: CPU drivers take a while to make these pipelines.
bool is_chosen(const tactics::Candidate& candidate) {
    constexpr std::array<std::string_view, 5> kChosen{"_shared_32x32_4x4", "_shared_64x16_4x4", "_coopmat_32x32x64", "_coopmat_64x64x64", "_coopmat_128x64x64"};
    return candidate.applicable() && std::ranges::any_of(kChosen, [&](std::string_view part) { return candidate.name.find(part) != std::string::npos; });
}

bool is_half(const Case& c) { return c.in_type == DataType::kHALF || c.out_type == DataType::kHALF; }

class Winograd : public testing::TestWithParam<Case> {};

TEST(WinogradInputs, OfFloat32AreNoPointsOfFloat16) {
    const auto device = vulkan::Device::by_index(0);
    if (!device->caps().shaders) GTEST_SKIP() << "no shaders";
    const Built built = build(with(conv2d("floats_to_halves", {1, 32, 9, 9}, 40, 3, 1, 1), [](Case& c) { c.out_type = DataType::kHALF; }));
    for (const tactics::Candidate& candidate : offered(built.operation, as_gpu(device->caps()))) {
        EXPECT_FALSE(candidate.name.starts_with("conv/winograd2") && candidate.applicable()) << candidate.name;
    }
}

TEST_P(Winograd, AgreesWithTheHostReference) {
    const Case& c = GetParam();
    const auto device = vulkan::Device::current();
    if (!device->caps().shaders) GTEST_SKIP() << "no shaders";
    if (is_half(c) && !device->caps().fp16_storage) GTEST_SKIP() << "no fp16 storage";
    const Built built = build(c);
    for (const bool units : {false, true}) {
        if (units && !can_play_units()) continue;
        vulkan::DeviceCaps caps = units ? with_units(device->caps()) : as_gpu(device->caps());
        caps.cooperative_matrix = units;
        int of_twos = 0, of_fours = 0;
        for (const tactics::Candidate& candidate : offered(built.operation, caps)) {
            if (!is_chosen(candidate)) continue;
            SCOPED_TRACE(candidate.name);
            candidate.name.starts_with("conv/winograd2_") ? ++of_twos : ++of_fours;
            OperationCase::Prepared prepared = built.operation.prepare(device, candidate, caps);
            prepared.runner->run();
            EXPECT_LT(relative_error(built.operation.output(prepared), built.expected), tolerance(c, built.terms));
        }
        EXPECT_GT(of_twos, 0) << "matrix units: " << units;
        EXPECT_EQ(of_fours > 0, !is_half(c) || c.x[1] >= 16) << "matrix units: " << units;
    }
}

std::vector<Case> cases() {
    const auto linear = [](Case& c) { c.in_layout = c.out_layout = Layout::kLINEAR; };
    const auto residual = [](Case& c) { c.operands = Operands::kRESIDUAL; };
    std::vector<Case> out{
        conv2d("one_pixel_one_channel", {3, 1, 1, 1}, 17, 3, 1, 1),
        conv2d("to_one_channel", {1, 17, 33, 17}, 1, 3, 1, 1),
        with(conv2d("c3_to_c17_of_3x3", {2, 3, 3, 3}, 17, 3, 1, 1), residual),
        with(conv2d("c17_to_c64", {1, 17, 17, 33}, 64, 3, 1, 1), residual),
        conv2d("c64_to_c33_batch3", {3, 64, 33, 17}, 33, 3, 1, 1),
        with(conv2d("c64_to_c64_of_one_pixel", {3, 64, 1, 1}, 64, 3, 1, 1), residual),
        with(conv2d("fours_that_are_no_eights", {2, 20, 9, 5}, 20, 3, 1, 1), residual),
        conv2d("nothing_is_padded", {1, 33, 19, 5}, 17, 3, 1, 0),
        with(conv2d("uneven_pads", {1, 24, 19, 30}, 33, 3, 1, 0), [](Case& c) { c.pre = {0, 2}, c.post = {2, 0}, c.operands = Operands::kPER_CHANNEL; }),
        with(conv2d("more_padding_than_picture", {1, 16, 1, 2}, 24, 3, 1, 5), [](Case& c) { c.operands = Operands::kSCALAR; }),
        with(conv2d("rows_both", {2, 18, 7, 9}, 22, 3, 1, 1), linear),
        with(conv2d("rows_in_residual", {2, 16, 7, 9}, 24, 3, 1, 1), [](Case& c) { c.in_layout = Layout::kLINEAR, c.operands = Operands::kRESIDUAL; }),
        with(conv2d("rows_out_squared", {1, 16, 6, 6}, 18, 3, 1, 1), [](Case& c) { c.out_layout = Layout::kLINEAR, c.operands = Operands::kSQUARE; }),
        with(conv2d("weights_are_data_no_bias", {1, 32, 18, 19}, 24, 3, 1, 0), [](Case& c) { c.constant_weights = false, c.bias = false, c.operands = Operands::kNONE; }),
        conv2d("many_terms_of_few_tiles", {1, 512, 4, 4}, 32, 3, 1, 1),
        conv2d("no_pictures", {0, 16, 9, 9}, 24, 3, 1, 1),
    };
    const std::vector<Case> floats = out;
    for (Case c : floats) {
        c.name = "half_" + c.name;
        c.in_type = c.out_type = DataType::kHALF;
        out.push_back(c);
    }
    out.push_back(with(conv2d("halves_to_floats", {1, 32, 9, 9}, 40, 3, 1, 1), [](Case& c) { c.in_type = DataType::kHALF, c.operands = Operands::kRESIDUAL; }));
    return out;
}
INSTANTIATE_TEST_SUITE_P(Shapes, Winograd, testing::ValuesIn(cases()), [](const auto& shape) { return shape.param.name; });

TEST(WinogradCandidates, WriteIntoTheirPartOfAConcatenation) {
    constexpr std::int64_t kBefore = 8, kWhole = 48;
    const auto device = vulkan::Device::current();
    if (!device->caps().shaders) GTEST_SKIP() << "no shaders";
    Built built = build(conv2d("placed", {2, 16, 9, 7}, 24, 3, 1, 1));
    const std::vector<std::int64_t> part = built.expected.dims;
    built.operation.place_output({part[0], kWhole, part[2], part[3]}, 1, kBefore);
    const auto of_part = [](const tactics::Query& query) {
        tactics::Operation in_place = query.operation;
        in_place.outputs.insert(in_place.outputs.begin(), in_place.placement->part);
        const tactics::Query asked{in_place, query.values, query.caps, query.exprs};
        return tactics::winograd_candidates(tactics::ConvolutionProblem(asked), asked);
    };
    int ran = 0;
    for (const tactics::Candidate& candidate : built.operation.ask(as_gpu(device->caps()), of_part)) {
        if (!is_chosen(candidate)) continue;
        SCOPED_TRACE(candidate.name);
        ++ran;
        EXPECT_TRUE(candidate.in_place);
        const Tensor whole = built.operation.run(device, candidate);
        const std::int64_t plane = part[2] * part[3];
        double error = 0.0;
        std::int64_t touched = 0;
        for (std::int64_t i = 0; i < whole.volume(); ++i) {
            const std::int64_t n = i / (kWhole * plane), channel = i / plane % kWhole - kBefore, at = i % plane;
            if (channel < 0 || channel >= part[1]) {
                touched += std::isnan(whole.get(i)) ? 0 : 1;
            } else {
                error = std::max(error, std::abs(whole.get(i) - built.expected.get((n * part[1] + channel) * plane + at)));
            }
        }
        EXPECT_LT(error, 1e-4) << "of sums of up to ten";
        EXPECT_EQ(touched, 0) << "elements of other parts were written";
    }
    EXPECT_EQ(ran, 3) << "two of the product's tiles, of which only one takes so few tiles of 4 x 4";
}

const tactics::Candidate* find(const std::vector<tactics::Candidate>& candidates, const std::string& begin) {
    const auto found = std::ranges::find_if(candidates, [&](const tactics::Candidate& candidate) { return candidate.name.starts_with(begin); });
    return found == candidates.end() ? nullptr : &*found;
}

vulkan::DeviceCaps gpu() {
    vulkan::DeviceCaps caps = large_gpu();
    caps.shaders = true;
    caps.limits.max_storage_range = std::uint64_t{1} << 32;
    return caps;
}

Case halves(Case c) {
    c.in_type = c.out_type = DataType::kHALF;
    return c;
}

TEST(WinogradCandidates, RefuseWithTheValueThatDecided) {
    const auto refusal = [](const Case& c, const std::string& begin, const vulkan::DeviceCaps& caps = gpu()) { return find(offered(build(c).operation, caps), begin)->refusal; };
    const Case whole = conv2d("whole", {1, 64, 16, 16}, 64, 3, 1, 1);
    EXPECT_EQ(refusal(whole, "conv/winograd4_shared_64x64_8x4"), "there are 16 output positions, more than half of the 64 of the tile would be padding");
    EXPECT_EQ(refusal(whole, "conv/winograd2_shared_64x64_8x4"), "");
    EXPECT_EQ(refusal(whole, "conv/winograd2x4"), "tiles of 2 x 4 are for float16: in float32 those of 4 x 4 are exact enough");
    EXPECT_EQ(refusal(halves(whole), "conv/winograd4"), "points of float16 lose 2 to 4e-3 of the largest result in tiles of 4 x 4, the tolerance is 2e-3");
    EXPECT_EQ(refusal(halves(conv2d("few", {1, 15, 16, 16}, 64, 3, 1, 1)), "conv/winograd2x4"), "there are 15 input channels, points of float16 need 16 to average what they lose");
    EXPECT_EQ(refusal(halves(whole), "conv/winograd2_coopmat_64x64x64"), "");
    EXPECT_EQ(refusal(conv2d("stride", {1, 64, 16, 16}, 64, 3, 2, 1), "conv/winograd2"), "only for one group, a window of 3 x 3, stride and dilation 1");
    EXPECT_EQ(refusal(with(whole, [](Case& c) { c.groups = 2; }), "conv/winograd4"), "only for one group, a window of 3 x 3, stride and dilation 1");
    EXPECT_EQ(refusal(with(whole, [](Case& c) { c.dynamic = true; }), "conv/winograd4"), "the number of tiles is dynamic");
    vulkan::DeviceCaps caps = gpu();
    caps.limits.max_storage_range = 36 * 16 * 64 * 4 - 1;
    EXPECT_EQ(refusal(whole, "conv/winograd4", caps), "the transformed tiles take 147456 bytes, this device binds 147455");
    EXPECT_EQ(refusal(conv2d("wide", {1, 256, 4, 4}, 512, 3, 1, 1), "conv/winograd4", caps), "the transformed weights take up to 56623104 bytes, this device binds 147455");
    caps = gpu();
    caps.is_cpu = true;
    EXPECT_EQ(refusal(whole, "conv/winograd4", caps), "shared memory and barriers cost 10x on CPU drivers");
    caps = gpu();
    caps.cooperative_matrix = false;
    EXPECT_EQ(refusal(halves(whole), "conv/winograd2_shared_64x64_8x4", caps), "");
}

//! Of matrix units, which this device need not have: all that can be seen without running them.
TEST(WinogradCandidates, AreThreeStepsAndWeightsThatAreTransformedOnce) {
    const auto device = vulkan::Device::current();
    if (!device->caps().shaders || !device->caps().fp16_storage) GTEST_SKIP() << "no shaders, or no fp16 storage";
    const Built built = build(halves(conv2d("steps", {1, 20, 16, 16}, 34, 3, 1, 1)));
    for (const std::string kind : {"2x2", "2x4"}) {
        const auto candidates = offered(built.operation, gpu());
        const tactics::Candidate* candidate = find(candidates, kind == "2x2" ? "conv/winograd2_coopmat_32x32x64" : "conv/winograd2x4_coopmat_32x32x64");
        ASSERT_NE(candidate, nullptr);
        const OperationCase::Prepared prepared = built.operation.prepare(device, *candidate, gpu());
        const auto kernels = [](const std::vector<plan::Step>& steps) {
            std::vector<std::string> names;
            for (const plan::Step& step : steps) names.push_back(step.kernel);
            return names;
        };
        EXPECT_EQ(kernels(prepared.program->steps), (std::vector<std::string>{"convolution/winograd_input:f16_" + kind, "convolution/coopmat:f16", "convolution/winograd_output:f16_" + kind}));
        const std::vector<std::string> once = kernels(prepared.program->init);
        EXPECT_EQ(std::ranges::count(once, "convolution/winograd_weights:f16_" + kind), 1);
        const std::int64_t points = kind == "2x2" ? 16 : 24, tiles = kind == "2x2" ? 64 : 32, channels = 24, columns = 40; // in eights
        std::vector<std::int64_t> scratch;
        for (const plan::Buffer& buffer : prepared.program->buffers) {
            if (buffer.kind == plan::BufferKind::kARENA) scratch.push_back(*prepared.program->exprs.value(buffer.bytes));
        }
        EXPECT_EQ(scratch, (std::vector<std::int64_t>{2 * points * tiles * channels, 2 * points * tiles * columns}));
    }
}

//! Candidates of a convolution without data: those of large ones would take a while to compute on the host.
std::vector<tactics::Candidate> of_sizes(DataType type, std::vector<std::int64_t> x, std::int64_t out) {
    shape::ExprPool exprs;
    const auto numbers = [&](const std::vector<std::int64_t>& dims) {
        shape::Exprs made;
        for (const std::int64_t dim : dims) made.push_back(exprs.constant(dim));
        return made;
    };
    std::vector<tactics::Value> values(3);
    values[0].dtype = values[2].dtype = type;
    values[0].layout = values[2].layout = Layout::kCHANNELS_LAST;
    values[0].dims = numbers(x);
    values[1].dims = numbers({out, x[1], 3, 3});
    values[2].dims = numbers({x[0], out, x[2], x[3]});
    tactics::Operation operation;
    operation.name = "convolution";
    operation.kind = tactics::Convolution{{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}, false, {}};
    operation.inputs = {0, 1};
    operation.outputs = {2};
    return tactics::candidates(operation, values, gpu(), exprs);
}

//! How many of them go through points and are tried.
std::ptrdiff_t tried(DataType type, std::vector<std::int64_t> x, std::int64_t out) {
    return std::ranges::count_if(of_sizes(type, std::move(x), out), [](const tactics::Candidate& each) { return each.applicable() && each.name.starts_with("conv/winograd"); });
}

TEST(WinogradCandidates, AreRankedBehindTheBestTileOfTheDirectWay) {
    const auto candidates = of_sizes(DataType::kHALF, {32, 512, 7, 7}, 512);
    const auto estimate = [](const tactics::Candidate& candidate) { return candidate.applicable() && candidate.estimate > 0.0 ? candidate.estimate : 1e9; };
    std::vector<const tactics::Candidate*> order;
    for (const tactics::Candidate& candidate : candidates) order.push_back(&candidate);
    std::ranges::stable_sort(order, {}, [&](const tactics::Candidate* candidate) { return estimate(*candidate); });
    EXPECT_TRUE(order[0]->name.starts_with("conv/coopmat_")) << order[0]->name;
    EXPECT_TRUE(order[1]->name.starts_with("conv/winograd2x4_")) << order[1]->name << ": the model expects most of it";
}

TEST(WinogradCandidates, AreAFewAndOnlyWhereTheyMayWin) {
    EXPECT_EQ(tried(DataType::kFLOAT, {8, 256, 14, 14}, 256), 6) << "three each of two kinds of tiles";
    EXPECT_EQ(tried(DataType::kHALF, {32, 256, 14, 14}, 256), 2) << "the direct way gathers windows that overlap once, and is faster by that";
    EXPECT_EQ(tried(DataType::kFLOAT, {1, 3, 64, 64}, 32), 0) << "few channels";
    EXPECT_EQ(tried(DataType::kFLOAT, {1, 64, 64, 64}, 1), 0) << "few results";
    EXPECT_EQ(tried(DataType::kFLOAT, {1, 64, 7, 7}, 64), 0) << "a tiny picture";
    EXPECT_EQ(tried(DataType::kHALF, {1, 64, 14, 14}, 64), 0) << "a tiny picture";
}

} // namespace
} // namespace tensorvk::test
