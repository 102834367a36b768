// cpu/convolution, forward and transposed, and cpu/winograd: through oneDNN, in float32. The step is that of convolution/generic (its parameters, constants and
// bindings), so one lowering serves both carriers.
#include <algorithm>

#include "kernels/onednn/catalogue.hpp"
#include "kernels/onednn/convolution_problem.hpp"
#include "kernels/onednn/stages.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

using Problem = ConvolutionProblem;

std::vector<dnnl::memory::desc> operand_descs(const Problem& p, const std::vector<EpilogueOperand>& operands) {
    std::vector<dnnl::memory::desc> out;
    for (const EpilogueOperand& operand : operands) {
        out.push_back(operand.lies == OperandLies::kSAME ? p.y_desc() : p.channel_desc(operand.lies != OperandLies::kPER_CHANNEL));
    }
    return out;
}

//! How oneDNN is asked for the product.
struct Asked {
    dnnl::algorithm algorithm;
    bool own_order = false; // of both tensors; else their channels are last
};

template <typename Forward>
typename Forward::primitive_desc choose(const Problem& p, const Asked& asked, const dnnl::memory::desc& weights, bool biased, const PostOps* fused) {
    dnnl::primitive_attr attributes = our_attributes();
    if (fused != nullptr) attributes.set_post_ops(fused->ops);
    const dnnl::memory::desc x = asked.own_order ? any_format(p.x_desc().dims()) : p.x_desc(), y = asked.own_order ? any_format(p.y_desc().dims()) : p.y_desc();
    constexpr dnnl::prop_kind kInference = dnnl::prop_kind::forward_inference;
    const typename Forward::desc description =
        biased ? typename Forward::desc(kInference, asked.algorithm, x, weights, strided({p.out_channels}, {1}), y, p.strides(), p.dilates(), p.padding(), p.post_padding())
               : typename Forward::desc(kInference, asked.algorithm, x, weights, y, p.strides(), p.dilates(), p.padding(), p.post_padding());
    constexpr bool kMayBeNone = true;
    return {description, attributes, onednn_engine(), kMayBeNone};
}

template <typename Forward>
Run prepare(const Launch& launch, const Problem& given_problem, std::initializer_list<Asked> all_asked) {
    // oneDNN is quick where both tensors have their channels last, and takes its reference where only one has.
    Problem p = given_problem;
    p.x_last = p.y_last = true;
    const auto* x = launch.buffer<const float>(0, p.x_elements());
    const auto* weights = launch.buffer<const float>(1, p.weight_elements());
    const bool biased = launch.param(24) != 0;
    const auto* bias = biased ? launch.buffer<const float>(2, p.out_channels) : nullptr;
    auto* y = launch.buffer<float>(3, p.y_elements());
    const PointwiseProgram program = launch.program(PointwiseProgram::kMaxOperands);
    const std::vector<EpilogueOperand> operands = epilogue_operands(launch, program, p.y_elements(), p.out_channels);
    const bool last = given_problem.y_last;
    const Finish to{y, y, Word::kF32, last ? p.batch * p.positions() : p.batch, p.out_channels, last ? 1 : p.positions()};
    if (p.x_elements() == 0) return then(empty_sums(y, to, bias), finish(program, operands, to));

    const std::vector<dnnl::memory::desc> descs = operand_descs(p, operands);
    const dnnl::memory::desc given = p.weights_desc();
    const dnnl::memory::desc wanted = launch.geometry(2) != 0 ? any_format(given.dims()) : given; // packed once, if they stay
    std::optional<PostOps> fused = post_ops_of(program, descs);
    const bool beside = std::ranges::any_of(operands, [](const EpilogueOperand& operand) { return operand.lies == OperandLies::kSAME; });
    if (!last && beside) fused.reset(); // the operand lies as the output does, not as what oneDNN makes
    typename Forward::primitive_desc chosen;
    for (const Asked& asked : all_asked) {
        // An operand beside an output in oneDNN's own order would have to be brought there.
        const bool fuse = fused && !(asked.own_order && !fused->operands.empty());
        if (fuse) chosen = choose<Forward>(p, asked, wanted, biased, &*fused);
        if (chosen) break;
        chosen = choose<Forward>(p, asked, wanted, biased, nullptr);
        if (chosen) {
            fused.reset();
            break;
        }
    }
    if (!chosen) throw Unsupported(text("Layer '", launch.layer(), "' is a convolution that oneDNN does not take. Build the plan without the tactic source HOST."));

    Stages stages;
    const dnnl::memory result = over(given_problem.y_desc(), y);
    const bool in_place = chosen.dst_desc() == given_problem.y_desc();
    const dnnl::memory target = in_place ? result : stages.temporary(chosen.dst_desc());
    std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, stages.reordered(over(given_problem.x_desc(), x), chosen.src_desc())},
                                                    {DNNL_ARG_WEIGHTS, packed(launch, given, weights, chosen.weights_desc())},
                                                    {DNNL_ARG_DST, target}};
    if (biased) arguments.emplace(DNNL_ARG_BIAS, over(strided({p.out_channels}, {1}), bias));
    if (fused) {
        for (const PostOps::Operand& operand : fused->operands) {
            arguments.emplace(operand.argument, over(descs[operand.index], operands[operand.index].data));
        }
    }
    stages.add(Forward(chosen), chosen.scratchpad_desc(), std::move(arguments));
    if (!in_place) stages.copy(target, result);
    return fused ? stages.take() : then(stages.take(), finish(program, operands, to));
}

} // namespace

Run prepare_convolution(const Launch& launch) {
    if (launch.param(0) == 0) return [] {};
    return prepare<dnnl::convolution_forward>(launch, convolution_problem(launch, false), {{dnnl::algorithm::convolution_auto}});
}

Run prepare_winograd(const Launch& launch) {
    if (launch.param(0) == 0) return [] {};
    return prepare<dnnl::convolution_forward>(launch, convolution_problem(launch, false),
                                              {{dnnl::algorithm::convolution_winograd, true}, {dnnl::algorithm::convolution_direct}});
}

Run prepare_deconvolution(const Launch& launch) {
    if (launch.param(0) == 0) return [] {};
    return prepare<dnnl::deconvolution_forward>(launch, convolution_problem(launch, true), {{dnnl::algorithm::deconvolution_direct}});
}

} // namespace tensorvk::kernels::cpu
