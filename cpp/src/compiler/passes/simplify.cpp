// What exporters spell out in several pointwise operations and programs have one for.
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::PointwiseProgram;
using kernels::PointwiseSlot;

using Arg = std::optional<PointwiseArg>;

bool is_number(const PointwiseSlot& slot, const PointwiseArg& arg, float number) {
    return arg.kind == PointwiseArg::Kind::kIMMEDIATE && std::abs(slot.immediate - number) <= 1e-6f * number;
}

//! Looks at a program from the back: what a slot computes from which argument.
class Matcher {
public:
    explicit Matcher(const PointwiseProgram& program) : slots_(program.slots) {}

    //! x in 0.5 * x * (1 + erf(x / sqrt(2))), whatever the order of the factors, or nothing.
    [[nodiscard]] Arg gelu(const PointwiseSlot& slot) const {
        for (const auto& [left, right] : factors(slot)) {
            if (const Arg x = half(left), y = shifted_erf(right); x && x == y) return x;  // (x * 0.5) * (1 + erf)
            if (const Arg x = left, y = halved_shifted_erf(right); x && x == y) return x; // x * ((1 + erf) * 0.5)
            if (const PointwiseSlot* product = slot_of(left); product != nullptr && is_number(slot, right, 0.5f)) {
                for (const auto& [a, b] : factors(*product)) {
                    if (const Arg y = shifted_erf(b); y && *y == a) return y; // (x * (1 + erf)) * 0.5
                }
            }
        }
        return std::nullopt;
    }

private:
    using Pair = std::pair<PointwiseArg, PointwiseArg>;

    [[nodiscard]] const PointwiseSlot* slot_of(const PointwiseArg& arg) const {
        return arg.kind == PointwiseArg::Kind::kVALUE && arg.index > 0 ? &slots_[arg.index - 1U] : nullptr;
    }
    //! The two factors of a product in both orders.
    [[nodiscard]] static std::vector<Pair> factors(const PointwiseSlot& slot) {
        if (slot.op != PointwiseOp::kMUL) return {};
        return {{slot.a, slot.b}, {slot.b, slot.a}};
    }
    //! x where `arg` is x * 0.5.
    [[nodiscard]] Arg half(const PointwiseArg& arg) const {
        const PointwiseSlot* product = slot_of(arg);
        if (product == nullptr) return std::nullopt;
        for (const auto& [x, number] : factors(*product)) {
            if (is_number(*product, number, 0.5f)) return x;
        }
        return std::nullopt;
    }
    //! x where `arg` is 1 + erf(x / sqrt(2)).
    [[nodiscard]] Arg shifted_erf(const PointwiseArg& arg) const {
        const PointwiseSlot* sum = slot_of(arg);
        if (sum == nullptr || sum->op != PointwiseOp::kADD) return std::nullopt;
        for (const auto& [one, other] : {Pair{sum->a, sum->b}, Pair{sum->b, sum->a}}) {
            const PointwiseSlot* erf = slot_of(other);
            if (!is_number(*sum, one, 1.0f) || erf == nullptr || erf->op != PointwiseOp::kERF) continue;
            const PointwiseSlot* scaled = slot_of(erf->a);
            if (scaled == nullptr) return std::nullopt;
            if (scaled->op == PointwiseOp::kDIV && is_number(*scaled, scaled->b, 1.41421356f)) return scaled->a;
            for (const auto& [x, number] : factors(*scaled)) {
                if (is_number(*scaled, number, 0.70710678f)) return x;
            }
        }
        return std::nullopt;
    }
    [[nodiscard]] Arg halved_shifted_erf(const PointwiseArg& arg) const {
        const Arg inner = half(arg);
        return inner ? shifted_erf(*inner) : std::nullopt;
    }

    const std::vector<PointwiseSlot>& slots_;
};

//! Slots that the last one does not depend on go.
void drop_unread(PointwiseProgram& program) {
    std::vector<bool> read(program.slots.size(), false);
    read.back() = true;
    const auto visit = [](PointwiseSlot& slot, auto use) {
        PointwiseArg* const args[] = {&slot.a, &slot.b, &slot.c};
        for (int i = 0; i < kernels::arity(slot.op); ++i) {
            if (args[i]->kind == PointwiseArg::Kind::kVALUE && args[i]->index > 0) use(*args[i]);
        }
    };
    for (std::size_t i = program.slots.size(); i-- > 0;) {
        if (read[i]) visit(program.slots[i], [&](const PointwiseArg& arg) { read[arg.index - 1U] = true; });
    }
    std::vector<PointwiseSlot> kept;
    std::vector<std::uint8_t> place(program.slots.size(), 0);
    for (std::size_t i = 0; i < program.slots.size(); ++i) {
        if (!read[i]) continue;
        visit(program.slots[i], [&](PointwiseArg& arg) { arg.index = place[arg.index - 1U]; });
        kept.push_back(program.slots[i]);
        place[i] = static_cast<std::uint8_t>(kept.size());
    }
    program.slots = std::move(kept);
}

//! Powers that are a product or a root.
void simplify_power(PointwiseSlot& slot) {
    if (slot.op != PointwiseOp::kPOW || slot.a.kind == PointwiseArg::Kind::kIMMEDIATE) return;
    if (is_number(slot, slot.b, 2.0f)) {
        slot = {.op = PointwiseOp::kMUL, .a = slot.a, .b = slot.a, .c = {}, .immediate = 0.0f};
    } else if (is_number(slot, slot.b, 0.5f)) {
        slot = {.op = PointwiseOp::kSQRT, .a = slot.a, .b = {}, .c = {}, .immediate = 0.0f};
    }
}

} // namespace

void put_scalar_second(const Ir& ir, Op& op) {
    constexpr PointwiseOp kCommute[] = {PointwiseOp::kADD, PointwiseOp::kMUL, PointwiseOp::kMAX, PointwiseOp::kMIN};
    const auto& first = ir.value(op.inputs[0]).constant;
    if (op.epilogue.slots.size() != 1 || op.operands.size() != 1 || !first || first->volume() != 1) {
        return;
    }
    const PointwiseSlot& slot = op.epilogue.slots[0];
    const bool both = slot.a == PointwiseArg{PointwiseArg::Kind::kVALUE, 0} && slot.b == PointwiseArg{PointwiseArg::Kind::kOPERAND, 0};
    if (both && std::ranges::find(kCommute, slot.op) != std::end(kCommute)) {
        std::swap(op.inputs[0], op.operands[0]);
    }
}

void simplify_programs(Ir& ir) {
    for (Op& op : ir.ops) {
        if (!is_pointwise(op) || op.epilogue.slots.empty() || !is_floating(ir.value(op.outputs[0]).dtype)) {
            continue;
        }
        for (PointwiseSlot& slot : op.epilogue.slots) {
            simplify_power(slot);
            if (const Arg x = Matcher(op.epilogue).gelu(slot)) {
                slot = {.op = PointwiseOp::kGELU_ERF, .a = *x, .b = {}, .c = {}, .immediate = 0.0f};
            }
        }
        drop_unread(op.epilogue);
        prune_operands(op);
    }
}

} // namespace tensorvk::compiler
