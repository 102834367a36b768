// cpu/convolution, forward and transposed: through oneDNN, in float32 or of bfloat16 with sums of float32. The step is that of
// convolution/generic (its parameters, constants and bindings), so one lowering serves both carriers.
#include <algorithm>

#include "kernels/onednn/catalogue.hpp"
#include "kernels/onednn/phases.hpp"
#include "kernels/onednn/stages.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

using Problem = ConvolutionProblem;
using Type = Problem::Type;

std::vector<dnnl::memory::desc> operand_descs(const Problem& p, const std::vector<EpilogueOperand>& operands) {
    std::vector<dnnl::memory::desc> out;
    for (const EpilogueOperand& operand : operands) {
        const Type type = data_type(operand.type);
        out.push_back(operand.lies == OperandLies::kSAME ? p.y_desc(type) : p.channel_desc(operand.lies != OperandLies::kPER_CHANNEL, type));
    }
    return out;
}

//! How oneDNN is asked for the product.
struct Asked {
    dnnl::algorithm algorithm;
    Type type = Type::f32;  // of input and weights
};

//! What it is asked for: a problem whose output is of a type.
struct Wanted {
    const Problem& problem;
    Type y;
    bool biased;
};

template <typename Forward>
typename Forward::primitive_desc choose(const Wanted& wanted, const Asked& asked, const PostOps* fused) {
    const Problem& p = wanted.problem;
    dnnl::primitive_attr attributes = our_attributes();
    if (fused != nullptr) attributes.set_post_ops(fused->ops);
    // A program that comes after the product gets sums that nobody has rounded.
    const dnnl::memory::desc x = p.x_desc(asked.type), y = p.y_desc(fused != nullptr && asked.type == wanted.y ? wanted.y : Type::f32);
    const dnnl::memory::desc weights = any_format(p.weights_desc().dims(), asked.type); // as the product likes them: with others it is ten times slower
    constexpr dnnl::prop_kind kInference = dnnl::prop_kind::forward_inference;
    const typename Forward::desc description =
        wanted.biased
            ? typename Forward::desc(kInference, asked.algorithm, x, weights, strided({p.out_channels}, {1}), y, p.strides(), p.dilates(), p.padding(), p.post_padding())
            : typename Forward::desc(kInference, asked.algorithm, x, weights, y, p.strides(), p.dilates(), p.padding(), p.post_padding());
    constexpr bool kMayBeNone = true;
    typename Forward::primitive_desc chosen(description, attributes, onednn_engine(), kMayBeNone);
    return chosen && asked.type == Type::bf16 && is_reference(chosen) ? typename Forward::primitive_desc() : chosen;
}

//! The first of `all` that oneDNN takes, with the program where it takes that too; else `fused` is empty afterwards.
template <typename Forward>
typename Forward::primitive_desc first_of(const Wanted& wanted, const std::vector<Asked>& all, std::optional<PostOps>& fused) {
    for (const Asked& asked : all) {
        if (fused) {
            if (auto chosen = choose<Forward>(wanted, asked, &*fused)) return chosen;
        }
        if (auto chosen = choose<Forward>(wanted, asked, nullptr)) {
            fused.reset();
            return chosen;
        }
    }
    return {};
}

//! What a launch hands over.
struct Given {
    Given(const Launch& launch, const Problem& p, const FloatTypes& floats)
        : types(floats), x(launch.buffer<const std::byte>(0, checked_mul(p.x_elements(), bytes_of(types.x)))),
          weights(launch.buffer<const float>(1, p.weight_elements())),
          bias(launch.param(24) != 0 ? launch.buffer<const float>(2, p.out_channels) : nullptr),
          y(launch.buffer<std::byte>(3, checked_mul(p.y_elements(), bytes_of(types.y)))), program(launch.program(PointwiseProgram::kMaxOperands)),
          operands(epilogue_operands(launch, program, p.y_elements(), p.out_channels, types.operands)),
          finish_to{y, types.y, p.y_last ? p.batch * p.positions() : p.batch, p.out_channels, p.y_last ? 1 : p.positions()} {}

    [[nodiscard]] bool beside() const {
        return std::ranges::any_of(operands, [](const EpilogueOperand& operand) { return operand.lies == OperandLies::kSAME; });
    }
    //! Whether sums can be made where the output goes.
    [[nodiscard]] bool sums_in_output() const { return types.y == Word::kF32; }
    //! `sums`: where the product left them.
    [[nodiscard]] Run finished(Run product, const dnnl::memory& sums) const {
        return then(std::move(product), [finisher = Finisher(program, operands, finish_to), sums] { finisher(static_cast<const float*>(sums.get_data_handle())); });
    }

    FloatTypes types;
    const std::byte* x;
    const float *weights, *bias;
    std::byte* y;
    PointwiseProgram program;
    std::vector<EpilogueOperand> operands;
    Finish finish_to;
};

Problem channels_last(Problem p) {
    p.x_last = p.y_last = true;
    return p;
}

//! Sums without terms: the bias, or 0.
Run empty_product(const Given& given, const Problem& p) {
    auto sums = std::make_shared<std::vector<float>>(static_cast<std::size_t>(p.y_elements()));
    Run fill = empty_sums(sums->data(), given.finish_to, given.bias);
    return then(std::move(fill), [finisher = Finisher(given.program, given.operands, given.finish_to), sums] { finisher(sums->data()); });
}

template <typename Forward>
Run prepare(const Launch& launch, const Problem& problem, const std::vector<Asked>& asked, bool bfloat) {
    const Given given(launch, problem, float_types(launch, bfloat));
    if (problem.x_elements() == 0) return empty_product(given, problem);
    // oneDNN is quick where both tensors have their channels last, and takes its reference where only one has.
    const Problem p = channels_last(problem);
    const std::vector<dnnl::memory::desc> descs = operand_descs(p, given.operands);
    const bool stays = launch.geometry(2) != 0; // the weights, so they are packed once
    std::optional<PostOps> fused = post_ops_of(given.program, descs);
    if (!problem.y_last && given.beside()) fused.reset(); // the operand lies as the output does, not as what oneDNN makes
    const auto chosen = first_of<Forward>({p, data_type(given.types.y), given.bias != nullptr}, asked, fused);
    if (!chosen) throw Unsupported(text("Layer '", launch.layer(), "' is a convolution that oneDNN does not take. Build the plan without the tactic source HOST."));

    Stages stages;
    const dnnl::memory plain = over(p.weights_desc(), given.weights);
    const dnnl::memory weights = stays ? packed(launch, plain.get_desc(), given.weights, chosen.weights_desc()) : stages.reordered(plain, chosen.weights_desc());
    // What is not finished yet goes where it is as wide as the sums.
    const bool at_once = fused.has_value() || given.sums_in_output();
    const dnnl::memory result = at_once ? over(problem.y_desc(data_type(given.types.y)), given.y) : stages.temporary(problem.y_desc());
    const bool in_place = chosen.dst_desc() == result.get_desc();
    const dnnl::memory target = in_place ? result : stages.temporary(chosen.dst_desc());
    std::unordered_map<int, dnnl::memory> arguments{
        {DNNL_ARG_SRC, stages.reordered(over(problem.x_desc(data_type(given.types.x)), given.x), chosen.src_desc())},
        {DNNL_ARG_WEIGHTS, weights},
        {DNNL_ARG_DST, target}};
    if (given.bias != nullptr) arguments.emplace(DNNL_ARG_BIAS, over(strided({p.out_channels}, {1}), given.bias));
    if (fused) {
        for (const PostOps::Operand& operand : fused->operands) {
            arguments.emplace(operand.argument, over(descs[operand.index], given.operands[operand.index].data));
        }
    }
    stages.add(Forward(chosen), chosen.scratchpad_desc(), std::move(arguments));
    if (!in_place) stages.copy(target, result);
    return fused ? stages.take() : given.finished(stages.take(), result);
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
Run prepare_phases(const Launch& launch, const Problem& problem, const std::vector<Asked>& asked, bool bfloat) {
    const std::optional<Phases> phases = phases_of(problem);
    if (!phases || launch.geometry(2) == 0 || problem.x_elements() == 0) return {};
    const Given given(launch, problem, float_types(launch, bfloat));
    const Problem p = channels_last(phases->forward);
    std::optional<PostOps> fused = post_ops_of(given.program, operand_descs(p, given.operands));
    if (fused && !fused->operands.empty()) fused.reset();
    const auto chosen = first_of<dnnl::convolution_forward>({p, data_type(given.types.y), given.bias != nullptr}, asked, fused);
    if (!chosen) return {};
    Stages stages;
    const bool at_once = fused.has_value() || given.sums_in_output();
    const Type y_type = at_once ? data_type(given.types.y) : Type::f32;
    const dnnl::memory result = at_once ? over(problem.y_desc(y_type), given.y) : stages.temporary(problem.y_desc());
    const bool in_place = phases->count == 1 && problem.y_last && chosen.dst_desc() == result.get_desc();
    const dnnl::memory target = in_place ? result : stages.temporary(chosen.dst_desc());
    const auto weights = [&] { return phases->weights(problem, given.weights); };
    std::unordered_map<int, dnnl::memory> arguments{
        {DNNL_ARG_SRC, stages.reordered(over(problem.x_desc(data_type(given.types.x)), given.x), chosen.src_desc())},
        {DNNL_ARG_WEIGHTS, packed(launch, p.weights_desc(), weights, chosen.weights_desc())},
        {DNNL_ARG_DST, target}};
    RepeatedBias bias{given.bias, problem.out_channels, phases->count, nullptr};
    if (given.bias != nullptr) {
        bias.to = std::make_shared<std::vector<float>>(static_cast<std::size_t>(p.out_channels));
        arguments.emplace(DNNL_ARG_BIAS, over(strided({p.out_channels}, {1}), bias.to->data()));
    }
    stages.add(dnnl::convolution_forward(chosen), chosen.scratchpad_desc(), std::move(arguments));
    if (!in_place) {
        const dnnl::memory::desc output = phases->output_view(problem, y_type);
        stages.copy(stages.view(target, phases->result_view(problem, chosen.dst_desc().data_type())), at_once ? over(output, given.y) : stages.view(result, output));
    }
    Run product = given.bias != nullptr ? then(std::move(bias), stages.take()) : stages.take();
    return fused ? product : given.finished(std::move(product), result);
}

Run prepare_forward(const Launch& launch, bool bfloat) {
    if (launch.param(0) == 0) return [] {};
    std::vector<Asked> asked{{dnnl::algorithm::convolution_auto}};
    if (bfloat) asked.insert(asked.begin(), {dnnl::algorithm::convolution_auto, Type::bf16});
    return prepare<dnnl::convolution_forward>(launch, convolution_problem(launch, false), asked, bfloat);
}

Run prepare_transposed(const Launch& launch, bool bfloat) {
    if (launch.param(0) == 0) return [] {};
    const Problem problem = convolution_problem(launch, true);
    std::vector<Asked> phases{{dnnl::algorithm::convolution_auto}}, direct{{dnnl::algorithm::deconvolution_direct}};
    if (bfloat) {
        phases.insert(phases.begin(), {dnnl::algorithm::convolution_auto, Type::bf16});
        direct.insert(direct.begin(), {dnnl::algorithm::deconvolution_direct, Type::bf16});
    }
    if (Run run = prepare_phases(launch, problem, phases, bfloat)) return run;
    return prepare<dnnl::deconvolution_forward>(launch, problem, direct, bfloat);
}

} // namespace

Run prepare_convolution(const Launch& launch) { return prepare_forward(launch, false); }
Run prepare_convolution_bf16(const Launch& launch) { return prepare_forward(launch, true); }
Run prepare_deconvolution(const Launch& launch) { return prepare_transposed(launch, false); }
Run prepare_deconvolution_bf16(const Launch& launch) { return prepare_transposed(launch, true); }

} // namespace tensorvk::kernels::cpu
