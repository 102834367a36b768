// cpu/matrix: a matrix product through oneDNN, in float32, where a second factor of float16 is widened, or of bfloat16 with sums of
// float32. The step is that of matrix/generic.
#include <array>
#include <memory>
#include <vector>

#include "kernels/cpu/constant_factor.hpp"
#include "kernels/cpu/workers.hpp"
#include "kernels/onednn/catalogue.hpp"
#include "kernels/onednn/onednn.hpp"
#include "kernels/onednn/stages.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

using Dims = dnnl::memory::dims;
using Type = dnnl::memory::data_type;
constexpr std::size_t kBatchAxes = 6;

struct Factor {
    Dims dims, strides;
    [[nodiscard]] std::int64_t reach() const {
        std::int64_t last = 0;
        for (std::size_t axis = 0; axis < dims.size(); ++axis) last = checked_add(last, checked_mul(dims[axis] - 1, strides[axis]));
        return last + 1;
    }
    [[nodiscard]] dnnl::memory::desc desc(Type type = Type::f32) const { return strided_matrix(dims, strides, type); }
};

struct Problem {
    Factor a, b, c;
};

//! An axis along which a factor repeats has extent 1 there.
void add_axis(Factor& factor, std::int64_t extent, std::int64_t stride) {
    factor.dims.push_back(stride == 0 ? 1 : extent);
    factor.strides.push_back(stride == 0 ? 1 : stride);
}

//! Leading axes that both factors cross in one stride, or repeat together, are one; what is left of them goes to oneDNN.
Problem problem_of(const Launch& launch) {
    const std::int64_t m = launch.param(1), n = launch.param(2), k = launch.param(3);
    Problem p;
    std::int64_t c_stride = checked_mul(m, n);
    std::vector<std::array<std::int64_t, 4>> axes; // extent, strides of a, b and c; fastest first
    for (std::size_t i = kBatchAxes; i-- > 0;) {
        const std::int64_t extent = launch.param(8 + i), a = launch.param(14 + i), b = launch.param(20 + i);
        if (extent < 1 || a < 0 || b < 0) throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is a product with impossible strides: rebuild the plan."));
        if (extent == 1) continue;
        if (!axes.empty() && a == axes.back()[1] * axes.back()[0] && b == axes.back()[2] * axes.back()[0]) {
            axes.back()[0] *= extent;
        } else {
            axes.push_back({extent, a, b, c_stride});
        }
        c_stride = checked_mul(c_stride, extent);
    }
    std::int64_t rows = m;
    const std::int64_t a_row = launch.param(4), a_column = launch.param(5), b_row = launch.param(6), b_column = launch.param(7);
    // Rows of all matrices are one matrix where only `a` has several: a layer of a network on a batch.
    if (axes.size() == 1 && axes[0][2] == 0 && axes[0][1] == m * a_row) {
        rows = checked_mul(m, axes[0][0]);
        axes.clear();
    }
    for (std::size_t i = axes.size(); i-- > 0;) {
        add_axis(p.a, axes[i][0], axes[i][1]);
        add_axis(p.b, axes[i][0], axes[i][2]);
        add_axis(p.c, axes[i][0], axes[i][3]);
    }
    for (const auto& [factor, extents, strides] : {std::tuple{&p.a, std::array{rows, k}, std::array{a_row, a_column}},
                                                   std::tuple{&p.b, std::array{k, n}, std::array{b_row, b_column}},
                                                   std::tuple{&p.c, std::array{rows, n}, std::array{n, std::int64_t{1}}}}) {
        factor->dims.insert(factor->dims.end(), extents.begin(), extents.end());
        factor->strides.insert(factor->strides.end(), strides.begin(), strides.end());
    }
    return p;
}

dnnl::memory::desc row_vector(std::size_t rank, std::int64_t n, Type type = Type::f32) {
    Dims dims(rank, 1), strides(rank, n);
    dims.back() = n;
    strides.back() = 1;
    return strided(dims, strides, type);
}

//! The second factor as oneDNN reads it, and what widens it in each run where it is float16 and does not stay.
struct SecondFactor {
    const void* data = nullptr;
    std::shared_ptr<std::vector<float>> wide; // of float16
    Run widen;
};

SecondFactor second_factor(const Launch& launch, std::int64_t elements, const FloatTypes& types) {
    constexpr std::int32_t kFactorHalf = 4; // of G(0)
    if (types.factor == Word::kBF16 || (launch.geometry(0) & kFactorHalf) == 0) {
        return {launch.buffer<const std::byte>(1, checked_mul(elements, bytes_of(types.factor))), nullptr, {}};
    }
    const auto* halves = launch.buffer<const std::uint16_t>(1, elements);
    const auto widen = [halves](std::vector<float>& to) {
        constexpr std::int64_t kPart = 1 << 14;
        spread(static_cast<std::int64_t>(to.size()), kPart, [&](std::int64_t first, std::int64_t last) {
            for (; first < last; first += kPart) {
                chunks<float>().load(Word::kF16, halves + first, 1, static_cast<int>(std::min(kPart, last - first)), to.data() + first);
            }
        });
    };
    const auto make = [=] { return new std::vector<float>(static_cast<std::size_t>(elements)); };
    SecondFactor out;
    if (launch.geometry(2) != 0) {
        out.wide = launch.keep().get<std::vector<float>>(text("floats:", elements), [&] {
            std::unique_ptr<std::vector<float>> made(make());
            widen(*made);
            return made.release();
        });
    } else {
        out.wide.reset(make());
        out.widen = [wide = out.wide, widen] { widen(*wide); };
    }
    out.data = out.wide->data();
    return out;
}

//! What follows the sums.
struct Rest {
    PointwiseProgram program;
    std::vector<EpilogueOperand> operands;
    std::vector<dnnl::memory::desc> descs; // of the operands
    Finish to;

    [[nodiscard]] Run after(Run product, const dnnl::memory& sums) const {
        return then(std::move(product), [finisher = Finisher(program, operands, to), sums] { finisher(static_cast<const float*>(sums.get_data_handle())); });
    }
    [[nodiscard]] Run empty(const float* bias) const {
        auto sums = std::make_shared<std::vector<float>>(static_cast<std::size_t>(to.outer * to.channels));
        return then(empty_sums(sums->data(), to, bias), [finisher = Finisher(program, operands, to), sums] { finisher(sums->data()); });
    }
};

Rest rest_of(const Launch& launch, const Problem& p, std::byte* c, const FloatTypes& types) {
    const std::int64_t count = launch.param(0), n = launch.param(2);
    Rest rest{launch.program(PointwiseProgram::kMaxOperands), {}, {}, {c, types.y, count / n, n, 1}};
    rest.operands = epilogue_operands(launch, rest.program, count, n, types.operands);
    for (const EpilogueOperand& operand : rest.operands) {
        const Type type = data_type(operand.type);
        rest.descs.push_back(operand.lies == OperandLies::kSAME ? p.c.desc(type) : row_vector(p.c.dims.size(), operand.lies == OperandLies::kPER_CHANNEL ? n : 1, type));
    }
    return rest;
}

//! The product's factors and result, as oneDNN is asked for them.
struct Asked {
    dnnl::memory::desc a, b, c;
};

dnnl::matmul::primitive_desc choose(const Asked& asked, bool biased, const PostOps* fused) {
    dnnl::primitive_attr attributes = our_attributes();
    if (fused != nullptr) attributes.set_post_ops(fused->ops);
    const dnnl::memory::desc bias = row_vector(asked.c.dims().size(), asked.c.dims().back());
    const dnnl::matmul::desc description = biased ? dnnl::matmul::desc(asked.a, asked.b, bias, asked.c) : dnnl::matmul::desc(asked.a, asked.b, asked.c);
    constexpr bool kMayBeNone = true;
    return {description, attributes, onednn_engine(), kMayBeNone};
}

//! The first of `all` that oneDNN is quick with, else the last that it takes. Without the program, which `fused` is empty for then, the result is
//! `sums`: nobody has rounded those.
dnnl::matmul::primitive_desc first_of(const std::vector<Asked>& all, const dnnl::memory::desc& sums, bool biased, std::optional<PostOps>& fused) {
    dnnl::matmul::primitive_desc slow;
    std::optional<PostOps> slow_fused;
    for (const Asked& asked : all) {
        for (const bool with : {true, false}) {
            if (with && !fused) continue;
            auto chosen = choose({asked.a, asked.b, with ? asked.c : sums}, biased, with ? &*fused : nullptr);
            if (!chosen) continue;
            if (!is_reference(chosen)) {
                if (!with) fused.reset();
                return chosen;
            }
            slow = chosen;
            slow_fused = with ? fused : std::nullopt;
        }
    }
    fused = slow_fused;
    return slow;
}

//! Whether a copy of a constant factor of one matrix is kept in the order that the product likes.
bool keeps_copy(const Launch& launch, const Problem& p, const dnnl::memory::desc& factor) {
    return factor.dims().size() == 2 &&
           is_worth_packing(p.a.dims[p.a.dims.size() - 2], launch.param(2), factor.data.format_desc.blocking.strides[1], static_cast<std::int64_t>(factor.get_size()));
}

Run prepare(const Launch& launch, bool bfloat) {
    const std::int64_t count = launch.param(0), n = launch.param(2);
    const FloatTypes types = float_types(launch, bfloat);
    auto* c = launch.buffer<std::byte>(3, checked_mul(count, bytes_of(types.y)));
    if (count == 0) return [] {};
    const auto* bias = launch.param(26) != 0 ? launch.buffer<const float>(2, n) : nullptr;
    const bool nothing = launch.param(3) == 0;
    const Problem p = problem_of(launch);
    const Rest rest = rest_of(launch, p, c, types);
    if (nothing) return rest.empty(bias);
    const auto* a = launch.buffer<const std::byte>(0, checked_mul(p.a.reach(), bytes_of(types.x)));
    const SecondFactor factor = second_factor(launch, p.b.reach(), types);
    if (p.c.reach() > count) throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is larger than its result: rebuild the plan."));

    const Type type = data_type(types.x), b_type = data_type(types.factor);
    const dnnl::memory::desc a_desc = p.a.desc(type), given = p.b.desc(b_type), c_desc = p.c.desc(data_type(types.y)), sums_desc = p.c.desc();
    const bool constant = launch.geometry(2) != 0;
    const bool any_order = b_type != type || (constant && keeps_copy(launch, p, given));
    std::vector<Asked> asked{{a_desc, any_order ? any_format(p.b.dims, type) : given, c_desc}};
    if (bfloat) asked.push_back({any_format(p.a.dims, type), any_format(p.b.dims, type), c_desc});
    std::optional<PostOps> fused = post_ops_of(rest.program, rest.descs);
    const dnnl::matmul::primitive_desc chosen = first_of(asked, sums_desc, bias != nullptr, fused);
    if (!chosen) throw Unsupported(text("Layer '", launch.layer(), "' is a product that oneDNN does not take. Build the plan without the tactic source HOST."));

    Stages stages;
    const bool in_output = fused.has_value() || types.y == Word::kF32;
    const dnnl::memory result = in_output ? over(chosen.dst_desc(), c) : stages.temporary(sums_desc);
    std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, stages.reordered(over(a_desc, a), chosen.src_desc())}, {DNNL_ARG_DST, result}};
    arguments.emplace(DNNL_ARG_WEIGHTS, constant ? packed(launch, given, factor.data, chosen.weights_desc()) : stages.reordered(over(given, factor.data), chosen.weights_desc()));
    if (bias != nullptr) arguments.emplace(DNNL_ARG_BIAS, over(row_vector(p.c.dims.size(), n), bias));
    if (fused) {
        for (const PostOps::Operand& operand : fused->operands) arguments.emplace(operand.argument, over(rest.descs[operand.index], rest.operands[operand.index].data));
    }
    stages.add(dnnl::matmul(chosen), chosen.scratchpad_desc(), std::move(arguments));
    Run product = factor.widen ? then(factor.widen, stages.take()) : stages.take();
    return fused ? product : rest.after(std::move(product), result);
}

} // namespace

Run prepare_matrix(const Launch& launch) { return prepare(launch, false); }
Run prepare_matrix_bf16(const Launch& launch) { return prepare(launch, true); }

} // namespace tensorvk::kernels::cpu
