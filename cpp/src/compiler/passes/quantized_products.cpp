// Convolutions and matrix products of dequantized factors: sums of integers, and one scale per output channel behind them.
#include <algorithm>
#include <optional>

#include "compiler/evaluate.hpp"
#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"
#include "support/dtype.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::host::Tensor;

class Products {
public:
    explicit Products(Ir& ir) : ir_(ir), uses_(ir) {}

    void run() {
        const std::size_t count = ir_.ops.size();
        for (std::size_t i = 0; i < count; ++i) {
            if (is_product(ir_.ops[i])) {
                convert(i);
            }
        }
        spread_dequantizers(count);
        sort_topologically(ir_);
    }

private:
    bool transposed(const Op& op) const {
        const auto* convolution = std::get_if<tactics::Convolution>(&op.kind);
        return convolution != nullptr && convolution->transposed;
    }

    const Op* dequantizer(ValueId id) const {
        if (static_cast<std::size_t>(id) >= uses_.producers.size()) {
            return nullptr;
        }
        const auto& producers = uses_.producers[static_cast<std::size_t>(id)];
        const bool one = producers.size() == 1 && is_pointwise(ir_.ops[producers[0]]);
        const Op* op = one ? &ir_.ops[producers[0]] : nullptr;
        return op != nullptr && op->quantization && !op->quantization->quantizes ? op : nullptr;
    }

    //! Terms of one sum; nothing when they are not known.
    std::optional<std::int64_t> terms(const Op& op) const {
        const Value& x = ir_.value(op.inputs[0]);
        if (const auto* convolution = std::get_if<tactics::Convolution>(&op.kind)) {
            auto channels = ir_.exprs.value(x.dims[1]);
            for (const std::int64_t extent : convolution->geometry.kernel) {
                channels = channels ? std::optional(*channels * extent) : channels;
            }
            return channels ? std::optional(*channels / convolution->geometry.groups) : channels;
        }
        const auto& product = std::get<tactics::MatrixProduct>(op.kind);
        return x.dims.size() < 2 ? std::nullopt : ir_.exprs.value(x.dims[x.dims.size() - (product.transpose_a ? 2 : 1)]);
    }

    //! The axis of the weights that runs over the columns or channels of the result.
    std::size_t column_axis(const Op& op) const {
        if (const auto* convolution = std::get_if<tactics::Convolution>(&op.kind)) {
            return convolution->transposed ? 1 : 0;
        }
        const std::size_t rank = ir_.value(op.inputs[1]).dims.size();
        return std::get<tactics::MatrixProduct>(op.kind).transpose_b ? rank - 2 : rank - 1;
    }

    //! Weights are packed for the kernels, which takes their number of columns.
    bool columns_known(const Op& op) const {
        const Value& weights = ir_.value(op.inputs[1]);
        return weights.dims.size() >= 2 && ir_.exprs.value(weights.dims[column_axis(op)]);
    }

    bool scales_columns(const Op& op, const Quantization& weights) const {
        if (weights.per_tensor()) {
            return true;
        }
        const auto* convolution = std::get_if<tactics::Convolution>(&op.kind);
        const bool one_group = convolution == nullptr || !convolution->transposed || convolution->geometry.groups == 1;
        return one_group && weights.axis == column_axis(op);
    }

    //! [C] as it broadcasts to the result.
    std::vector<std::int64_t> channel_dims(const Op& op, std::int64_t channels) const {
        std::vector<std::int64_t> dims{channels};
        if (std::holds_alternative<tactics::Convolution>(op.kind)) {
            dims.resize(ir_.value(op.outputs[0]).dims.size() - 1, 1);
        }
        return dims;
    }

    //! Known numbers of a bias: a constant, or dequantized from one.
    std::optional<Tensor> known(ValueId id) const {
        if (const auto& constant = ir_.value(id).constant) {
            return *constant;
        }
        const auto& producers = uses_.producers[static_cast<std::size_t>(id)];
        if (producers.size() != 1) {
            return std::nullopt;
        }
        const Op& op = ir_.ops[producers[0]];
        const auto constant = [&](ValueId in) { return in < 0 || ir_.value(in).constant != nullptr; };
        const bool all = std::ranges::all_of(op.inputs, constant) && std::ranges::all_of(op.operands, constant);
        return all && op.role == Role::kCOMPUTE ? evaluate(ir_, op) : std::nullopt;
    }

    void convert(std::size_t index) {
        const Op* x = dequantizer(ir_.ops[index].inputs[0]);
        const Op* weights = dequantizer(ir_.ops[index].inputs[1]);
        Op& op = ir_.ops[index];
        if (x == nullptr || weights == nullptr || !op.epilogue.empty() || !x->quantization->per_tensor() ||
            !scales_columns(op, *weights->quantization) || terms(op).value_or(tactics::kLongestByteSum + 1) > tactics::kLongestByteSum || !columns_known(op)) {
            return;
        }
        std::optional<Tensor> bias = op.has_bias ? known(op.inputs[2]) : std::nullopt;
        if (op.has_bias && (!bias || bias->dtype != DataType::kFLOAT)) {
            return;
        }
        const tactics::ZeroPoints zero{x->quantization->zero, weights->quantization->zero};
        std::visit([&](auto& kind) { set_zero(kind, zero); }, op.kind);
        op.inputs = {x->inputs[0], weights->inputs[0]};
        op.has_bias = false;
        scale(op, x->quantization->scale[0], weights->quantization->scale);
        if (bias) {
            bias->dims = channel_dims(op, bias->volume());
            append(op, PointwiseOp::kADD, std::move(*bias), "bias");
        }
    }

    template <typename Kind>
    static void set_zero(Kind& kind, tactics::ZeroPoints zero) {
        if constexpr (requires { kind.zero; }) {
            kind.zero = zero;
        }
    }

    void scale(Op& op, float x, const std::vector<float>& weights) {
        const auto count = static_cast<std::int64_t>(weights.size());
        Tensor scales(DataType::kFLOAT, channel_dims(op, count));
        std::ranges::transform(weights, scales.as<float>().begin(), [&](float w) { return x * w; });
        append(op, PointwiseOp::kMUL, std::move(scales), "scale");
    }

    //! One more step of the program; a single number is its immediate.
    void append(Op& op, PointwiseOp what, Tensor numbers, const char* role) {
        const PointwiseArg last{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(op.epilogue.slots.size())};
        if (numbers.volume() == 1) {
            op.epilogue.slots.push_back({what, last, {PointwiseArg::Kind::kIMMEDIATE, 0}, {}, numbers.as<float>()[0]});
            return;
        }
        op.operands.push_back(ir_.add_constant(op.name + "/" + role, std::move(numbers)));
        const auto operand = static_cast<std::uint8_t>(op.operands.size() - 1);
        op.epilogue.slots.push_back({what, last, {PointwiseArg::Kind::kOPERAND, operand}, {}, 0.0f});
    }

    //! Reading integers is cheaper than reading numbers: every pointwise op that computes with them dequantizes on its own.
    void spread_dequantizers(std::size_t count) {
        const Uses uses(ir_);
        for (std::size_t i = 0; i < count; ++i) {
            const bool dequantizes = is_pointwise(ir_.ops[i]) && ir_.ops[i].quantization && !ir_.ops[i].quantization->quantizes;
            const ValueId numbers = ir_.ops[i].outputs[0];
            if (!dequantizes || ir_.value(ir_.ops[i].inputs[0]).constant) {
                continue;
            }
            std::vector<std::size_t> readers = uses.consumers[static_cast<std::size_t>(numbers)];
            readers.erase(std::unique(readers.begin(), readers.end()), readers.end());
            for (std::size_t r = 1; r < readers.size(); ++r) {
                if (is_pointwise(ir_.ops[readers[r]])) {
                    give_own(i, readers[r]);
                }
            }
        }
    }

    void give_own(std::size_t dequantizer, std::size_t reader) {
        Op own = ir_.ops[dequantizer];
        const ValueId shared = own.outputs[0];
        const Value value = ir_.value(shared);
        own.outputs[0] = ir_.add_value(value.name, value.dtype, value.dims);
        std::ranges::replace(ir_.ops[reader].inputs, shared, own.outputs[0]);
        std::ranges::replace(ir_.ops[reader].operands, shared, own.outputs[0]);
        ir_.ops.push_back(std::move(own));
    }

    Ir& ir_;
    Uses uses_;
};

} // namespace

void quantize_products(Ir& ir) {
    if (std::ranges::none_of(ir.ops, [](const Op& op) { return op.quantization.has_value(); })) {
        return;
    }
    Products(ir).run();
    remove_dead(ir);
}

} // namespace tensorvk::compiler
