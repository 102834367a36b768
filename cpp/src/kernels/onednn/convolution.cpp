// cpu/convolution and cpu/deconvolution: through oneDNN, in float32. The step is that of convolution/generic (its parameters, constants and
// bindings), so one lowering serves both carriers.
#include <algorithm>

#include "kernels/onednn/catalogue.hpp"
#include "kernels/onednn/convolution_problem.hpp"

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

//! `data` in this order and type, and what brings it there, or nothing where it lies so already.
struct Ordered {
    dnnl::memory memory;
    Run from, back;
};
Ordered ordered(const dnnl::memory::desc& given, const dnnl::memory::desc& wanted, const void* data) {
    if (given == wanted) return {over(given, data), {}, {}};
    Ordered out{dnnl::memory(wanted, onednn_engine()), {}, {}};
    const auto move = [](const dnnl::memory& source, const dnnl::memory& target) {
        const dnnl::reorder::primitive_desc how(source, target, our_attributes());
        return execution(dnnl::reorder(how), how.scratchpad_desc(), {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, target}});
    };
    out.from = move(over(given, data), out.memory);
    out.back = move(out.memory, over(given, data));
    return out;
}

template <typename Forward>
Run prepare(const Launch& launch, const Problem& given_problem, dnnl::algorithm algorithm) {
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
    const Ordered source = ordered(given_problem.x_desc(), p.x_desc(), x), target = ordered(given_problem.y_desc(), p.y_desc(), y);
    if (p.x_elements() == 0) return then(empty_sums(y, to, bias), finish(program, operands, to));
    const std::vector<dnnl::memory::desc> descs = operand_descs(p, operands);

    const dnnl::memory::desc given = p.weights_desc();
    const dnnl::memory::desc wanted = launch.geometry(2) != 0 ? any_format(given.dims()) : given; // packed once, if they stay
    const dnnl::memory::desc bias_desc = strided({p.out_channels}, {1});
    std::optional<PostOps> fused = post_ops_of(program, descs);
    const bool beside = std::ranges::any_of(operands, [](const EpilogueOperand& operand) { return operand.lies == OperandLies::kSAME; });
    if (target.back && beside) fused.reset(); // the operand lies as the output does, not as what oneDNN makes
    dnnl::primitive_attr attributes = our_attributes();
    if (fused) attributes.set_post_ops(fused->ops);
    const typename Forward::desc description =
        biased ? typename Forward::desc(dnnl::prop_kind::forward_inference, algorithm, p.x_desc(), wanted, bias_desc, p.y_desc(), p.strides(), p.dilates(),
                                        p.padding(), p.post_padding())
               : typename Forward::desc(dnnl::prop_kind::forward_inference, algorithm, p.x_desc(), wanted, p.y_desc(), p.strides(), p.dilates(), p.padding(),
                                        p.post_padding());
    const typename Forward::primitive_desc chosen(description, attributes, onednn_engine());
    std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, source.memory},
                                                    {DNNL_ARG_WEIGHTS, packed(launch, given, weights, chosen.weights_desc())},
                                                    {DNNL_ARG_DST, target.memory}};
    if (biased) arguments.emplace(DNNL_ARG_BIAS, over(bias_desc, bias));
    if (fused) {
        for (const PostOps::Operand& operand : fused->operands) {
            arguments.emplace(operand.argument, over(descs[operand.index], operands[operand.index].data));
        }
    }
    Run product = execution(Forward(chosen), chosen.scratchpad_desc(), std::move(arguments));
    if (source.from) product = then(source.from, std::move(product));
    if (target.back) product = then(std::move(product), target.back);
    if (fused) return product;
    return then(std::move(product), finish(program, operands, to));
}

} // namespace

Run prepare_convolution(const Launch& launch) {
    if (launch.param(0) == 0) return [] {};
    return prepare<dnnl::convolution_forward>(launch, convolution_problem(launch, false), dnnl::algorithm::convolution_auto);
}

Run prepare_deconvolution(const Launch& launch) {
    if (launch.param(0) == 0) return [] {};
    return prepare<dnnl::deconvolution_forward>(launch, convolution_problem(launch, true), dnnl::algorithm::deconvolution_direct);
}

} // namespace tensorvk::kernels::cpu
