#include "kernels/host/pointwise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "kernels/host/index.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::host {

namespace {

using Integer = std::int64_t;
using Function = Integer (*)(Integer a, Integer b, Integer c);

struct Row {
    PointwiseOp op;
    Function function;
};

Integer wrapped(std::uint64_t value) { return static_cast<Integer>(value); }
std::uint64_t bits(Integer value) { return static_cast<std::uint64_t>(value); }
Integer quotient(Integer a, Integer b) { return b == 0 ? 0 : b == -1 ? wrapped(0 - bits(a)) : a / b; }
Integer floor_quotient(Integer a, Integer b) {
    const Integer q = quotient(a, b);
    return b != 0 && b != -1 && a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

// Additions and products wrap like the device's.
constexpr Row kRows[] = {
    {PointwiseOp::kADD, [](Integer a, Integer b, Integer) { return wrapped(bits(a) + bits(b)); }},
    {PointwiseOp::kSUB, [](Integer a, Integer b, Integer) { return wrapped(bits(a) - bits(b)); }},
    {PointwiseOp::kMUL, [](Integer a, Integer b, Integer) { return wrapped(bits(a) * bits(b)); }},
    {PointwiseOp::kDIV, [](Integer a, Integer b, Integer) { return quotient(a, b); }},
    {PointwiseOp::kMAX, [](Integer a, Integer b, Integer) { return std::max(a, b); }},
    {PointwiseOp::kMIN, [](Integer a, Integer b, Integer) { return std::min(a, b); }},
    {PointwiseOp::kFLOOR_DIV, [](Integer a, Integer b, Integer) { return floor_quotient(a, b); }},
    {PointwiseOp::kEQUAL, [](Integer a, Integer b, Integer) -> Integer { return a == b; }},
    {PointwiseOp::kGREATER, [](Integer a, Integer b, Integer) -> Integer { return a > b; }},
    {PointwiseOp::kLESS, [](Integer a, Integer b, Integer) -> Integer { return a < b; }},
    {PointwiseOp::kAND, [](Integer a, Integer b, Integer) -> Integer { return a != 0 && b != 0; }},
    {PointwiseOp::kOR, [](Integer a, Integer b, Integer) -> Integer { return a != 0 || b != 0; }},
    {PointwiseOp::kXOR, [](Integer a, Integer b, Integer) -> Integer { return (a != 0) != (b != 0); }},
    {PointwiseOp::kRELU, [](Integer a, Integer, Integer) { return std::max<Integer>(a, 0); }},
    {PointwiseOp::kABS, [](Integer a, Integer, Integer) { return a < 0 ? wrapped(0 - bits(a)) : a; }},
    {PointwiseOp::kNEG, [](Integer a, Integer, Integer) { return wrapped(0 - bits(a)); }},
    {PointwiseOp::kCEIL, [](Integer a, Integer, Integer) { return a; }},
    {PointwiseOp::kFLOOR, [](Integer a, Integer, Integer) { return a; }},
    {PointwiseOp::kROUND, [](Integer a, Integer, Integer) { return a; }},
    {PointwiseOp::kTRUNC, [](Integer a, Integer, Integer) { return a; }},
    {PointwiseOp::kNOT, [](Integer a, Integer, Integer) -> Integer { return a == 0; }},
    {PointwiseOp::kSIGN, [](Integer a, Integer, Integer) -> Integer { return (a > 0) - (a < 0); }},
    {PointwiseOp::kSELECT, [](Integer a, Integer b, Integer c) { return a != 0 ? b : c; }},
};

Function function_of(PointwiseOp op) {
    const auto* row = std::ranges::find(kRows, op, &Row::op);
    return row == std::end(kRows) ? nullptr : row->function;
}

bool is_integral(const PointwiseProgram& program) {
    return std::ranges::all_of(program.slots, [](const PointwiseSlot& slot) {
        return function_of(slot.op) != nullptr && slot.immediate == std::trunc(slot.immediate);
    });
}

Integer evaluate_integer(const PointwiseProgram& program, Integer value, const Integer* operands) {
    std::array<Integer, PointwiseProgram::kMaxSlots + 1> values{value};
    std::size_t last = 0;
    for (const PointwiseSlot& slot : program.slots) {
        const auto argument = [&](const PointwiseArg& arg) {
            return arg.kind == PointwiseArg::Kind::kVALUE     ? values[arg.index]
                   : arg.kind == PointwiseArg::Kind::kOPERAND ? operands[arg.index]
                                                              : static_cast<Integer>(slot.immediate);
        };
        values.at(++last) = function_of(slot.op)(argument(slot.a), argument(slot.b), argument(slot.c));
    }
    return values[last];
}

} // namespace

std::vector<std::int64_t> broadcast_dims(std::span<const std::vector<std::int64_t>> shapes) {
    std::vector<std::int64_t> dims;
    for (const auto& shape : shapes) {
        if (shape.size() > dims.size()) {
            dims.insert(dims.begin(), shape.size() - dims.size(), 1);
        }
        for (std::size_t i = 0; i < shape.size(); ++i) {
            std::int64_t& dim = dims[dims.size() - shape.size() + i];
            if (dim != shape[i] && dim != 1 && shape[i] != 1) {
                throw InvalidArgument(text("Shapes do not broadcast: extents ", dim, " and ", shape[i], " meet; each pair must be equal or have a 1."));
            }
            dim = dim == 1 ? shape[i] : dim;
        }
    }
    return dims;
}

Tensor pointwise(const PointwiseProgram& program, const Tensor& value, std::span<const Tensor* const> operands, DataType type) {
    std::vector<const Tensor*> tensors{&value};
    tensors.insert(tensors.end(), operands.begin(), operands.end());
    std::vector<std::vector<std::int64_t>> shapes;
    for (const Tensor* tensor : tensors) {
        shapes.push_back(tensor->dims);
    }
    Tensor out(type, broadcast_dims(shapes));
    std::vector<std::vector<std::int64_t>> strides;
    for (const auto& shape : shapes) {
        strides.push_back(broadcast_strides(shape, out.dims));
    }
    const bool integers = !is_floating(type) && is_integral(program) &&
                          std::ranges::none_of(tensors, [](const Tensor* tensor) { return is_floating(tensor->dtype); });
    std::array<double, PointwiseProgram::kMaxOperands> reals{};
    std::array<Integer, PointwiseProgram::kMaxOperands> wholes{};
    std::int64_t at = 0;
    for (Odometer o(out.dims); o.valid(); o.next(), ++at) {
        for (std::size_t k = 0; k < operands.size(); ++k) {
            const std::int64_t source = o.offset(strides[k + 1]);
            reals[k] = operands[k]->get(source);
            wholes[k] = integers ? operands[k]->get_integer(source) : 0;
        }
        const std::int64_t source = o.offset(strides[0]);
        if (integers) {
            out.set_integer(at, evaluate_integer(program, value.get_integer(source), wholes.data()));
        } else {
            out.set(at, evaluate(program, value.get(source), reals.data()));
        }
    }
    return out;
}

} // namespace tensorvk::kernels::host
