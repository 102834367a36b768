#include "kernels/pointwise_program.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cmath>
#include <limits>

#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels {

namespace {

using Function = double (*)(double a, double b, double c);

struct Row {
    PointwiseOp op;
    const char* name; // an infix operator when it is no word
    int arity;
    Function function;
};

double truth(bool value) { return value ? 1.0 : 0.0; }

double max_or_nan(double a, double b) { return std::isnan(a) || std::isnan(b) ? std::numeric_limits<double>::quiet_NaN() : std::max(a, b); }
double min_or_nan(double a, double b) { return std::isnan(a) || std::isnan(b) ? std::numeric_limits<double>::quiet_NaN() : std::min(a, b); }

double gelu_tanh(double a) { return 0.5 * a * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (a + 0.044715 * a * a * a))); }

double round_half_even(double a) {
    const double down = std::floor(a);
    const double rest = a - down;
    const bool up = rest > 0.5 || (rest == 0.5 && std::fmod(down, 2.0) != 0.0);
    return std::copysign(up ? down + 1.0 : down, a);
}

double round_to_half(double a) { return static_cast<double>(half_to_float(float_to_half(static_cast<float>(a)))); }

double quantize(double a, double b) { return round_half_even(static_cast<double>(static_cast<float>(a) / static_cast<float>(b))); }

// In the order of the numbers in PointwiseOp.
constexpr Row kRows[] = {
    {PointwiseOp::kADD, "+", 2, [](double a, double b, double) { return a + b; }},
    {PointwiseOp::kSUB, "-", 2, [](double a, double b, double) { return a - b; }},
    {PointwiseOp::kMUL, "*", 2, [](double a, double b, double) { return a * b; }},
    {PointwiseOp::kDIV, "/", 2, [](double a, double b, double) { return a / b; }},
    {PointwiseOp::kMAX, "max", 2, [](double a, double b, double) { return max_or_nan(a, b); }},
    {PointwiseOp::kMIN, "min", 2, [](double a, double b, double) { return min_or_nan(a, b); }},
    {PointwiseOp::kPOW, "pow", 2, [](double a, double b, double) { return std::pow(a, b); }},
    {PointwiseOp::kFLOOR_DIV, "//", 2, [](double a, double b, double) { return std::floor(a / b); }},
    {PointwiseOp::kEQUAL, "==", 2, [](double a, double b, double) { return truth(a == b); }},
    {PointwiseOp::kGREATER, ">", 2, [](double a, double b, double) { return truth(a > b); }},
    {PointwiseOp::kLESS, "<", 2, [](double a, double b, double) { return truth(a < b); }},
    {PointwiseOp::kAND, "and", 2, [](double a, double b, double) { return truth(a != 0.0 && b != 0.0); }},
    {PointwiseOp::kOR, "or", 2, [](double a, double b, double) { return truth(a != 0.0 || b != 0.0); }},
    {PointwiseOp::kXOR, "xor", 2, [](double a, double b, double) { return truth((a != 0.0) != (b != 0.0)); }},
    {PointwiseOp::kRELU, "relu", 1, [](double a, double, double) { return a < 0.0 ? 0.0 : a; }},
    {PointwiseOp::kSIGMOID, "sigmoid", 1, [](double a, double, double) { return 1.0 / (1.0 + std::exp(-a)); }},
    {PointwiseOp::kTANH, "tanh", 1, [](double a, double, double) { return std::tanh(a); }},
    {PointwiseOp::kELU, "elu", 2, [](double a, double b, double) { return a >= 0.0 ? a : b * std::expm1(a); }},
    {PointwiseOp::kSOFTSIGN, "softsign", 1, [](double a, double, double) { return a / (1.0 + std::abs(a)); }},
    {PointwiseOp::kSOFTPLUS, "softplus", 1, [](double a, double, double) { return std::fmax(a, 0.0) + std::log1p(std::exp(-std::abs(a))); }},
    {PointwiseOp::kGELU_ERF, "gelu", 1, [](double a, double, double) { return 0.5 * a * (1.0 + std::erf(a * M_SQRT1_2)); }},
    {PointwiseOp::kGELU_TANH, "gelu_tanh", 1, [](double a, double, double) { return gelu_tanh(a); }},
    {PointwiseOp::kEXP, "exp", 1, [](double a, double, double) { return std::exp(a); }},
    {PointwiseOp::kLOG, "log", 1, [](double a, double, double) { return std::log(a); }},
    {PointwiseOp::kSQRT, "sqrt", 1, [](double a, double, double) { return std::sqrt(a); }},
    {PointwiseOp::kRECIP, "recip", 1, [](double a, double, double) { return 1.0 / a; }},
    {PointwiseOp::kABS, "abs", 1, [](double a, double, double) { return std::abs(a); }},
    {PointwiseOp::kNEG, "neg", 1, [](double a, double, double) { return -a; }},
    {PointwiseOp::kSIN, "sin", 1, [](double a, double, double) { return std::sin(a); }},
    {PointwiseOp::kCOS, "cos", 1, [](double a, double, double) { return std::cos(a); }},
    {PointwiseOp::kTAN, "tan", 1, [](double a, double, double) { return std::tan(a); }},
    {PointwiseOp::kSINH, "sinh", 1, [](double a, double, double) { return std::sinh(a); }},
    {PointwiseOp::kCOSH, "cosh", 1, [](double a, double, double) { return std::cosh(a); }},
    {PointwiseOp::kASIN, "asin", 1, [](double a, double, double) { return std::asin(a); }},
    {PointwiseOp::kACOS, "acos", 1, [](double a, double, double) { return std::acos(a); }},
    {PointwiseOp::kATAN, "atan", 1, [](double a, double, double) { return std::atan(a); }},
    {PointwiseOp::kASINH, "asinh", 1, [](double a, double, double) { return std::asinh(a); }},
    {PointwiseOp::kACOSH, "acosh", 1, [](double a, double, double) { return std::acosh(a); }},
    {PointwiseOp::kATANH, "atanh", 1, [](double a, double, double) { return std::atanh(a); }},
    {PointwiseOp::kCEIL, "ceil", 1, [](double a, double, double) { return std::ceil(a); }},
    {PointwiseOp::kFLOOR, "floor", 1, [](double a, double, double) { return std::floor(a); }},
    {PointwiseOp::kERF, "erf", 1, [](double a, double, double) { return std::erf(a); }},
    {PointwiseOp::kNOT, "not", 1, [](double a, double, double) { return truth(a == 0.0); }},
    {PointwiseOp::kSIGN, "sign", 1, [](double a, double, double) { return truth(a > 0.0) - truth(a < 0.0); }},
    {PointwiseOp::kROUND, "round", 1, [](double a, double, double) { return round_half_even(a); }},
    {PointwiseOp::kISINF, "isinf", 1, [](double a, double, double) { return truth(std::isinf(a)); }},
    {PointwiseOp::kISNAN, "isnan", 1, [](double a, double, double) { return truth(std::isnan(a)); }},
    {PointwiseOp::kLEAKY_RELU, "leaky_relu", 2, [](double a, double b, double) { return a >= 0.0 ? a : b * a; }},
    {PointwiseOp::kTHRESHOLDED_RELU, "thresholded_relu", 2, [](double a, double b, double) { return a > b ? a : 0.0; }},
    {PointwiseOp::kSELECT, "select", 3, [](double a, double b, double c) { return a != 0.0 ? b : c; }},
    {PointwiseOp::kTRUNC, "trunc", 1, [](double a, double, double) { return std::trunc(a); }},
    {PointwiseOp::kROUND_HALF, "half", 1, [](double a, double, double) { return round_to_half(a); }},
    {PointwiseOp::kQUANTIZE, "quantize", 2, [](double a, double b, double) { return quantize(a, b); }},
};

constexpr auto kRowOfOp = [] {
    std::array<const Row*, 66> rows{};
    for (const Row& row : kRows) {
        rows[static_cast<std::size_t>(row.op)] = &row;
    }
    return rows;
}();

const Row& row_of(PointwiseOp op) {
    const auto number = static_cast<std::size_t>(op);
    if (number >= kRowOfOp.size() || kRowOfOp[number] == nullptr) {
        throw InternalError(text("A pointwise program holds operation number ", number, ", which does not exist."));
    }
    return *kRowOfOp[number];
}

// Slot `slot` may read the kernel's value, earlier slots, four operands and its immediate.
void check(const PointwiseArg& arg, std::size_t slot) {
    const bool right = arg.kind == PointwiseArg::Kind::kVALUE     ? arg.index <= slot
                       : arg.kind == PointwiseArg::Kind::kOPERAND ? arg.index < PointwiseProgram::kMaxOperands
                                                                  : arg.index == 0;
    if (!right) {
        throw InternalError(text("Slot ", slot, " of a pointwise program reads argument ", static_cast<int>(arg.index), " of kind ",
                                 static_cast<int>(arg.kind), ", which it does not have."));
    }
}

std::uint32_t byte_of(const PointwiseArg& arg) { return static_cast<std::uint32_t>(arg.kind) << 6 | arg.index; }

std::int32_t code_of(const PointwiseSlot& slot) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(slot.op) | byte_of(slot.a) << 8 | byte_of(slot.b) << 16 | byte_of(slot.c) << 24);
}

PointwiseArg argument_of(std::uint32_t byte) { return {static_cast<PointwiseArg::Kind>(byte >> 6 & 3), static_cast<std::uint8_t>(byte & 63)}; }

bool can_read(const PointwiseArg& arg, std::size_t slot, std::size_t operands) {
    switch (arg.kind) {
    case PointwiseArg::Kind::kVALUE: return arg.index <= slot;
    case PointwiseArg::Kind::kOPERAND: return arg.index < operands;
    case PointwiseArg::Kind::kIMMEDIATE: return arg.index == 0;
    }
    return false;
}

double argument(const PointwiseArg& arg, float immediate, const double* values, const double* operands) {
    switch (arg.kind) {
    case PointwiseArg::Kind::kVALUE: return values[arg.index];
    case PointwiseArg::Kind::kOPERAND: return operands[arg.index];
    case PointwiseArg::Kind::kIMMEDIATE: break;
    }
    return static_cast<double>(immediate);
}

std::string argument_text(const PointwiseArg& arg, float immediate, const std::vector<std::string>& values) {
    switch (arg.kind) {
    case PointwiseArg::Kind::kVALUE: return values[arg.index];
    case PointwiseArg::Kind::kOPERAND: return text("op", static_cast<int>(arg.index));
    case PointwiseArg::Kind::kIMMEDIATE: break;
    }
    return text(immediate);
}

} // namespace

int arity(PointwiseOp op) { return op == PointwiseOp::kNOP ? 1 : row_of(op).arity; }

std::vector<plan::SpecConstant> encode(const PointwiseProgram& program) {
    if (program.slots.size() > PointwiseProgram::kMaxSlots) {
        throw InternalError(text("A pointwise program has ", program.slots.size(), " slots; at most ", PointwiseProgram::kMaxSlots, " are allowed."));
    }
    std::vector<plan::SpecConstant> constants;
    for (std::size_t i = 0; i < program.slots.size(); ++i) {
        const PointwiseSlot& slot = program.slots[i];
        static_cast<void>(row_of(slot.op));
        for (const PointwiseArg& arg : {slot.a, slot.b, slot.c}) {
            check(arg, i);
        }
        const auto id = plan::kSpecPointwise + static_cast<std::uint32_t>(2 * i);
        constants.push_back({id, code_of(slot)});
        if (slot.immediate != 0.0f || std::signbit(slot.immediate)) {
            constants.push_back({id + 1, std::bit_cast<std::int32_t>(slot.immediate)});
        }
    }
    return constants;
}

PointwiseProgram decode(std::span<const plan::SpecConstant> constants, std::size_t operands) {
    std::array<std::uint32_t, 2 * PointwiseProgram::kMaxSlots> words{};
    for (const plan::SpecConstant& constant : constants) {
        if (constant.id >= plan::kSpecPointwise && constant.id - plan::kSpecPointwise < words.size()) {
            words[constant.id - plan::kSpecPointwise] = static_cast<std::uint32_t>(constant.value);
        }
    }
    PointwiseProgram program;
    for (std::size_t slot = 0; slot < PointwiseProgram::kMaxSlots && words[2 * slot] != 0; ++slot) {
        const std::uint32_t code = words[2 * slot];
        const std::size_t op = code & 255;
        PointwiseSlot now{static_cast<PointwiseOp>(op), argument_of(code >> 8), argument_of(code >> 16), argument_of(code >> 24),
                          std::bit_cast<float>(words[2 * slot + 1])};
        const int read = op < kRowOfOp.size() && kRowOfOp[op] != nullptr ? kRowOfOp[op]->arity : 0;
        const bool sane = read > 0 && can_read(now.a, slot, operands) && (read < 2 || can_read(now.b, slot, operands)) &&
                          (read < 3 || can_read(now.c, slot, operands));
        if (!sane) {
            throw InvalidPlan(text("Slot ", slot, " of a pointwise program of the plan is operation ", op, " on what it does not have: rebuild the plan."));
        }
        if (read < 2) now.b = {};
        if (read < 3) now.c = {};
        program.slots.push_back(now);
    }
    return program;
}

double evaluate(const PointwiseProgram& program, double value, const double* operands) {
    std::array<double, PointwiseProgram::kMaxSlots + 1> values{value};
    std::size_t last = 0;
    for (const PointwiseSlot& slot : program.slots) {
        const double a = argument(slot.a, slot.immediate, values.data(), operands);
        const double b = argument(slot.b, slot.immediate, values.data(), operands);
        const double c = argument(slot.c, slot.immediate, values.data(), operands);
        values.at(++last) = row_of(slot.op).function(a, b, c);
    }
    return values[last];
}

std::size_t slots_before_bounds(const PointwiseProgram& program, float least) {
    std::size_t count = program.slots.size();
    for (; count > 0; --count) {
        const PointwiseSlot& slot = program.slots[count - 1];
        const bool chained = slot.a == PointwiseArg{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(count - 1)} && slot.b.kind == PointwiseArg::Kind::kIMMEDIATE;
        const bool bounds = (slot.op == PointwiseOp::kMAX && slot.immediate == least) || (slot.op == PointwiseOp::kMIN && slot.immediate == least + 255.0f);
        if (!chained || !bounds) break;
    }
    return count;
}

std::string str(const PointwiseProgram& program) {
    std::vector<std::string> values{"v0"};
    for (const PointwiseSlot& slot : program.slots) {
        const Row& row = row_of(slot.op);
        const std::string a = argument_text(slot.a, slot.immediate, values);
        const std::string b = argument_text(slot.b, slot.immediate, values);
        const bool infix = row.arity == 2 && std::isalpha(static_cast<unsigned char>(row.name[0])) == 0;
        if (infix) {
            values.push_back(text("(", a, " ", row.name, " ", b, ")"));
        } else if (row.arity == 3) {
            values.push_back(text(row.name, "(", a, ", ", b, ", ", argument_text(slot.c, slot.immediate, values), ")"));
        } else {
            values.push_back(text(row.name, "(", a, row.arity == 2 ? ", " + b : "", ")"));
        }
    }
    const std::string& result = values.back();
    return result.front() == '(' ? result.substr(1, result.size() - 2) : result;
}

} // namespace tensorvk::kernels
