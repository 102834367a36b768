// cpu/matrix: a matrix product through oneDNN, in float32; a second factor of float16 is widened. The step is that of matrix/generic.
#include <array>
#include <memory>
#include <vector>

#include "kernels/cpu/workers.hpp"
#include "kernels/onednn/catalogue.hpp"
#include "kernels/onednn/onednn.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

using Dims = dnnl::memory::dims;
constexpr std::size_t kBatchAxes = 6;

struct Factor {
    Dims dims, strides;
    [[nodiscard]] std::int64_t reach() const {
        std::int64_t last = 0;
        for (std::size_t axis = 0; axis < dims.size(); ++axis) last = checked_add(last, checked_mul(dims[axis] - 1, strides[axis]));
        return last + 1;
    }
    [[nodiscard]] dnnl::memory::desc desc() const { return strided(dims, strides); }
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

dnnl::memory::desc row_vector(std::size_t rank, std::int64_t n) {
    Dims dims(rank, 1), strides(rank, n);
    dims.back() = n;
    strides.back() = 1;
    return strided(dims, strides);
}

//! The second factor as floats, and what widens it in each run where it does not stay.
struct SecondFactor {
    const float* data = nullptr;
    std::shared_ptr<std::vector<float>> wide; // of float16
    Run widen;
};

SecondFactor second_factor(const Launch& launch, std::int64_t elements) {
    constexpr std::int32_t kFactorHalf = 4; // of G(0)
    if ((launch.geometry(0) & kFactorHalf) == 0) return {launch.buffer<const float>(1, elements), nullptr, {}};
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

} // namespace

Run prepare_matrix(const Launch& launch) {
    const std::int64_t count = launch.param(0), n = launch.param(2);
    auto* c = launch.buffer<float>(3, count);
    if (count == 0) return [] {};
    const PointwiseProgram program = launch.program(PointwiseProgram::kMaxOperands);
    const bool biased = launch.param(26) != 0;
    const auto* bias = biased ? launch.buffer<const float>(2, n) : nullptr;
    const std::vector<EpilogueOperand> operands = epilogue_operands(launch, program, count, n);
    const Finish to{c, c, Word::kF32, count / n, n, 1};
    if (launch.param(3) == 0) return then(empty_sums(c, to, bias), finish(program, operands, to));
    const Problem p = problem_of(launch);
    const auto* a = launch.buffer<const float>(0, p.a.reach());
    const SecondFactor factor = second_factor(launch, p.b.reach());
    const float* b = factor.data;
    if (p.c.reach() > count) throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is larger than its result: rebuild the plan."));
    const dnnl::memory::desc a_desc = p.a.desc(), given = p.b.desc(), c_desc = p.c.desc();
    std::vector<dnnl::memory::desc> descs;
    for (const EpilogueOperand& operand : operands) {
        descs.push_back(operand.lies == OperandLies::kSAME ? c_desc : row_vector(p.c.dims.size(), operand.lies == OperandLies::kPER_CHANNEL ? n : 1));
    }
    const std::optional<PostOps> fused = post_ops_of(program, descs);
    dnnl::primitive_attr attributes = our_attributes();
    if (fused) attributes.set_post_ops(fused->ops);
    const bool constant = launch.geometry(2) != 0;
    const dnnl::memory::desc b_desc = constant && p.b.dims.size() == 2 ? any_format(p.b.dims) : given;
    const dnnl::memory::desc bias_desc = row_vector(p.c.dims.size(), n);
    const dnnl::matmul::desc description = bias != nullptr ? dnnl::matmul::desc(a_desc, b_desc, bias_desc, c_desc) : dnnl::matmul::desc(a_desc, b_desc, c_desc);
    const dnnl::matmul::primitive_desc chosen(description, attributes, onednn_engine());
    std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, over(a_desc, a)},
                                                    {DNNL_ARG_WEIGHTS, packed(launch, given, b, chosen.weights_desc())},
                                                    {DNNL_ARG_DST, over(c_desc, c)}};
    if (bias != nullptr) arguments.emplace(DNNL_ARG_BIAS, over(bias_desc, bias));
    if (fused) {
        for (const PostOps::Operand& operand : fused->operands) arguments.emplace(operand.argument, over(descs[operand.index], operands[operand.index].data));
    }
    Run product = execution(dnnl::matmul(chosen), chosen.scratchpad_desc(), std::move(arguments));
    if (factor.widen) product = then(factor.widen, std::move(product));
    if (fused) return product;
    return then(std::move(product), finish(program, operands, to));
}

} // namespace tensorvk::kernels::cpu
