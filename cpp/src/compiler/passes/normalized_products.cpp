// Normalisations of rows into the products that read them: (x - mean) / deviation * scale + shift, times W, is what a product of x as it is becomes once mean
// and deviation of each row are known, with the scale in W and the shift in the bias. The kernel finds both while the row passes through it, so that nothing
// waits for a normalisation that products alone read; one that others read as well runs beside the product.
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
using kernels::PointwiseSlot;
using kernels::host::Tensor;

// Tiles of 32 x 32, of which fewer would leave most of a large GPU idle: products cut their depth then, and no slice sees all of a row.
constexpr std::int64_t kTile = 32, kLeastTiles = 64;
constexpr std::int64_t kLongestRow = 2048;
constexpr double kMostLost = 1.0 / 1024.0; // of a column of weights: twice what rounding to float16 costs where it has all of its digits
constexpr std::int64_t kDepthMultiple = 64, kColumnMultiple = 8; // of tiles on matrix units

//! What a normalisation's program does to each column.
struct Affine {
    std::vector<double> scale, shift;
};

class NormalizedProducts {
public:
    explicit NormalizedProducts(Ir& ir) : ir_(ir), uses_(ir) {}

    void run() {
        for (Op& op : ir_.ops) {
            if (const Op* normalization = is_fit(op) ? normalization_of(op.inputs[0]) : nullptr) fuse(op, *normalization);
        }
    }

private:
    const tactics::MatrixProduct& product(const Op& op) const { return std::get<tactics::MatrixProduct>(op.kind); }

    //! A product with one constant matrix, of sizes for which kernels take whole rows.
    bool is_fit(const Op& op) const {
        if (op.role != Role::kCOMPUTE || !std::holds_alternative<tactics::MatrixProduct>(op.kind) || is_quantized_product(ir_, op)) return false;
        const Value &a = ir_.value(op.inputs[0]), &b = ir_.value(op.inputs[1]), &y = ir_.value(op.outputs[0]);
        const bool constant = is_constant_float(op.inputs[1]) && (!op.has_bias || is_constant_float(op.inputs[2]));
        if (y.pinned || !ir_.may_be_internal(op.outputs[0]) || product(op).transpose_a || product(op).normalized || !constant || !ir_.is_static(a.dims) || a.dims.size() < 2) return false;
        const auto depth = ir_.exprs.value(a.dims.back()).value_or(0), columns = ir_.exprs.value(y.dims.back()).value_or(0);
        if (b.constant->volume() != depth * columns || depth % kDepthMultiple != 0 || depth > kLongestRow || columns % kColumnMultiple != 0 || depth == 0) return false;
        const std::int64_t rows = checked_volume(ir_.extents(a.dims)) / depth;
        return ((rows + kTile - 1) / kTile) * ((columns + kTile - 1) / kTile) >= kLeastTiles;
    }

    bool is_constant_float(ValueId id) const { return ir_.value(id).constant && is_floating(ir_.value(id).constant->dtype); }
    Tensor floats_of(ValueId id) const { return ir_.value(id).constant->converted(DataType::kFLOAT); }

    //! That which writes `id`, of a value between two operations, which is in memory as products read it.
    const Op* normalization_of(ValueId id) const {
        const auto& producers = uses_.producers[static_cast<std::size_t>(id)];
        if (producers.size() != 1 || ir_.value(id).pinned) return nullptr;
        const Op& op = ir_.ops[producers[0]];
        const auto* kind = std::get_if<tactics::Normalization>(&op.kind);
        if (op.role != Role::kCOMPUTE || kind == nullptr || kind->groups > 0) return nullptr;
        const Value& x = ir_.value(op.inputs[0]);
        const bool inside = !x.is_input && !x.is_output && !x.pinned && !x.constant && x.dims == ir_.value(id).dims && is_floating(x.dtype) && ir_.one_type(op.inputs[0], id);
        return inside ? &op : nullptr;
    }

    //! The numbers that an argument stands for, one a column.
    std::optional<std::vector<double>> columns_of(const Op& op, const PointwiseSlot& slot, const PointwiseArg& arg, std::size_t count) const {
        if (arg.kind == PointwiseArg::Kind::kIMMEDIATE) return std::vector<double>(count, static_cast<double>(slot.immediate));
        if (arg.kind != PointwiseArg::Kind::kOPERAND || !is_constant_float(op.operands[arg.index])) return std::nullopt;
        const Tensor tensor = floats_of(op.operands[arg.index]);
        const auto data = tensor.as<float>();
        if (data.size() == 1) return std::vector<double>(count, static_cast<double>(data[0]));
        if (data.size() != count || tensor.dims.back() != static_cast<std::int64_t>(count)) return std::nullopt;
        return std::vector<double>(data.begin(), data.end());
    }

    //! Nothing where the program is no chain of products and sums with constants.
    std::optional<Affine> affine_of(const Op& op, std::size_t count) const {
        Affine out{std::vector<double>(count, 1.0), std::vector<double>(count, 0.0)};
        for (std::size_t i = 0; i < op.epilogue.slots.size(); ++i) {
            const PointwiseSlot& slot = op.epilogue.slots[i];
            const PointwiseArg before{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(i)};
            if (slot.op == PointwiseOp::kROUND_HALF && slot.a == before) continue; // to a type that what is multiplied has anyway
            const bool scales = slot.op == PointwiseOp::kMUL;
            if ((!scales && slot.op != PointwiseOp::kADD) || (slot.a == before) == (slot.b == before)) return std::nullopt;
            const auto numbers = columns_of(op, slot, slot.a == before ? slot.b : slot.a, count);
            if (!numbers) return std::nullopt;
            for (std::size_t k = 0; k < count; ++k) {
                if (scales) out.scale[k] *= (*numbers)[k];
                out.shift[k] = scales ? out.shift[k] * (*numbers)[k] : out.shift[k] + (*numbers)[k];
            }
        }
        return out;
    }

    //! Weights that are rounded to what matrix units read, so that the sums are those of what is multiplied. Nothing where a scale makes them too large or too small for that.
    struct Folded {
        Tensor weights, bias, sums;
    };
    std::optional<Folded> fold(const Op& op, const Affine& affine) const {
        const Tensor old = floats_of(op.inputs[1]);
        const std::size_t depth = affine.scale.size(), columns = static_cast<std::size_t>(old.volume()) / depth;
        const std::int64_t width = static_cast<std::int64_t>(columns);
        Folded out{old, Tensor(DataType::kFLOAT, {width}), Tensor(DataType::kFLOAT, {width})};
        const auto from = old.as<float>();
        const auto to = out.weights.as<float>();
        std::vector<double> bias(columns, 0.0), sums(columns, 0.0), squares(columns, 0.0), lost(columns, 0.0);
        if (op.has_bias) std::ranges::copy(floats_of(op.inputs[2]).as<float>(), bias.begin());
        for (std::size_t k = 0; k < depth; ++k) {
            for (std::size_t n = 0; n < columns; ++n) {
                const std::size_t at = product(op).transpose_b ? n * depth + k : k * columns + n;
                const double weight = static_cast<double>(from[at]);
                const double exact = weight * affine.scale[k];
                to[at] = half_to_float(float_to_half(static_cast<float>(exact)));
                const double difference = static_cast<double>(to[at]) - exact;
                squares[n] += exact * exact;
                lost[n] += difference * difference;
                bias[n] += weight * affine.shift[k];
                sums[n] += static_cast<double>(to[at]);
            }
        }
        for (std::size_t n = 0; n < columns; ++n) {
            if (!(lost[n] <= kMostLost * kMostLost * squares[n])) return std::nullopt; // not a number, too
        }
        std::ranges::transform(bias, out.bias.as<float>().begin(), [](double number) { return static_cast<float>(number); });
        std::ranges::transform(sums, out.sums.as<float>().begin(), [](double number) { return static_cast<float>(number); });
        return out;
    }

    void fuse(Op& op, const Op& normalization) {
        const auto depth = ir_.exprs.value(ir_.value(op.inputs[0]).dims.back()).value_or(0);
        const auto affine = affine_of(normalization, static_cast<std::size_t>(depth));
        auto folded = affine ? fold(op, *affine) : std::nullopt;
        if (!folded) return;
        const auto& kind = std::get<tactics::Normalization>(normalization.kind);
        const std::string name = ir_.value(op.inputs[1]).name;
        op.name = joined_name(normalization.name, op.name);
        op.inputs = {normalization.inputs[0], ir_.add_constant(name, std::move(folded->weights)), ir_.add_constant(text(op.name, "/bias"), std::move(folded->bias)),
                     ir_.add_constant(text(op.name, "/column sums"), std::move(folded->sums))};
        op.has_bias = true;
        std::get<tactics::MatrixProduct>(op.kind).normalized = tactics::RowNormalization{kind.epsilon, kind.centred};
    }

    Ir& ir_;
    Uses uses_;
};

} // namespace

void normalize_products(Ir& ir) {
    if (ir.target.normalized_products) NormalizedProducts(ir).run();
}

} // namespace tensorvk::compiler
