#include "kernels/onednn/onednn.hpp"

#include <algorithm>
#include <cstdlib>

#include "kernels/cpu/workers.hpp"
#include "kernels/onednn/stages.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

using dnnl::algorithm;

//! The slot's argument that is the result of what came before; null where there is not exactly one.
const PointwiseArg* carried(const PointwiseSlot& slot, std::size_t index) {
    const PointwiseArg* found = nullptr;
    int count = 0;
    const PointwiseArg* arguments[] = {&slot.a, &slot.b, &slot.c};
    for (int i = 0; i < arity(slot.op); ++i) {
        if (arguments[i]->kind == PointwiseArg::Kind::kVALUE) {
            ++count;
            found = arguments[i]->index == index ? arguments[i] : nullptr;
        }
    }
    return count == 1 ? found : nullptr;
}

struct Unary {
    PointwiseOp op;
    algorithm eltwise;
};
constexpr Unary kUnary[] = {
    {PointwiseOp::kRELU, algorithm::eltwise_relu},       {PointwiseOp::kSIGMOID, algorithm::eltwise_logistic},
    {PointwiseOp::kTANH, algorithm::eltwise_tanh},       {PointwiseOp::kABS, algorithm::eltwise_abs},
    {PointwiseOp::kSQRT, algorithm::eltwise_sqrt},       {PointwiseOp::kGELU_ERF, algorithm::eltwise_gelu_erf},
    {PointwiseOp::kGELU_TANH, algorithm::eltwise_gelu_tanh},
};

struct Binary {
    PointwiseOp op;
    algorithm binary;
    bool commutes;
};
constexpr Binary kBinary[] = {
    {PointwiseOp::kADD, algorithm::binary_add, true}, {PointwiseOp::kSUB, algorithm::binary_sub, false}, {PointwiseOp::kMUL, algorithm::binary_mul, true},
    {PointwiseOp::kDIV, algorithm::binary_div, false}, {PointwiseOp::kMAX, algorithm::binary_max, true}, {PointwiseOp::kMIN, algorithm::binary_min, true},
};

constexpr float kMost = 3.402823466e+38f;

struct PostOp {
    algorithm kind = algorithm::undef;
    float alpha = 0.0f, beta = 0.0f;
    std::optional<std::size_t> operand; // of a binary operation
};

//! A slot of two arguments of which one is an immediate.
std::optional<PostOp> with_immediate(const PointwiseSlot& slot, bool value_first) {
    const float number = slot.immediate;
    switch (slot.op) {
    case PointwiseOp::kADD: return PostOp{algorithm::eltwise_linear, 1.0f, number, {}};
    case PointwiseOp::kSUB: return PostOp{algorithm::eltwise_linear, value_first ? 1.0f : -1.0f, value_first ? -number : number, {}};
    case PointwiseOp::kMUL: return PostOp{algorithm::eltwise_linear, number, 0.0f, {}};
    case PointwiseOp::kMAX: return PostOp{algorithm::eltwise_clip, number, kMost, {}};
    case PointwiseOp::kMIN: return PostOp{algorithm::eltwise_clip, -kMost, number, {}};
    case PointwiseOp::kLEAKY_RELU: return value_first ? std::optional(PostOp{algorithm::eltwise_relu, number, 0.0f, {}}) : std::nullopt;
    case PointwiseOp::kELU: return value_first ? std::optional(PostOp{algorithm::eltwise_elu, number, 0.0f, {}}) : std::nullopt;
    default: return std::nullopt;
    }
}

std::optional<PostOp> post_op_of(const PointwiseSlot& slot, std::size_t index) {
    const PointwiseArg* value = carried(slot, index);
    if (value == nullptr) return std::nullopt;
    const auto unary = std::ranges::find(kUnary, slot.op, &Unary::op);
    if (unary != std::end(kUnary)) return PostOp{unary->eltwise, 0.0f, 0.0f, {}};
    if (arity(slot.op) != 2) return std::nullopt;
    const bool value_first = value == &slot.a;
    const PointwiseArg& other = value_first ? slot.b : slot.a;
    if (other.kind == PointwiseArg::Kind::kIMMEDIATE) return with_immediate(slot, value_first);
    const auto binary = std::ranges::find(kBinary, slot.op, &Binary::op);
    if (binary == std::end(kBinary) || !(value_first || binary->commutes)) return std::nullopt;
    return PostOp{binary->binary, 0.0f, 0.0f, other.index};
}

//! Two bounds, or two factors with addends, become one.
bool merge(PostOp& first, const PostOp& second) {
    if (first.kind != second.kind) return false;
    if (first.kind == algorithm::eltwise_linear) {
        first.beta = first.beta * second.alpha + second.beta;
        first.alpha *= second.alpha;
        return true;
    }
    if (first.kind == algorithm::eltwise_clip) {
        first.alpha = std::min(std::max(first.alpha, second.alpha), second.beta);
        first.beta = std::max(std::min(first.beta, second.beta), second.alpha);
        return true;
    }
    return false;
}

//! x * sigmoid(x), which is no chain.
bool is_swish(const PointwiseProgram& program) {
    const PointwiseArg first{PointwiseArg::Kind::kVALUE, 0}, second{PointwiseArg::Kind::kVALUE, 1};
    if (program.slots.size() != 2 || program.slots[0].op != PointwiseOp::kSIGMOID || program.slots[1].op != PointwiseOp::kMUL) return false;
    const PointwiseSlot& product = program.slots[1];
    return (product.a == first && product.b == second) || (product.a == second && product.b == first);
}

} // namespace

dnnl::engine& onednn_engine() {
    static auto* engine = [] {
        // Otherwise it searches for VTune's library in every folder of the linker, before its first kernel.
        if (std::getenv("DNNL_JIT_PROFILE") == nullptr) (void)dnnl_set_jit_profiling_flags(DNNL_JIT_PROFILE_NONE);
        return new dnnl::engine(dnnl::engine::kind::cpu, 0); // kernels may run while the process ends
    }();
    return *engine;
}

dnnl::stream& onednn_stream() {
    static thread_local dnnl::stream stream(onednn_engine());
    return stream;
}

dnnl::memory::desc strided(const dnnl::memory::dims& dims, const dnnl::memory::dims& strides, dnnl::memory::data_type type) { return {dims, type, strides}; }

dnnl::memory::desc strided_matrix(const dnnl::memory::dims& dims, dnnl::memory::dims strides, dnnl::memory::data_type type) {
    const std::size_t row = dims.size() - 2, column = dims.size() - 1;
    if (dims[column] == 1) strides[column] = 1;
    if (dims[row] == 1) strides[row] = strides[column] == 1 ? dims[column] : 1;
    return strided(dims, strides, type);
}

dnnl::memory::desc any_format(const dnnl::memory::dims& dims, dnnl::memory::data_type type) { return {dims, type, dnnl::memory::format_tag::any}; }

dnnl::memory over(const dnnl::memory::desc& desc, const void* data) { return {desc, onednn_engine(), const_cast<void*>(data)}; }

FloatTypes float_types(const Launch& launch, bool bfloat) {
    if (!bfloat) return {};
    const auto bits = static_cast<std::uint32_t>(launch.geometry(0));
    const auto type = [&](std::uint32_t bit) { return (bits >> bit & 1) != 0 ? Word::kBF16 : Word::kF32; };
    FloatTypes out{type(0), type(1), type(2), 0};
    for (std::uint32_t k = 0; k < PointwiseProgram::kMaxOperands; ++k) out.operands |= static_cast<std::uint32_t>(type(4 + k)) << (4 * k);
    return out;
}

bool is_reference(const dnnl::primitive_desc_base& chosen) { return std::string_view(chosen.impl_info_str()).starts_with("ref"); }

std::optional<PostOps> post_ops_of(const PointwiseProgram& program, const std::vector<dnnl::memory::desc>& operands) {
    PostOps out;
    if (is_swish(program)) {
        out.ops.append_eltwise(1.0f, algorithm::eltwise_swish, 1.0f, 0.0f);
        return out;
    }
    std::vector<PostOp> list;
    for (std::size_t i = 0; i < program.slots.size(); ++i) {
        const std::optional<PostOp> next = post_op_of(program.slots[i], i);
        if (!next) return std::nullopt;
        if (list.empty() || !merge(list.back(), *next)) list.push_back(*next);
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
        // oneDNN 2.6 mixes up the constants of two element-wise operations of one kind.
        const bool again = !list[i].operand && std::any_of(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(i), [&](const PostOp& op) { return op.kind == list[i].kind; });
        if (again) return std::nullopt;
    }
    for (const PostOp& op : list) {
        if (op.operand) {
            out.operands.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(out.ops.len()) | DNNL_ARG_SRC_1, *op.operand});
            out.ops.append_binary(op.kind, operands.at(*op.operand));
        } else {
            out.ops.append_eltwise(1.0f, op.kind, op.alpha, op.beta);
        }
    }
    return out;
}

std::vector<EpilogueOperand> epilogue_operands(const Launch& launch, const PointwiseProgram& program, std::int64_t count, std::int64_t channels,
                                               std::uint32_t types) {
    constexpr std::size_t kFirstBinding = 4;
    std::vector<EpilogueOperand> out(PointwiseProgram::kMaxOperands);
    const auto modes = static_cast<std::uint32_t>(launch.geometry(1));
    for (const PointwiseSlot& slot : program.slots) {
        for (const PointwiseArg& arg : {slot.a, slot.b, slot.c}) {
            if (arg.kind != PointwiseArg::Kind::kOPERAND) continue;
            EpilogueOperand& operand = out[arg.index];
            operand.lies = static_cast<OperandLies>(modes >> (8 * arg.index + 6) & 3);
            if (operand.lies == OperandLies::kGENERAL) {
                throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan has an operand that its kernel does not take: rebuild the plan."));
            }
            const std::int64_t elements = operand.lies == OperandLies::kSAME ? count : operand.lies == OperandLies::kPER_CHANNEL ? channels : 1;
            const std::uint32_t type = types >> (4 * arg.index) & 15;
            if (type >= kWordTypes) throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan has an operand of type number ", type, ": rebuild the plan."));
            operand.type = static_cast<Word>(type);
            operand.data = launch.buffer<const std::byte>(kFirstBinding + arg.index, checked_mul(elements, bytes_of(operand.type)));
        }
    }
    return out;
}

Finisher::Finisher(const PointwiseProgram& program, const std::vector<EpilogueOperand>& operands, const Finish& to) : to_(to) {
    std::vector<Epilogue::Operand> found;
    for (std::size_t k = 0; k < operands.size(); ++k) {
        const EpilogueOperand& operand = operands[k];
        if (operand.data == nullptr) continue; // not read by the program
        found.push_back({k, static_cast<Epilogue::Lies>(operand.lies), operand.type, static_cast<const std::byte*>(operand.data), {}});
    }
    const Epilogue::Output output{{to.outer, to.channels, to.inner}, 1, to.type};
    epilogue_ = std::make_shared<const Epilogue>(program, output, std::move(found), to.y);
}

void Finisher::operator()(const float* sums) const {
    constexpr std::int64_t kGrain = 1 << 13; // elements worth a thread
    const bool last = to_.inner == 1;
    const std::int64_t rows = last ? to_.outer : to_.outer * to_.channels, each = last ? to_.channels : to_.inner;
    if (rows == 0 || each == 0) return;
    spread(rows, std::max<std::int64_t>(kGrain / each, 1), [&](std::int64_t first, std::int64_t end) {
        if (last) {
            epilogue_->along_channels(sums + first * each, first * each, (end - first) * each, 0);
            return;
        }
        for (std::int64_t row = first; row < end; ++row) epilogue_->along_places(sums + row * each, row * each, 1, each, row % to_.channels);
    });
}

Run empty_sums(float* sums, const Finish& to, const float* bias) {
    return [=] {
        for (std::int64_t row = 0; row < to.outer * to.channels; ++row) {
            std::fill_n(sums + row * to.inner, to.inner, bias != nullptr ? bias[row % to.channels] : 0.0f);
        }
    };
}

dnnl::primitive_attr our_attributes() {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return attributes;
}

Run execution(dnnl::primitive primitive, const dnnl::memory::desc& scratchpad, std::unordered_map<int, dnnl::memory> arguments) {
    Stages one;
    one.add(std::move(primitive), scratchpad, std::move(arguments));
    return one.take();
}

namespace {

struct Packed {
    std::vector<std::pair<dnnl::memory::desc, dnnl::memory>> forms;
    std::mutex mutex;
};

//! `fill` writes the memory where this form is not there yet.
dnnl::memory packed_once(const Launch& launch, const dnnl::memory::desc& wanted, const std::function<void(dnnl::memory&)>& fill) {
    const auto keep = launch.keep().get<Packed>("weights", [] { return new Packed; });
    const std::lock_guard lock(keep->mutex);
    for (const auto& [desc, memory] : keep->forms) {
        if (desc == wanted) return memory;
    }
    dnnl::memory memory(wanted, onednn_engine());
    fill(memory);
    onednn_stream().wait();
    keep->forms.emplace_back(wanted, memory);
    return memory;
}

void pack(const dnnl::memory::desc& given, const void* data, dnnl::memory& target) {
    Stages packing;
    packing.copy(over(given, data), target);
    packing.take()();
}

} // namespace

dnnl::memory packed(const Launch& launch, const dnnl::memory::desc& given, const void* data, const dnnl::memory::desc& wanted) {
    if (given == wanted) return over(given, data);
    return packed_once(launch, wanted, [&](dnnl::memory& target) { pack(given, data, target); });
}

dnnl::memory packed(const Launch& launch, const dnnl::memory::desc& given, const std::function<std::vector<float>()>& make, const dnnl::memory::desc& wanted) {
    return packed_once(launch, wanted, [&](dnnl::memory& target) { pack(given, make().data(), target); });
}

} // namespace tensorvk::kernels::cpu
