#include "kernels/quantized_line.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace tensorvk::kernels {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kLargest = 0x1p60; // of a factor, and 1 / of the smallest: so that products with them neither overflow nor vanish before the quotient does

//! What a slot has computed: a line in the program's own units, and how it is bounded.
struct Line {
    double sum = 0.0, row = 0.0, column = 0.0, shift = 0.0;
    int sum_operand = -1, row_operand = -1, column_operand = -1;
    double least = -kInfinite, most = kInfinite;
    int roundings = 0;

    [[nodiscard]] bool bounded() const { return least != -kInfinite || most != kInfinite; }
    [[nodiscard]] bool is_number() const { return sum == 0.0 && row == 0.0 && column == 0.0 && !bounded(); }
    [[nodiscard]] bool is_sum() const { return sum != 0.0 && row == 0.0 && column == 0.0 && shift == 0.0 && sum_operand < 0 && !bounded(); }
    [[nodiscard]] bool is_column() const { return column == 1.0 && sum == 0.0 && row == 0.0 && shift == 0.0 && !bounded(); }
};

using Result = std::optional<Line>;

Result times(Line line, double number) {
    if (number == 0.0 || !std::isfinite(number) || (number < 0.0 && line.bounded())) return std::nullopt;
    for (double* part : {&line.sum, &line.row, &line.column, &line.shift, &line.least, &line.most}) *part *= number;
    ++line.roundings;
    return line;
}

Result product(const Line& a, const Line& b) {
    if (b.is_number()) return times(a, b.shift);
    if (a.is_number()) return times(b, a.shift);
    if (!a.is_sum() || !b.is_column()) return a.is_column() && b.is_sum() ? product(b, a) : std::nullopt;
    Line line = a;
    line.sum_operand = b.column_operand;
    line.roundings = a.roundings + 1;
    return line;
}

Result sum(const Line& a, const Line& b) {
    const bool clash = (a.sum != 0.0 && b.sum != 0.0) || (a.row != 0.0 && b.row != 0.0) || (a.column != 0.0 && b.column != 0.0);
    if (clash || a.bounded() || b.bounded()) return std::nullopt;
    Line line = a;
    line.sum += b.sum, line.row += b.row, line.column += b.column, line.shift += b.shift;
    line.sum_operand = std::max(a.sum_operand, b.sum_operand);
    line.row_operand = std::max(a.row_operand, b.row_operand);
    line.column_operand = std::max(a.column_operand, b.column_operand);
    line.roundings = a.roundings + b.roundings + 1;
    return line;
}

Result between(Line line, double least, double most) {
    if (std::isnan(least) || std::isnan(most)) return std::nullopt;
    line.least = std::clamp(line.least, least, most);
    line.most = std::clamp(line.most, least, most);
    return line;
}

Result apply(PointwiseOp op, const Line& a, const Line& b) {
    switch (op) {
    case PointwiseOp::kMUL: return product(a, b);
    case PointwiseOp::kADD: return sum(a, b);
    case PointwiseOp::kSUB: return b.is_number() ? sum(a, {.shift = -b.shift}) : std::nullopt;
    case PointwiseOp::kRELU: return between(a, 0.0, kInfinite);
    case PointwiseOp::kMAX: return b.is_number() ? between(a, b.shift, kInfinite) : std::nullopt;
    case PointwiseOp::kMIN: return b.is_number() ? between(a, -kInfinite, b.shift) : std::nullopt;
    default: return std::nullopt;
    }
}

Result argument(const PointwiseArg& arg, float immediate, const std::vector<Line>& values, const std::vector<bool>& per_element) {
    switch (arg.kind) {
    case PointwiseArg::Kind::kVALUE: return values[arg.index];
    case PointwiseArg::Kind::kIMMEDIATE: return Line{.shift = static_cast<double>(immediate)};
    case PointwiseArg::Kind::kOPERAND: break;
    }
    if (per_element[arg.index]) return Line{.row = 1.0, .row_operand = arg.index};
    return Line{.column = 1.0, .column_operand = arg.index};
}

bool is_last(const PointwiseArg& arg, std::size_t slot) { return arg.kind == PointwiseArg::Kind::kVALUE && arg.index == slot; }

//! What comes behind the rounding: nothing, or a zero point.
std::optional<int> zero_behind(const PointwiseProgram& program, std::size_t rounding, int least) {
    if (rounding + 1 == program.slots.size()) return 0;
    const PointwiseSlot& slot = program.slots[rounding + 1];
    const bool added = rounding + 2 == program.slots.size() && slot.op == PointwiseOp::kADD && is_last(slot.a, rounding + 1) && slot.b.kind == PointwiseArg::Kind::kIMMEDIATE;
    const auto number = static_cast<double>(slot.immediate);
    if (!added || number != std::round(number) || number < least || number > least + 255) return std::nullopt;
    return static_cast<int>(number);
}

bool is_sane(double factor) { return factor == 0.0 || (std::abs(factor) >= 1.0 / kLargest && std::abs(factor) <= kLargest); }

//! In steps of the output.
std::optional<QuantizedLine> in_steps(const Line& line, double step, int zero, int least) {
    if (line.sum == 0.0 || !is_sane(step) || step <= 0.0) return std::nullopt;
    for (const double factor : {line.sum, line.row, line.column, line.shift}) {
        if (!is_sane(factor) || !is_sane(factor / step)) return std::nullopt;
    }
    const double lower = std::clamp<double>(line.least / step, least - zero, least + 255 - zero);
    const double upper = std::clamp<double>(line.most / step, least - zero, least + 255 - zero);
    if (lower != std::round(lower) || lower >= upper) return std::nullopt;
    return QuantizedLine{.sum = line.sum / step, .row = line.row / step, .column = line.column / step, .shift = line.shift / step,
                         .sum_operand = line.sum_operand, .row_operand = line.row_operand, .column_operand = line.column_operand,
                         .least = lower, .most = upper, .zero = zero, .roundings = line.roundings + 1};
}

} // namespace

std::optional<QuantizedLine> quantized_line(const PointwiseProgram& program, const std::vector<bool>& per_element, int least) {
    std::vector<Line> values{{.sum = 1.0}};
    for (std::size_t i = 0; i < program.slots.size(); ++i) {
        const PointwiseSlot& slot = program.slots[i];
        const Result a = argument(slot.a, slot.immediate, values, per_element);
        const Result b = argument(slot.b, slot.immediate, values, per_element);
        if (slot.op == PointwiseOp::kQUANTIZE) {
            const std::optional<int> zero = zero_behind(program, i, least);
            return zero && b->is_number() ? in_steps(*a, b->shift, *zero, least) : std::nullopt;
        }
        const Result result = apply(slot.op, *a, *b);
        if (!result) return std::nullopt;
        values.push_back(*result);
    }
    return std::nullopt;
}

std::vector<plan::SpecConstant> encode(const QuantizedLine& line) {
    const int operands = (line.sum_operand + 1) | (line.row_operand + 1) << 4 | (line.column_operand + 1) << 8;
    std::vector<plan::SpecConstant> out{{plan::kSpecLine, 1 << 12 | operands}, {plan::kSpecLine + 1, line.zero}, {plan::kSpecLine + 2, line.roundings}};
    std::uint32_t id = plan::kSpecLine + 3;
    const double range = line.most - line.least;
    for (const double number : {line.sum / range, line.row / range, line.column / range, (line.shift - line.least) / range, line.least, range}) {
        out.push_back({id++, std::bit_cast<std::int32_t>(static_cast<float>(number))});
    }
    return out;
}

} // namespace tensorvk::kernels
