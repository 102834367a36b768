// A pointwise program: a short list of element-wise operations that a kernel applies to a value before it stores it. It travels as
// specialization constants over a switch in shaders/common/pointwise.glsl, which the driver folds away.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "plan/program.hpp"

namespace tensorvk::kernels {

//! Numbers are shared with shaders/common/pointwise.glsl and stored in plans: append, never renumber.
enum class PointwiseOp : std::uint8_t {
    kNOP = 0,
    kADD = 1, kSUB, kMUL, kDIV, kMAX, kMIN, kPOW, kFLOOR_DIV,            // binary: a op b
    kEQUAL = 10, kGREATER, kLESS, kAND, kOR, kXOR,                       // binary, result 0 or 1
    kRELU = 20, kSIGMOID, kTANH, kELU, kSOFTSIGN, kSOFTPLUS, kGELU_ERF, kGELU_TANH, // unary; b is the parameter where there is one (ELU alpha)
    kEXP = 30, kLOG, kSQRT, kRECIP, kABS, kNEG, kSIN, kCOS, kTAN, kSINH, kCOSH, kASIN, kACOS, kATAN, kASINH, kACOSH, kATANH,
    kCEIL = 47, kFLOOR, kERF, kNOT, kSIGN, kROUND, kISINF, kISNAN,
    kLEAKY_RELU = 60, // a >= 0 ? a : b * a (b: immediate or operand; also PRelu)
    kTHRESHOLDED_RELU = 61, // a > b ? a : 0
    kSELECT = 62,     // a != 0 ? b : c
    kTRUNC = 63,      // towards zero, what a cast to an integer does
    kROUND_HALF = 64, // to the nearest float16, what a cast to it does
    kQUANTIZE = 65,   // the integer nearest to the float32 quotient a / b, halves to even: what QuantizeLinear does before the zero point
};

//! Where a slot's argument comes from.
struct PointwiseArg {
    enum class Kind : std::uint8_t { kVALUE = 0, kOPERAND = 1, kIMMEDIATE = 2 };
    Kind kind = Kind::kVALUE;
    std::uint8_t index = 0; // kVALUE: 0 = the kernel's own value (accumulator, or operand 0 of the pointwise kernel), i + 1 = result of slot i; kOPERAND: external operand
    auto operator<=>(const PointwiseArg&) const = default;
};

struct PointwiseSlot {
    PointwiseOp op = PointwiseOp::kNOP;
    PointwiseArg a{}, b{}, c{}; // at most one of them is the immediate
    float immediate = 0.0f;
    //! By the number's bits: 1 / 0 is not 1 / -0, and not a number is what it is.
    bool operator==(const PointwiseSlot& other) const {
        return op == other.op && a == other.a && b == other.b && c == other.c && std::bit_cast<std::uint32_t>(immediate) == std::bit_cast<std::uint32_t>(other.immediate);
    }
};

//! The result of the last slot is stored; an empty program stores the value itself.
struct PointwiseProgram {
    static constexpr std::size_t kMaxSlots = 12;
    static constexpr std::size_t kMaxOperands = 4; // external operands beside the kernel's own value
    std::vector<PointwiseSlot> slots;

    [[nodiscard]] bool empty() const noexcept { return slots.empty(); }
    bool operator==(const PointwiseProgram&) const = default;
};

//! How many of a, b, c the operation reads: 1 to 3.
[[nodiscard]] int arity(PointwiseOp op);

//! Two constants per slot from kSpecPointwise on: code = op | a << 8 | b << 16 | c << 24 (each argument: kind << 6 | index) and the immediate's
//! bits. Unused slots are not emitted (their default is NOP).
[[nodiscard]] std::vector<plan::SpecConstant> encode(const PointwiseProgram& program);

//! The program that encode() made these constants of; others are skipped. Throws InvalidPlan for what no program can say, or where it reads
//! more than `operands` operands.
[[nodiscard]] PointwiseProgram decode(std::span<const plan::SpecConstant> constants, std::size_t operands);

//! The value of a program for one element, in double precision: the reference.
[[nodiscard]] double evaluate(const PointwiseProgram& program, double value, const double* operands);

//! How many slots are left without those at the end that keep a result between `least` and `least` + 255: who stores 8 bits saturates.
[[nodiscard]] std::size_t slots_before_bounds(const PointwiseProgram& program, float least);

//! "relu(v0 + op0)": for reports.
[[nodiscard]] std::string str(const PointwiseProgram& program);

} // namespace tensorvk::kernels
