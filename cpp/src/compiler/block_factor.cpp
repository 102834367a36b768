#include "compiler/block_factor.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "compiler/evaluate.hpp"
#include "compiler/passes/fusion.hpp"
#include "graph/operators.hpp"
#include "support/checked.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::BlockFormat;
using kernels::BlockNumbers;
using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::host::Tensor;

using Extents = std::array<std::int64_t, 2>;

//! An attribute that counts something; what a model says may be anything.
constexpr bool is_count(std::int64_t number) { return number >= 1 && number <= INT32_MAX; }

//! A constant matrix before it is dequantized. Scales and zero points are one for each `block` of it, row-major; -128 .. 127 or 0 .. 255.
struct Dequantized {
    Extents extents{};
    Extents block{1, 1};
    std::vector<std::int32_t> numbers;
    std::vector<float> scales;
    std::vector<std::int32_t> zeros;
    int least_bits = 4; // that the numbers are kept in

    [[nodiscard]] std::int64_t blocks(std::size_t axis) const { return (extents[axis] + block[axis] - 1) / block[axis]; }
};

//! The last two extents of a matrix; nothing when there are several.
template <typename Dims>
std::optional<Extents> matrix_extents(const Dims& dims) {
    if (dims.size() < 2 || !std::all_of(dims.begin(), dims.end() - 2, [](std::int64_t extent) { return extent == 1; })) return std::nullopt;
    return Extents{dims[dims.size() - 2], dims.back()};
}

std::vector<std::int32_t> integers_of(const Tensor& tensor) {
    std::vector<std::int32_t> out(static_cast<std::size_t>(tensor.volume()));
    if (tensor.dtype == DataType::kINT8) {
        std::ranges::copy(tensor.as<std::int8_t>(), out.begin());
    } else {
        std::ranges::copy(tensor.as<std::uint8_t>(), out.begin());
    }
    return out;
}

class Reader {
public:
    Reader(const Ir& ir, const Uses& uses) : ir_(ir), uses_(uses) {}

    //! What the operation that computes `id` dequantizes; `turned` becomes its opposite for each transpose on the way there.
    std::optional<Dequantized> read(ValueId id, bool& turned) const {
        const Op* op = producer(id);
        for (; op != nullptr && !dequantizes(*op); op = producer(op->inputs[0])) {
            const bool turns = is_transpose(*op);
            if (!turns && !is_cast(*op) && !keeps_matrix(*op)) return std::nullopt;
            turned ^= turns;
        }
        if (op == nullptr) return std::nullopt;
        if (is_pointwise(*op)) return from_program(*op);
        const std::string& function = std::get<tactics::HostCall>(op->kind).function;
        return function == graph::kUnpackNBits ? from_n_bits(*op) : from_blocks(*op);
    }

private:
    const Op* producer(ValueId id) const {
        if (id < 0 || static_cast<std::size_t>(id) >= uses_.producers.size()) return nullptr;
        const auto& producers = uses_.producers[static_cast<std::size_t>(id)];
        return producers.size() == 1 && !ir_.ops[producers[0]].inputs.empty() ? &ir_.ops[producers[0]] : nullptr;
    }

    //! Known numbers: of a constant, or of one that is reshaped, transposed or quantized.
    std::optional<Tensor> known(ValueId id) const {
        if (id < 0) return std::nullopt;
        if (const auto& constant = ir_.value(id).constant) return *constant;
        const Op* op = producer(id);
        if (op == nullptr || !ir_.is_static(ir_.value(id).dims)) return std::nullopt;
        if (op->role == Role::kRESHAPE) {
            std::optional<Tensor> before = known(op->inputs[0]);
            if (before) before->dims = ir_.extents(ir_.value(id).dims);
            return before;
        }
        const auto constant = [&](ValueId in) { return in < 0 || ir_.value(in).constant != nullptr; };
        const bool all = std::ranges::all_of(op->inputs, constant) && std::ranges::all_of(op->operands, constant) && op->outputs.size() == 1;
        return all && is_byte(ir_.value(id).dtype) ? evaluate(ir_, *op) : std::nullopt;
    }

    static bool dequantizes(const Op& op) {
        if (const auto* call = std::get_if<tactics::HostCall>(&op.kind)) {
            return call->function == graph::kUnpackNBits || call->function == "DequantizeLinear" || call->function == "com.microsoft.DequantizeLinear";
        }
        return is_pointwise(op) && !op.epilogue.empty();
    }

    bool floats(const Op& op) const { return is_floating(ir_.value(op.inputs[0]).dtype) && is_floating(ir_.value(op.outputs[0]).dtype); }
    //! To a type that products round weights to anyway. What was rounded on its way to a wider type stays as the network says.
    bool is_cast(const Op& op) const { return is_pointwise(op) && op.epilogue.empty() && floats(op) && ir_.value(op.inputs[0]).dtype == DataType::kFLOAT; }

    bool keeps_matrix(const Op& op) const {
        const Value &from = ir_.value(op.inputs[0]), &to = ir_.value(op.outputs[0]);
        if (op.role != Role::kRESHAPE || !ir_.is_static(from.dims) || !ir_.is_static(to.dims)) return false;
        const auto before = matrix_extents(ir_.extents(from.dims));
        return before && before == matrix_extents(ir_.extents(to.dims));
    }

    bool is_transpose(const Op& op) const {
        const auto* copy = op.role == Role::kCOMPUTE ? std::get_if<tactics::Copy>(&op.kind) : nullptr;
        const Value &from = ir_.value(op.inputs[0]), &to = ir_.value(op.outputs[0]);
        if (copy == nullptr || copy->destination_axis >= 0 || !op.epilogue.empty() || !ir_.is_static(from.dims) || !ir_.is_static(to.dims)) return false;
        const auto before = matrix_extents(ir_.extents(from.dims)), after = matrix_extents(ir_.extents(to.dims));
        const std::size_t rank = from.dims.size();
        if (!before || !after || to.dims.size() != rank || *after != Extents{(*before)[1], (*before)[0]}) return false;
        const auto starts = std::ranges::all_of(copy->start, [&](shape::Expr e) { return ir_.exprs.is(e, 0); });
        const auto steps = std::ranges::all_of(copy->stride, [&](shape::Expr e) { return ir_.exprs.is(e, 1); });
        return starts && steps && copy->region == to.dims && copy->axis_of[rank - 2] == static_cast<std::int32_t>(rank - 1) &&
               copy->axis_of[rank - 1] == static_cast<std::int32_t>(rank - 2);
    }

    //! Scales and zero points as they lie in memory; without zero points these are `zero`.
    bool read_parameters(Dequantized& out, ValueId scale, ValueId zero, std::int32_t without) const {
        const auto count = static_cast<std::size_t>(out.blocks(0) * out.blocks(1));
        const auto scales = known(scale);
        if (!scales || !is_floating(scales->dtype) || static_cast<std::size_t>(scales->volume()) != count) return false;
        for (std::size_t i = 0; i < count; ++i) out.scales.push_back(static_cast<float>(scales->get(static_cast<std::int64_t>(i))));
        out.zeros.assign(count, without);
        if (zero < 0) return true;
        const auto zeros = known(zero);
        if (!zeros || !is_byte(zeros->dtype) || static_cast<std::size_t>(zeros->volume()) != count) return false;
        out.zeros = integers_of(*zeros);
        return true;
    }

    std::optional<Dequantized> matrix_of(ValueId id) const {
        const DataType type = ir_.value(id).dtype;
        const auto numbers = is_byte(type) ? known(id) : std::nullopt;
        const auto extents = numbers ? matrix_extents(numbers->dims) : std::nullopt;
        if (!extents || numbers->volume() == 0) return std::nullopt;
        Dequantized out;
        out.extents = *extents;
        out.numbers = integers_of(*numbers);
        return out;
    }

    //! (x - zero point) * scale, as lower_dequantize() writes it: one scale, or a vector of them along an axis.
    std::optional<Dequantized> from_program(const Op& op) const {
        const auto& slots = op.epilogue.slots;
        const bool shifted = slots.size() == 2 && slots[0].op == PointwiseOp::kSUB;
        const auto reads = [&](std::size_t slot) {
            const auto& s = slots[slot];
            return s.a == PointwiseArg{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(slot)} && s.b.kind == PointwiseArg::Kind::kOPERAND;
        };
        if (slots.size() != (shifted ? 2U : 1U) || slots.back().op != PointwiseOp::kMUL || !reads(0) || !reads(slots.size() - 1)) return std::nullopt;
        auto out = matrix_of(op.inputs[0]);
        const ValueId scale = op.operands[slots.back().b.index], zero = shifted ? op.operands[slots[0].b.index] : -1;
        if (!out || !is_floating(ir_.value(op.outputs[0]).dtype) || !ir_.is_static(ir_.value(scale).dims)) return std::nullopt;
        std::vector<std::int64_t> dims = ir_.extents(ir_.value(scale).dims);
        dims.insert(dims.begin(), dims.size() < 2 ? 2 - dims.size() : 0, 1);
        const auto scales = matrix_extents(dims);
        if (!scales) return std::nullopt;
        for (std::size_t axis = 0; axis < 2; ++axis) out->block[axis] = (*scales)[axis] == 1 ? out->extents[axis] : 1;
        return read_parameters(*out, scale, zero, 0) ? out : std::nullopt;
    }

    //! DequantizeLinear with scales of the rank of what it dequantizes.
    std::optional<Dequantized> from_blocks(const Op& op) const {
        const AttributeSet& attributes = std::get<tactics::HostCall>(op.kind).attributes;
        auto out = matrix_of(op.inputs[0]);
        const auto rank = static_cast<std::int64_t>(ir_.value(op.inputs[0]).dims.size());
        std::int64_t axis = attributes.integer("axis", 1);
        axis += (axis < 0 ? rank : 0) + 2 - rank;
        const std::int64_t block = attributes.integer("block_size", 0);
        if (!out || axis < 0 || axis > 1 || !is_count(block) || static_cast<std::int64_t>(ir_.value(op.inputs[1]).dims.size()) != rank) return std::nullopt;
        out->block[static_cast<std::size_t>(axis)] = block;
        const ValueId zero = op.inputs.size() > 2 ? op.inputs[2] : -1;
        return read_parameters(*out, op.inputs[1], zero, 0) ? out : std::nullopt;
    }

    //! com.microsoft's MatMulNBits, whose numbers and zero points are packed already: rows of [N, K], each beginning at a byte.
    std::optional<Dequantized> from_n_bits(const Op& op) const {
        const AttributeSet& attributes = std::get<tactics::HostCall>(op.kind).attributes;
        const std::int64_t bits = attributes.integer("bits", 4), block = attributes.integer("block_size", 0);
        const auto input = [&](std::size_t i) { return i < op.inputs.size() ? op.inputs[i] : -1; };
        const auto bytes = known(input(0));
        Dequantized out;
        out.extents = {attributes.integer("N", 0), attributes.integer("K", 0)};
        out.block = {1, block};
        const bool counts = is_count(block) && is_count(out.extents[0]) && is_count(out.extents[1]);
        if ((bits != 4 && bits != 8) || !counts || block * bits % 8 != 0 || input(3) >= 0 || !bytes) return std::nullopt;
        const std::int64_t blocks = out.blocks(1), row = blocks * block * bits / 8, zero_row = (blocks * bits + 7) / 8;
        if (bytes->dtype != DataType::kUINT8 || bytes->volume() / out.extents[0] != row || bytes->volume() % out.extents[0] != 0) return std::nullopt;
        out.least_bits = static_cast<int>(bits);
        out.numbers = unpacked(*bytes, row, out.extents, bits);
        if (!read_parameters(out, input(1), -1, 1 << (bits - 1))) return std::nullopt;
        if (input(2) < 0) return out;
        const auto zeros = known(input(2));
        if (!zeros || zeros->dtype != DataType::kUINT8 || zeros->volume() != out.extents[0] * zero_row) return std::nullopt;
        out.zeros = unpacked(*zeros, zero_row, {out.extents[0], blocks}, bits);
        return out;
    }

    static std::vector<std::int32_t> unpacked(const Tensor& bytes, std::int64_t row_bytes, Extents extents, std::int64_t bits) {
        const auto data = bytes.as<std::uint8_t>();
        std::vector<std::int32_t> out;
        out.reserve(static_cast<std::size_t>(extents[0] * extents[1]));
        for (std::int64_t r = 0; r < extents[0]; ++r) {
            for (std::int64_t c = 0; c < extents[1]; ++c) {
                const unsigned byte = data[static_cast<std::size_t>(r * row_bytes + c * bits / 8)];
                out.push_back(static_cast<std::int32_t>(byte >> (c * bits % 8) & ((1U << bits) - 1U)));
            }
        }
        return out;
    }

    const Ir& ir_;
    const Uses& uses_;
};

//! How many bits hold all numbers and zero points, and what is added to them so that none is negative.
struct Codes {
    int bits;
    std::int32_t shift;
};
std::optional<Codes> codes_of(const Dequantized& from) {
    const auto [least, most] = std::ranges::minmax(from.numbers);
    const auto [least_zero, most_zero] = std::ranges::minmax(from.zeros);
    const std::int32_t low = std::min(least, least_zero), high = std::max(most, most_zero);
    for (const int bits : {4, 8}) {
        const std::int32_t half = 1 << (bits - 1);
        if (bits < from.least_bits) continue;
        if (low >= 0 && high < 2 * half) return Codes{bits, 0};
        if (low >= -half && high < half) return Codes{bits, half};
    }
    return std::nullopt;
}

//! Blocks along the depth as kernels read them: nothing for others.
std::optional<BlockFormat> format_of(const Dequantized& from, std::size_t depth_axis, int bits) {
    const std::int64_t block = from.block[depth_axis];
    BlockFormat format{.depth = from.extents[depth_axis], .columns = from.extents[1 - depth_axis], .block = block, .bits = bits};
    if (block >= format.depth) format.block = 0;
    constexpr std::int64_t kMostWords = std::int64_t{1} << 29; // kernels count bytes in 32 bits
    const bool small = format.depth < kMostWords && format.columns < kMostWords && format.depth * format.columns / 4 < kMostWords;
    return format.block % BlockFormat::kStep == 0 && small ? std::optional(format) : std::nullopt;
}

} // namespace

std::optional<BlockFactor> read_block_factor(const Ir& ir, const Uses& uses, ValueId factor, bool by_columns) {
    bool turned = false;
    const auto from = Reader(ir, uses).read(factor, turned);
    if (!from || !std::ranges::all_of(from->scales, [](float scale) { return std::isfinite(scale); })) return std::nullopt;
    const std::size_t depth_axis = by_columns != turned ? 1 : 0;
    const auto codes = codes_of(*from);
    auto format = codes ? format_of(*from, depth_axis, codes->bits) : std::nullopt;
    if (!format) return std::nullopt;
    BlockNumbers numbers;
    const auto at = [&](std::int64_t k, std::int64_t column, std::int64_t width) { return static_cast<std::size_t>(depth_axis == 1 ? column * width + k : k * width + column); };
    for (std::int64_t k = 0; k < format->depth; ++k) {
        for (std::int64_t column = 0; column < format->columns; ++column) {
            numbers.codes.push_back(static_cast<std::uint8_t>(from->numbers[at(k, column, from->extents[1])] + codes->shift));
        }
    }
    for (std::int64_t block = 0; block < format->blocks(); ++block) {
        for (std::int64_t column = 0; column < format->columns; ++column) {
            const std::size_t i = at(block, column / from->block[1 - depth_axis], from->blocks(1));
            numbers.scales.push_back(from->scales[i]);
            numbers.zeros.push_back(static_cast<std::uint8_t>(from->zeros[i] + codes->shift));
        }
    }
    *format = smallest_format(*format, numbers);
    const std::vector<std::uint32_t> words = packed_blocks(*format, numbers);
    Tensor packed(DataType::kINT32, {static_cast<std::int64_t>(words.size())});
    std::memcpy(packed.data.data(), words.data(), packed.data.size());
    return BlockFactor{*format, std::move(packed)};
}

} // namespace tensorvk::compiler
