// cpu/quantized_convolution: of 8-bit integers, through oneDNN. The step is that of quantized/generic, but for the bias, which is bound as it
// is. What is promised there holds here: the sums are exact in int32, the pointwise program then computes in float32, operation by operation,
// so every device stores the same integers.
#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "kernels/cpu/scratch.hpp"
#include "kernels/cpu/workers.hpp"
#include "kernels/onednn/catalogue.hpp"
#include "kernels/onednn/convolution_problem.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

using dnnl::algorithm;
using Type = dnnl::memory::data_type;

struct Fused {
    dnnl::post_ops ops;
    struct Operand {
        int argument;
        dnnl::memory memory;
    };
    std::vector<Operand> operands;
};

struct Binary {
    PointwiseOp op;
    algorithm exact;
    bool commutes;
};
// Operations that round as the program does: one float32 operation each.
constexpr Binary kBinary[] = {
    {PointwiseOp::kADD, algorithm::binary_add, true},  {PointwiseOp::kSUB, algorithm::binary_sub, false}, {PointwiseOp::kMUL, algorithm::binary_mul, true},
    {PointwiseOp::kDIV, algorithm::binary_div, false}, {PointwiseOp::kMAX, algorithm::binary_max, true},  {PointwiseOp::kMIN, algorithm::binary_min, true},
    {PointwiseOp::kQUANTIZE, algorithm::binary_div, false},
};

//! Whether a byte's store, which cuts off, finds whole numbers: a quantization, and then nothing that makes parts of one.
bool ends_whole(const PointwiseProgram& program) {
    for (auto slot = program.slots.rbegin(); slot != program.slots.rend(); ++slot) {
        if (slot->op == PointwiseOp::kQUANTIZE) return true;
        const bool keeps = slot->op == PointwiseOp::kADD || slot->op == PointwiseOp::kSUB || slot->op == PointwiseOp::kMAX || slot->op == PointwiseOp::kMIN;
        const bool number = slot->a.kind == PointwiseArg::Kind::kIMMEDIATE || slot->b.kind == PointwiseArg::Kind::kIMMEDIATE;
        if (!keeps || !number || slot->immediate != std::trunc(slot->immediate)) return false;
    }
    return false;
}

//! The argument beside the result of the slot before; null where the slots are no chain.
const PointwiseArg* other_argument(const PointwiseSlot& slot, std::size_t index, bool commutes) {
    const PointwiseArg carried{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(index)};
    const PointwiseArg* other = slot.a == carried ? &slot.b : commutes && slot.b == carried ? &slot.a : nullptr;
    return other != nullptr && other->kind != PointwiseArg::Kind::kVALUE ? other : nullptr;
}

class PostOpChain {
public:
    PostOpChain(const ConvolutionProblem& problem, const std::vector<EpilogueOperand>& operands) : problem_(problem), operands_(operands) {}

    //! Nothing where the program is no chain of operations that oneDNN rounds as we do.
    [[nodiscard]] std::optional<Fused> of(const PointwiseProgram& program, Word y) {
        if (is_byte(y) && !ends_whole(program)) return std::nullopt;
        const std::size_t count = slots_before_bounds(program, y);
        for (std::size_t i = 0; i < count; ++i) {
            if (!add(program.slots[i], i)) return std::nullopt;
            // A byte's store rounds to the nearest too.
            const bool stored = is_byte(y) && i + 1 == count;
            if (program.slots[i].op == PointwiseOp::kQUANTIZE && !stored) fused_.ops.append_eltwise(1.0f, algorithm::eltwise_round, 0.0f, 0.0f);
        }
        return std::move(fused_);
    }

private:
    [[nodiscard]] bool add(const PointwiseSlot& slot, std::size_t index) {
        if (slot.op == PointwiseOp::kRELU && slot.a == PointwiseArg{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(index)}) {
            fused_.ops.append_eltwise(1.0f, algorithm::eltwise_relu, 0.0f, 0.0f);
            return true;
        }
        const auto* row = std::ranges::find(kBinary, slot.op, &Binary::op);
        if (row == std::end(kBinary)) return false;
        const PointwiseArg* other = other_argument(slot, index, row->commutes);
        if (other == nullptr) return false;
        if (other->kind == PointwiseArg::Kind::kIMMEDIATE) {
            dnnl::memory scalar(problem_.channel_desc(true), onednn_engine());
            *static_cast<float*>(scalar.get_data_handle()) = slot.immediate;
            return append(row->exact, problem_.channel_desc(true), std::move(scalar));
        }
        const EpilogueOperand& operand = operands_[other->index];
        if (operand.type != Word::kF32) return false;
        const dnnl::memory::desc desc = operand.lies == OperandLies::kSAME ? problem_.y_desc() : problem_.channel_desc(operand.lies != OperandLies::kPER_CHANNEL);
        return append(row->exact, desc, over(desc, operand.data));
    }
    bool append(algorithm operation, const dnnl::memory::desc& desc, dnnl::memory memory) {
        fused_.operands.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(fused_.ops.len()) | DNNL_ARG_SRC_1, std::move(memory)});
        fused_.ops.append_binary(operation, desc);
        return true;
    }

    const ConvolutionProblem& problem_;
    const std::vector<EpilogueOperand>& operands_;
    Fused fused_;
};

Type onednn_type(Word type) { return type == Word::kU8 ? Type::u8 : type == Word::kI8 ? Type::s8 : Type::f32; }

struct Quantized {
    Word y_type = Word::kF32, x_type = Word::kU8, weights_type = Word::kI8;
    std::int32_t x_zero = 0;
    std::uint32_t operand_types = 0;
};

Quantized quantized_of(const Launch& launch) {
    const auto types = static_cast<std::uint32_t>(launch.geometry(0));
    const auto word = [&](int shift) { return static_cast<Word>(types >> shift & 15); };
    Quantized q{word(0), word(4), word(8), static_cast<std::int32_t>(launch.param(24)), types >> 12};
    if (static_cast<int>(q.y_type) >= kWordTypes || !is_byte(q.x_type) || q.weights_type != Word::kI8 || launch.param(25) != 0) {
        throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is a product of types that its kernel does not take: rebuild the plan."));
    }
    return q;
}

template <typename Forward>
typename Forward::primitive_desc choose(const ConvolutionProblem& p, const Quantized& q, algorithm how, Type y, const dnnl::post_ops* ops) {
    dnnl::primitive_attr attributes = our_attributes();
    if (ops != nullptr) attributes.set_post_ops(*ops);
    if (q.x_zero != 0) attributes.set_zero_points(DNNL_ARG_SRC, 0, {q.x_zero});
    const typename Forward::desc description(dnnl::prop_kind::forward_inference, how, p.x_desc(onednn_type(q.x_type)),
                                             any_format(p.weights_desc().dims(), Type::s8), p.y_desc(y), p.strides(), p.dilates(), p.padding(),
                                             p.post_padding());
    return {description, attributes, onednn_engine()};
}

//! In integers: sum and bias together may be more than float32 holds exactly; the sums alone are not (the tactic sees to it).
void add_bias(float* sums, const Finish& to, std::span<const std::int32_t> bias) {
    spread(to.outer, 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t row = first * to.channels; row < last * to.channels; ++row) {
            const auto addend = static_cast<std::uint32_t>(bias[static_cast<std::size_t>(row % to.channels)]);
            for (std::int64_t i = row * to.inner; i < (row + 1) * to.inner; ++i) {
                sums[i] = static_cast<float>(static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::int32_t>(sums[i])) + addend));
            }
        }
    });
}

template <typename Forward>
Run prepare(const Launch& launch, const ConvolutionProblem& p, algorithm how) {
    const Quantized q = quantized_of(launch);
    const std::int64_t count = p.y_elements();
    const auto* x = launch.buffer<const std::byte>(0, p.x_elements());
    const auto* weights = launch.buffer<const std::byte>(1, p.weight_elements());
    const bool biased = launch.geometry(3) != 0;
    const std::span<const std::int32_t> bias(biased ? launch.buffer<const std::int32_t>(2, p.out_channels) : nullptr,
                                             biased ? static_cast<std::size_t>(p.out_channels) : 0);
    auto* y = launch.buffer<std::byte>(3, checked_mul(count, bytes_of(q.y_type)));
    const PointwiseProgram program = launch.program(PointwiseProgram::kMaxOperands);
    const std::vector<EpilogueOperand> operands = epilogue_operands(launch, program, count, p.out_channels, q.operand_types);

    Finish to{y, q.y_type, p.y_last ? p.batch * p.positions() : p.batch, p.out_channels, p.y_last ? 1 : p.positions()};
    if (p.x_elements() == 0) {
        return [finisher = Finisher(program, operands, to), to, count, bias] {
            const Scratch sums(scratch_bytes<float>(count));
            std::fill_n(sums.data<float>(), count, 0.0f);
            if (!bias.empty()) add_bias(sums.data<float>(), to, bias);
            finisher(sums.data<float>());
        };
    }

    std::optional<Fused> fused;
    if (!biased && (is_byte(q.y_type) || q.y_type == Word::kF32)) fused = PostOpChain(p, operands).of(program, q.y_type);
    const bool in_place = fused || q.y_type == Word::kF32;
    const Type sums = fused ? onednn_type(q.y_type) : Type::f32;
    const auto chosen = choose<Forward>(p, q, how, sums, fused ? &fused->ops : nullptr);
    const dnnl::memory::desc given = p.weights_desc(Type::s8);
    const bool constant = launch.geometry(2) != 0;
    const dnnl::memory ready = constant ? packed(launch, given, weights, chosen.weights_desc()) : dnnl::memory(chosen.weights_desc(), onednn_engine());
    dnnl::memory target = over(p.y_desc(sums), in_place ? y : nullptr);
    std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, over(p.x_desc(onednn_type(q.x_type)), x)},
                                                    {DNNL_ARG_WEIGHTS, ready},
                                                    {DNNL_ARG_DST, target}};
    if (q.x_zero != 0) {
        dnnl::memory zero(strided({1}, {1}, Type::s32), onednn_engine());
        *static_cast<std::int32_t*>(zero.get_data_handle()) = q.x_zero;
        arguments.emplace(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, std::move(zero));
    }
    if (fused) {
        for (const Fused::Operand& operand : fused->operands) arguments.emplace(operand.argument, operand.memory);
    }
    Run product = execution(Forward(chosen), chosen.scratchpad_desc(), std::move(arguments));
    if (!constant) {
        dnnl::memory source = over(given, weights);
        const dnnl::reorder::primitive_desc packing(source, ready, our_attributes());
        Run pack = execution(dnnl::reorder(packing), packing.scratchpad_desc(), {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, ready}});
        product = then(std::move(pack), std::move(product));
    }
    if (fused) return product;
    return [product = std::move(product), target, finisher = Finisher(program, operands, to), to, count, in_place, bias]() mutable {
        const Scratch memory(in_place ? 0 : scratch_bytes<float>(count));
        auto* to_store = in_place ? static_cast<float*>(to.y) : memory.data<float>();
        target.set_data_handle(to_store);
        product();
        if (!bias.empty()) add_bias(to_store, to, bias);
        finisher(to_store);
    };
}

} // namespace

Run prepare_quantized_convolution(const Launch& launch) {
    if (launch.param(0) == 0) return [] {};
    return prepare<dnnl::convolution_forward>(launch, convolution_problem(launch, false), algorithm::convolution_direct);
}

Run prepare_quantized_deconvolution(const Launch& launch) {
    if (launch.param(0) == 0) return [] {};
    return prepare<dnnl::deconvolution_forward>(launch, convolution_problem(launch, true), algorithm::deconvolution_direct);
}

} // namespace tensorvk::kernels::cpu
