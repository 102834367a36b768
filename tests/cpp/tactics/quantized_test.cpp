// Products of 8-bit integers: every tactic gives the bytes of plain integer arithmetic, over odd shapes, groups, zero points and types.
#include <cmath>

#include <gtest/gtest.h>

#include "tactics/played_units.hpp"
#include "tactics/quantized_case.hpp"

namespace tensorvk::test {
namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::host::Tensor;
using tactics::Layout;

// What follows a sum: int32 as it is; a float; 8 bits by scale, bias, ReLU and rounding; the same with an 8-bit residual before the ReLU.
enum class Ending { kSUM, kFLOAT, kBYTES, kRESIDUAL };

// With ties, all scales are powers of two, so that one quotient in 128 lies exactly between two numbers.
struct Scales {
    float out, residual;
};
constexpr Scales kScales{0.37f, 0.11f}, kTies{0.25f, 0.125f};

struct Case {
    std::string name;
    std::vector<std::int64_t> x; // N, C, spatial...
    std::int64_t out = 1;
    std::vector<std::int64_t> kernel, stride, dilation, pad;
    std::int64_t groups = 1;
    bool transposed = false;
    Layout in_layout = Layout::kCHANNELS_LAST, out_layout = Layout::kCHANNELS_LAST;
    DataType x_type = DataType::kINT8, w_type = DataType::kINT8, y_type = DataType::kINT8;
    DataType float_type = DataType::kFLOAT; // of results that are no bytes
    tactics::ZeroPoints zero{};
    std::int32_t y_zero = 0;
    Ending ending = Ending::kBYTES;
    bool dynamic = false;
    bool ties = false;
    [[nodiscard]] const Scales& scales() const { return ties ? kTies : kScales; }
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

Tensor random_floats(std::int64_t count, std::vector<std::int64_t> dims, float least, float most, unsigned seed) {
    Tensor tensor(DataType::kFLOAT, std::move(dims));
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> value(least, most);
    for (std::int64_t i = 0; i < count; ++i) tensor.set(i, static_cast<double>(value(random)));
    return tensor;
}

//! The input position under element `k` of the window at output position `o`; false: there is none.
bool source(const Case& c, const std::vector<std::int64_t>& o, const std::vector<std::int64_t>& k, std::vector<std::int64_t>& at) {
    for (std::size_t axis = 0; axis < c.kernel.size(); ++axis) {
        std::int64_t i = o[axis + 2] * c.stride[axis] - c.pad[axis] + k[axis] * c.dilation[axis];
        if (c.transposed) {
            i = o[axis + 2] + c.pad[axis] - k[axis] * c.dilation[axis];
            if (i < 0 || i % c.stride[axis] != 0) return false;
            i /= c.stride[axis];
        }
        if (i < 0 || i >= c.x[axis + 2]) return false;
        at[axis + 2] = i;
    }
    return true;
}

std::vector<std::int64_t> output_dims(const Case& c) {
    std::vector<std::int64_t> dims{c.x[0], c.out};
    for (std::size_t axis = 0; axis < c.kernel.size(); ++axis) {
        const std::int64_t reach = (c.kernel[axis] - 1) * c.dilation[axis] + 1;
        dims.push_back(c.transposed ? (c.x[axis + 2] - 1) * c.stride[axis] + reach - 2 * c.pad[axis]
                                    : (c.x[axis + 2] + 2 * c.pad[axis] - reach) / c.stride[axis] + 1);
    }
    return dims;
}

std::int32_t sum_at(const Case& c, const Tensor& x, const Tensor& w, const std::vector<std::int64_t>& o) {
    const std::int64_t group_in = c.x[1] / c.groups;
    const std::int64_t group_out = c.out / c.groups;
    const std::int64_t group = o[1] / group_out;
    std::int64_t taps = 1;
    for (const std::int64_t extent : c.kernel) taps *= extent;
    std::int64_t sum = 0;
    for (std::int64_t tap = 0; tap < taps; ++tap) {
        const std::vector<std::int64_t> k = place_of(tap, c.kernel);
        std::vector<std::int64_t> at = o;
        if (!source(c, o, k, at)) continue;
        for (std::int64_t channel = 0; channel < group_in; ++channel) {
            at[1] = group * group_in + channel;
            const std::int64_t weight = c.transposed ? (at[1] * group_out + o[1] % group_out) * taps + tap
                                                     : (o[1] * group_in + channel) * taps + tap;
            sum += (x.get_integer(index_of(at, c.x)) - c.zero.x) * (w.get_integer(weight) - c.zero.weights);
        }
    }
    return static_cast<std::int32_t>(sum);
}

//! Rounds to float32 after every step, as the device does.
double finish(const Case& c, std::int32_t sum, float scale, float bias, double residual) {
    float value = static_cast<float>(sum) * scale;
    value = value + bias;
    if (c.ending == Ending::kRESIDUAL) value = value + static_cast<float>(residual) * c.scales().residual;
    if (c.ending == Ending::kFLOAT) return static_cast<double>(value);
    value = std::max(value, 0.0f);
    const double rounded = static_cast<double>(std::nearbyint(value / c.scales().out)) + c.y_zero;
    const double least = c.y_type == DataType::kINT8 ? -128.0 : 0.0;
    return std::clamp(rounded, least, least + 255.0);
}

kernels::PointwiseProgram program(const Case& c) {
    kernels::PointwiseProgram out;
    const auto step = [&](PointwiseOp op, PointwiseArg b, float immediate = 0.0f) {
        const PointwiseArg last{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(out.slots.size())};
        out.slots.push_back({op, last, b, {}, immediate});
    };
    const auto operand = [](std::uint8_t k) { return PointwiseArg{PointwiseArg::Kind::kOPERAND, k}; };
    const PointwiseArg immediate{PointwiseArg::Kind::kIMMEDIATE, 0};
    if (c.ending == Ending::kSUM) return out;
    if (c.ending == Ending::kRESIDUAL) { // first, so that the sum goes on from slot 2
        out.slots.push_back({PointwiseOp::kMUL, operand(2), immediate, {}, c.scales().residual});
        out.slots.push_back({PointwiseOp::kMUL, {}, operand(0), {}, 0.0f});
    } else {
        step(PointwiseOp::kMUL, operand(0));
    }
    step(PointwiseOp::kADD, operand(1));
    if (c.ending == Ending::kRESIDUAL) step(PointwiseOp::kADD, {PointwiseArg::Kind::kVALUE, 1});
    if (c.ending == Ending::kFLOAT) return out;
    step(PointwiseOp::kRELU, {});
    step(PointwiseOp::kQUANTIZE, immediate, c.scales().out);
    if (c.y_zero != 0) step(PointwiseOp::kADD, immediate, static_cast<float>(c.y_zero));
    const float least = c.y_type == DataType::kINT8 ? -128.0f : 0.0f;
    step(PointwiseOp::kMAX, immediate, least);
    step(PointwiseOp::kMIN, immediate, least + 255.0f);
    return out;
}

//! Whether the first tile on matrix units hears that its program is a line (kernels/quantized_line.hpp).
bool hears_of_a_line(const OperationCase& operation) {
    const auto device = vulkan::Device::by_index(0);
    const vulkan::DeviceCaps caps = with_units(device->caps());
    for (const tactics::Candidate& candidate : operation.candidates(caps)) {
        if (!is_on_units(candidate, {})) continue;
        const OperationCase::Prepared prepared = operation.prepare(device, candidate, caps);
        return std::ranges::any_of(prepared.program->steps, [](const plan::Step& step) {
            return std::ranges::any_of(step.spec, [](const plan::SpecConstant& constant) { return constant.id == plan::kSpecLine; });
        });
    }
    return false;
}

class QuantizedTactics : public testing::TestWithParam<Case> {};

TEST_P(QuantizedTactics, GiveTheBytesOfIntegerArithmetic) {
    const Case& c = GetParam();
    const std::vector<std::int64_t> y_dims = output_dims(c);
    std::vector<std::int64_t> w_dims{c.transposed ? c.x[1] : c.out, (c.transposed ? c.out : c.x[1]) / c.groups};
    w_dims.insert(w_dims.end(), c.kernel.begin(), c.kernel.end());
    const Tensor x = random_bytes(c.x_type, c.x, 1);
    const Tensor w = random_bytes(c.w_type, w_dims, 2);
    Tensor bias(DataType::kINT32, {c.out}); // of sums
    for (std::int64_t i = 0; i < c.out; ++i) bias.set_integer(i, 1000 * i - 33333);
    std::vector<std::int64_t> channel{c.out};
    channel.resize(y_dims.size() - 1, 1);
    Tensor scale = random_floats(c.out, channel, 1e-4f, 1e-3f, 3);
    Tensor shift = random_floats(c.out, channel, -5.0f, 5.0f, 4);
    if (c.ties) {
        for (std::int64_t i = 0; i < c.out; ++i) scale.set(i, 0x1p-9), shift.set(i, std::round(shift.get(i)));
    }
    const Tensor residual = random_bytes(c.y_type, y_dims, 5);

    tactics::Operation op;
    op.name = c.name;
    op.kind = tactics::Convolution{{c.kernel, c.stride, c.dilation, c.pad, c.pad, c.groups}, c.transposed, {}, c.zero};
    op.has_bias = c.ending == Ending::kSUM;
    op.epilogue = program(c);
    OperationCase operation(std::move(op));
    operation.add_input(x, c.in_layout, false);
    operation.add_input(w, Layout::kLINEAR, true);
    if (c.ending == Ending::kSUM) operation.add_input(bias, Layout::kLINEAR, true);
    if (c.ending != Ending::kSUM) operation.add_operand(scale, Layout::kLINEAR);
    if (c.ending != Ending::kSUM) operation.add_operand(shift, Layout::kLINEAR);
    if (c.ending == Ending::kRESIDUAL) operation.add_operand(residual, c.out_layout);
    const DataType type = c.ending == Ending::kSUM ? DataType::kINT32 : c.ending == Ending::kFLOAT ? c.float_type : c.y_type;
    operation.set_output(type, y_dims, c.out_layout);
    if (c.dynamic) operation.make_dynamic(0);

    Tensor expected(type, y_dims);
    for (std::int64_t i = 0; i < expected.volume(); ++i) {
        const std::vector<std::int64_t> at = place_of(i, y_dims);
        const std::int32_t sum = sum_at(c, x, w, at);
        if (c.ending == Ending::kSUM) {
            expected.set_integer(i, sum + bias.get_integer(at[1]));
        } else {
            expected.set(i, finish(c, sum, scale.as<float>()[static_cast<std::size_t>(at[1])], shift.as<float>()[static_cast<std::size_t>(at[1])],
                                   residual.get(i)));
        }
    }
    (void)check_all(operation, {expected}, 0.0); // integers are equal or wrong
    constexpr std::string_view kTiles[] = {"32x64x128", "64x64x64", "64x64x128_w8"};
    constexpr std::string_view kHaloTiles[] = {"8x64x32", "14x64x32", "16x32x64"};
    constexpr std::string_view kWindowTiles[] = {"4x16x16_s4", "8x16x16_s8", "8x16x32_s4"};
    if (can_play_units()) {
        if (c.name.starts_with("ties")) { EXPECT_TRUE(hears_of_a_line(operation)); }
        EXPECT_GE(check_on_units(operation, expected, 0.0, kTiles), c.name == "c64_to_c96_stride2" || c.name == "ties" ? 1 : 0);
        const int windows = c.name == "ties_of_overlapping_windows" ? 1 : c.name == "overlapping_windows_of_large_tiles" ? 3 : c.name.starts_with("overlapping") ? 1 : 0;
        EXPECT_GE(check_on_units(operation, expected, 0.0, kHaloTiles), windows);
        EXPECT_GE(check_on_units(operation, expected, 0.0, kWindowTiles), c.name == "picture_7x7" || c.name == "ties_of_a_picture" ? 1 : 0);
    }
    const int dots = check_dots(operation, expected);
    if (c.name == "c16_to_c8" && has_dots()) { EXPECT_GT(dots, 0); }
}

Case conv(std::string name, std::vector<std::int64_t> x, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t pad) {
    const std::size_t axes = x.size() - 2;
    const auto each = [&](std::int64_t value) { return std::vector<std::int64_t>(axes, value); };
    return {.name = std::move(name), .x = std::move(x), .out = out, .kernel = each(kernel), .stride = each(stride), .dilation = each(1), .pad = each(pad)};
}

template <typename Change>
Case with(Case c, const Change& change) {
    change(c);
    return c;
}

std::vector<Case> cases() {
    const auto unsigned_x = [](Case& c) { c.x_type = DataType::kUINT8, c.zero.x = 121, c.y_type = DataType::kUINT8, c.y_zero = 3; };
    const auto sums = [](Case& c) { c.ending = Ending::kSUM; };
    const auto floats = [](Case& c) { c.ending = Ending::kFLOAT; };
    const auto residual = [](Case& c) { c.ending = Ending::kRESIDUAL; };
    const auto linear = [](Case& c) { c.in_layout = c.out_layout = Layout::kLINEAR; };
    return {
        conv("one_element", {1, 1, 1, 1}, 1, 1, 1, 0),
        conv("c3_to_c17", {1, 3, 9, 7}, 17, 3, 1, 1),
        with(conv("first_layer", {3, 3, 17, 13}, 32, 3, 2, 1), [](Case& c) { c.in_layout = Layout::kLINEAR; }),
        // Pictures that matrix units widen: every stride that divides four pixels, zero points beside the picture, one channel, odd lines.
        with(conv("picture_7x7", {2, 3, 23, 31}, 64, 7, 2, 3), unsigned_x),
        with(conv("picture_linear_residual", {1, 4, 9, 17}, 36, 3, 1, 1), [&](Case& c) { residual(c), c.in_layout = Layout::kLINEAR; }),
        with(conv("picture_11x11_stride4", {1, 1, 35, 39}, 24, 11, 4, 2), [](Case& c) { c.zero.x = 5; }),
        with(conv("picture_one_line", {3, 2, 33}, 12, 5, 2, 1), sums),
        conv("c17_to_c33", {3, 17, 5, 7}, 33, 3, 1, 1),
        with(conv("c64_to_c96_stride2", {2, 64, 25, 21}, 96, 3, 2, 1), unsigned_x),
        with(conv("overlapping_windows", {2, 64, 9, 18}, 64, 3, 1, 1), [&](Case& c) { unsigned_x(c), residual(c); }),
        with(conv("overlapping_windows_of_large_tiles", {1, 64, 9, 10}, 136, 3, 1, 1), [](Case& c) { c.kernel = {1, 3}, c.pad = {0, 1}, c.zero.x = 3; }),
        with(conv("overlapping_windows_of_many_channels", {1, 256, 5, 17}, 40, 3, 1, 1), [](Case& c) { c.zero.x = -7; }),
        with(conv("overlapping_dilated_windows", {1, 64, 13, 20}, 40, 3, 1, 2), [&](Case& c) { sums(c), c.dilation = {2, 2}; }),
        with(conv("overlapping_windows_of_groups", {1, 64, 9, 15}, 96, 3, 1, 1), [](Case& c) { c.groups = 2, c.ending = Ending::kFLOAT, c.out_layout = Layout::kLINEAR; }),
        with(conv("overlapping_windows_of_a_line", {3, 64, 9, 35}, 40, 3, 2, 1), [](Case& c) { c.kernel = {1, 3}, c.pad = {0, 1}, c.dynamic = true; }),
        // An odd zero point tells a tie that was not left to the program: there, the number above is even where the quotient's is not.
        with(conv("ties", {1, 64, 25, 21}, 96, 1, 1, 0), [&](Case& c) { unsigned_x(c), residual(c), c.ties = true; }),
        with(conv("ties_of_overlapping_windows", {1, 64, 9, 18}, 64, 3, 1, 1), [&](Case& c) { unsigned_x(c), c.ties = true; }),
        with(conv("ties_of_a_picture", {1, 3, 23, 31}, 16, 7, 2, 3), [&](Case& c) { unsigned_x(c), c.ties = true; }),
        with(conv("long_sums", {1, 256, 5, 7}, 40, 3, 1, 1), [&](Case& c) { unsigned_x(c), c.ending = Ending::kRESIDUAL; }),
        with(conv("many_results", {1, 16, 131, 67}, 128, 1, 1, 0), residual),
        conv("c16_to_c8", {1, 16, 9, 13}, 8, 3, 1, 1),
        conv("sums_longer_than_floats_hold", {1, 256, 5, 5}, 20, 3, 1, 1),
        with(conv("sums_longer_than_floats_hold_with_zero_points", {1, 132, 5, 5}, 20, 3, 1, 1),
             [](Case& c) { c.x_type = c.w_type = DataType::kUINT8, c.zero = {255, 0}, c.ending = Ending::kSUM; }),
        with(conv("more_channels_than_a_sum_holds", {1, 1200, 3, 3}, 8, 1, 1, 0), sums),
        with(conv("uint8", {1, 32, 9, 9}, 24, 3, 1, 1), unsigned_x),
        with(conv("uint8_odd", {1, 5, 9, 9}, 7, 3, 1, 1), unsigned_x),
        with(conv("uint8_weights", {1, 12, 9, 9}, 16, 3, 1, 1),
             [](Case& c) { c.x_type = c.w_type = DataType::kUINT8, c.zero = {120, 131}; }),
        with(conv("int8_zero_points", {1, 12, 9, 9}, 16, 3, 1, 1), [](Case& c) { c.zero = {-128, 7}, c.y_zero = -128; }),
        with(conv("sums", {1, 16, 9, 9}, 16, 3, 1, 1), sums),
        with(conv("sums_odd", {1, 3, 9, 9}, 5, 3, 1, 1), sums),
        with(conv("floats", {1, 16, 9, 9}, 16, 3, 1, 1), floats),
        with(conv("halves", {1, 64, 9, 9}, 96, 3, 1, 1), [](Case& c) { c.ending = Ending::kFLOAT, c.float_type = DataType::kHALF; }),
        with(conv("floats_odd_linear_out", {1, 16, 9, 9}, 1, 1, 1, 0), [](Case& c) { c.ending = Ending::kFLOAT, c.out_layout = Layout::kLINEAR; }),
        with(conv("residual", {1, 16, 9, 9}, 16, 3, 1, 1), residual),
        with(conv("residual_odd", {3, 7, 5, 3}, 17, 3, 1, 1), residual),
        with(conv("linear", {3, 6, 5, 7}, 9, 3, 1, 1), linear),
        with(conv("linear_fours", {1, 8, 5, 7}, 16, 3, 1, 1), linear),
        with(conv("dilation2", {1, 12, 17, 17}, 20, 3, 1, 2), [](Case& c) { c.dilation = {2, 2}; }),
        with(conv("groups2", {1, 16, 9, 9}, 24, 3, 1, 1), [](Case& c) { c.groups = 2; }),
        with(conv("groups3_odd", {1, 15, 9, 9}, 21, 3, 1, 1), [](Case& c) { c.groups = 3; }),
        with(conv("depthwise", {1, 33, 9, 13}, 33, 3, 1, 1), [](Case& c) { c.groups = 33; }),
        with(conv("depthwise_fours_stride2", {3, 24, 17, 13}, 24, 5, 2, 2), [](Case& c) { c.groups = 24, c.zero.x = 5; }),
        with(conv("dynamic_batch", {3, 16, 9, 9}, 16, 3, 1, 1), [](Case& c) { c.dynamic = true, c.ending = Ending::kRESIDUAL; }),
        conv("one_axis", {3, 6, 33}, 12, 7, 2, 3),
        conv("three_axes", {1, 4, 5, 6, 7}, 8, 3, 2, 1),
        with(conv("transposed_2x2", {1, 16, 5, 7}, 8, 2, 2, 0), [](Case& c) { c.transposed = true; }),
        with(conv("transposed_3x3_groups", {1, 8, 5, 7}, 6, 3, 2, 1), [](Case& c) { c.transposed = true, c.groups = 2, c.zero.x = 9; }),
        with(conv("transposed_4x4", {1, 16, 5, 7}, 32, 4, 2, 1), [](Case& c) { c.transposed = true, c.zero.x = 9; }),
        with(conv("transposed_3x3_cropped_residual", {2, 32, 9, 5}, 48, 3, 2, 1), [&](Case& c) { unsigned_x(c), residual(c), c.transposed = true; }),
        with(conv("transposed_long_sums_of_groups", {1, 1024, 3, 3}, 32, 3, 2, 1), [](Case& c) { c.transposed = true, c.groups = 2, c.zero.x = -7; }),
        with(conv("transposed_volume", {1, 16, 3, 2, 4}, 16, 3, 2, 1), [](Case& c) { c.transposed = true, c.zero.x = 3; }),
        with(conv("volume_residual", {1, 16, 4, 5, 3}, 32, 3, 1, 1), residual),
    };
}

//! Rows would get oneDNN's reference implementation, which takes seconds for a picture and would be chosen where nothing is timed.
TEST(QuantizedCandidates, RowsAreNotForOneDnn) {
    vulkan::DeviceCaps host;
    host.is_cpu = host.host_kernels = true;
    for (const auto& [in, out] : {std::pair{Layout::kLINEAR, Layout::kCHANNELS_LAST}, {Layout::kCHANNELS_LAST, Layout::kLINEAR}, {Layout::kLINEAR, Layout::kLINEAR}}) {
        tactics::Operation op;
        op.name = "first_layer";
        op.kind = tactics::Convolution{{{7, 7}, {2, 2}, {1, 1}, {3, 3}, {3, 3}, 1}, false, {}, {}};
        OperationCase operation(std::move(op));
        operation.add_input(random_bytes(DataType::kINT8, {1, 3, 23, 31}, 1), in, false);
        operation.add_input(random_bytes(DataType::kINT8, {64, 3, 7, 7}, 2), Layout::kLINEAR, true);
        operation.set_output(DataType::kINT32, {1, 64, 12, 16}, out);
        for (const tactics::Candidate& candidate : operation.candidates(host)) {
            if (!candidate.host) continue;
            EXPECT_EQ(candidate.applicable(), candidate.name == "conv_int8/cpu_tile") << candidate.name << ": " << candidate.refusal;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, QuantizedTactics, testing::ValuesIn(cases()), [](const auto& shape) { return shape.param.name; });

} // namespace
} // namespace tensorvk::test
