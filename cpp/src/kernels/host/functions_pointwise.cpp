// Pointwise programs as a host function: what runs where no shader can do the arithmetic.
#include <array>

#include "kernels/host/functions.hpp"
#include "kernels/host/pointwise.hpp"

namespace tensorvk::kernels::host {

namespace {

constexpr std::size_t kNumbers = 7; // of a slot: the operation, then kind and index of each argument

PointwiseArg argument_of(const Call& call, std::int64_t kind, std::int64_t index, std::size_t slot) {
    const bool known = kind >= 0 && kind <= 2;
    const auto limit = static_cast<std::int64_t>(kind == 0 ? slot + 1 : kind == 1 ? call.input_count() - 1 : 1);
    if (!known || index < 0 || (index >= limit && index != 0)) {
        call.fail("has a damaged pointwise program.");
    }
    return {static_cast<PointwiseArg::Kind>(kind), static_cast<std::uint8_t>(index)};
}

PointwiseProgram program_of(const Call& call) {
    const std::vector<std::int64_t> numbers = call.attributes().integers("slots");
    const std::vector<double> immediates = call.attributes().reals("immediates");
    PointwiseProgram program;
    if (numbers.size() != kNumbers * immediates.size() || immediates.size() > PointwiseProgram::kMaxSlots ||
        call.input_count() > PointwiseProgram::kMaxOperands + 1) {
        call.fail("has a damaged pointwise program.");
    }
    for (std::size_t slot = 0; slot < immediates.size(); ++slot) {
        const std::int64_t* n = numbers.data() + kNumbers * slot;
        program.slots.push_back({static_cast<PointwiseOp>(n[0]), argument_of(call, n[1], n[2], slot), argument_of(call, n[3], n[4], slot),
                                 argument_of(call, n[5], n[6], slot), static_cast<float>(immediates[slot])});
    }
    return program;
}

void run(Call& call) {
    std::vector<const Tensor*> operands;
    for (std::size_t i = 1; i < call.input_count(); ++i) {
        operands.push_back(&call.input(i));
    }
    const auto type = static_cast<DataType>(call.attributes().integer("type"));
    call.output(0, pointwise(program_of(call), call.input(0), operands, type));
}

constexpr std::array kFunctions{
    Function{kPointwiseFunction, run},
};

} // namespace

AttributeSet pointwise_attributes(const PointwiseProgram& program, DataType type) {
    std::vector<std::int64_t> numbers;
    std::vector<double> immediates;
    for (const PointwiseSlot& slot : program.slots) {
        numbers.push_back(static_cast<std::int64_t>(slot.op));
        for (const PointwiseArg& argument : {slot.a, slot.b, slot.c}) {
            numbers.insert(numbers.end(), {static_cast<std::int64_t>(argument.kind), std::int64_t{argument.index}});
        }
        immediates.push_back(static_cast<double>(slot.immediate));
    }
    AttributeSet attributes;
    attributes.set("type", static_cast<std::int64_t>(type));
    attributes.set("slots", std::move(numbers));
    attributes.set("immediates", std::move(immediates));
    return attributes;
}

std::span<const Function> pointwise_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
