// cpu/convolution, forward and transposed, and cpu/winograd: through oneDNN, in float32. The step is that of convolution/generic (its parameters, constants and
// bindings), so one lowering serves both carriers.
#include <algorithm>

#include "kernels/onednn/catalogue.hpp"
#include "kernels/onednn/phases.hpp"
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

//! The first of `all` that oneDNN takes, with the program where it takes that too; else `fused` is empty afterwards.
template <typename Forward>
typename Forward::primitive_desc first_of(const Problem& p, std::initializer_list<Asked> all, const dnnl::memory::desc& weights, bool biased,
                                          std::optional<PostOps>& fused) {
    for (const Asked& asked : all) {
        // An operand beside an output in oneDNN's own order would have to be brought there.
        if (fused && !(asked.own_order && !fused->operands.empty())) {
            if (auto chosen = choose<Forward>(p, asked, weights, biased, &*fused)) return chosen;
        }
        if (auto chosen = choose<Forward>(p, asked, weights, biased, nullptr)) {
            fused.reset();
            return chosen;
        }
    }
    return {};
}

//! What a launch hands over.
struct Given {
    explicit Given(const Launch& launch, const Problem& p)
        : x(launch.buffer<const float>(0, p.x_elements())), weights(launch.buffer<const float>(1, p.weight_elements())),
          bias(launch.param(24) != 0 ? launch.buffer<const float>(2, p.out_channels) : nullptr), y(launch.buffer<float>(3, p.y_elements())),
          program(launch.program(PointwiseProgram::kMaxOperands)), operands(epilogue_operands(launch, program, p.y_elements(), p.out_channels)),
          finish_to{y, y, Word::kF32, p.y_last ? p.batch * p.positions() : p.batch, p.out_channels, p.y_last ? 1 : p.positions()} {}

    [[nodiscard]] bool beside() const {
        return std::ranges::any_of(operands, [](const EpilogueOperand& operand) { return operand.lies == OperandLies::kSAME; });
    }
    [[nodiscard]] Run finished(Run product) const { return then(std::move(product), finish(program, operands, finish_to)); }

    const float *x, *weights, *bias;
    float* y;
    PointwiseProgram program;
    std::vector<EpilogueOperand> operands;
    Finish finish_to;
};

Problem channels_last(Problem p) {
    p.x_last = p.y_last = true;
    return p;
}

template <typename Forward>
Run prepare(const Launch& launch, const Problem& problem, std::initializer_list<Asked> asked) {
    const Given given(launch, problem);
    if (problem.x_elements() == 0) return given.finished(empty_sums(given.y, given.finish_to, given.bias));
    // oneDNN is quick where both tensors have their channels last, and takes its reference where only one has.
    const Problem p = channels_last(problem);
    const std::vector<dnnl::memory::desc> descs = operand_descs(p, given.operands);
    const dnnl::memory::desc plain = p.weights_desc();
    const dnnl::memory::desc wanted = launch.geometry(2) != 0 ? any_format(plain.dims()) : plain; // packed once, if they stay
    std::optional<PostOps> fused = post_ops_of(given.program, descs);
    if (!problem.y_last && given.beside()) fused.reset(); // the operand lies as the output does, not as what oneDNN makes
    const auto chosen = first_of<Forward>(p, asked, wanted, given.bias != nullptr, fused);
    if (!chosen) throw Unsupported(text("Layer '", launch.layer(), "' is a convolution that oneDNN does not take. Build the plan without the tactic source HOST."));

    Stages stages;
    const dnnl::memory result = over(problem.y_desc(), given.y);
    const bool in_place = chosen.dst_desc() == problem.y_desc();
    const dnnl::memory target = in_place ? result : stages.temporary(chosen.dst_desc());
    std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, stages.reordered(over(problem.x_desc(), given.x), chosen.src_desc())},
                                                    {DNNL_ARG_WEIGHTS, packed(launch, plain, given.weights, chosen.weights_desc())},
                                                    {DNNL_ARG_DST, target}};
    if (given.bias != nullptr) arguments.emplace(DNNL_ARG_BIAS, over(strided({p.out_channels}, {1}), given.bias));
    if (fused) {
        for (const PostOps::Operand& operand : fused->operands) {
            arguments.emplace(operand.argument, over(descs[operand.index], given.operands[operand.index].data));
        }
    }
    stages.add(Forward(chosen), chosen.scratchpad_desc(), std::move(arguments));
    if (!in_place) stages.copy(target, result);
    return fused ? stages.take() : given.finished(stages.take());
}

//! Copies of the bias for each phase, made anew each run: it may be a tensor of the network.
struct RepeatedBias {
    const float* from;
    std::int64_t channels, phases;
    std::shared_ptr<std::vector<float>> to;
    void operator()() const {
        for (std::int64_t i = 0; i < phases; ++i) std::copy_n(from, channels, to->data() + i * channels);
    }
};

//! Empty where the transposed convolution is no convolution of its phases, or oneDNN does not take that.
Run prepare_phases(const Launch& launch, const Problem& problem) {
    const std::optional<Phases> phases = phases_of(problem);
    if (!phases || launch.geometry(2) == 0 || problem.x_elements() == 0) return {};
    const Given given(launch, problem);
    const Problem p = channels_last(phases->forward);
    std::optional<PostOps> fused = post_ops_of(given.program, operand_descs(p, given.operands));
    if (fused && !fused->operands.empty()) fused.reset();
    const Asked direct{dnnl::algorithm::convolution_auto};
    const auto chosen = first_of<dnnl::convolution_forward>(p, {direct}, any_format(p.weights_desc().dims()), given.bias != nullptr, fused);
    if (!chosen) return {};
    Stages stages;
    const bool in_place = phases->count == 1 && problem.y_last;
    const dnnl::memory target = in_place ? over(p.y_desc(), given.y) : stages.temporary(p.y_desc());
    const auto weights = [&] { return phases->weights(problem, given.weights); };
    std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, stages.reordered(over(problem.x_desc(), given.x), p.x_desc())},
                                                    {DNNL_ARG_WEIGHTS, packed(launch, p.weights_desc(), weights, chosen.weights_desc())},
                                                    {DNNL_ARG_DST, target}};
    RepeatedBias bias{given.bias, problem.out_channels, phases->count, nullptr};
    if (given.bias != nullptr) {
        bias.to = std::make_shared<std::vector<float>>(static_cast<std::size_t>(p.out_channels));
        arguments.emplace(DNNL_ARG_BIAS, over(strided({p.out_channels}, {1}), bias.to->data()));
    }
    stages.add(dnnl::convolution_forward(chosen), chosen.scratchpad_desc(), std::move(arguments));
    if (!in_place) stages.copy(stages.view(target, phases->result_view(problem)), over(phases->output_view(problem), given.y));
    Run product = given.bias != nullptr ? then(std::move(bias), stages.take()) : stages.take();
    return fused ? product : given.finished(std::move(product));
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
    const Problem problem = convolution_problem(launch, true);
    if (Run phases = prepare_phases(launch, problem)) return phases;
    return prepare<dnnl::deconvolution_forward>(launch, problem, {{dnnl::algorithm::deconvolution_direct}});
}

} // namespace tensorvk::kernels::cpu
