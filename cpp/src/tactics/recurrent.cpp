// recurrent/cpu: a call of the host functions RNN, GRU and LSTM as a kernel of the host, which reads and writes tensors where they lie; beside it
// the shaders (recurrent_shaders.cpp). What none of them takes is called as any other function (tactics/host.cpp).
#include "tactics/recurrent.hpp"

#include <algorithm>
#include <bit>
#include <cctype>

#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::tactics {

namespace {

using kernels::PointwiseOp;
using Problem = RecurrentProblem;

constexpr const char* kKernel = "cpu/recurrent:f32";

constexpr RecurrentCell kCells[] = {
    {"RNN", 1, {"Tanh"}, 1},
    {"GRU", 3, {"Sigmoid", "Tanh"}, 2},
    {"LSTM", 4, {"Sigmoid", "Tanh", "Tanh"}, 3},
};

struct Activation {
    std::string_view name;
    PointwiseOp op;
    std::optional<float> alpha{}; // default
};
//! Those of shaders/recurrent/activation.glsl.
constexpr Activation kActivations[] = {
    {"sigmoid", PointwiseOp::kSIGMOID}, {"tanh", PointwiseOp::kTANH},
    {"relu", PointwiseOp::kRELU},       {"softsign", PointwiseOp::kSOFTSIGN},
    {"softplus", PointwiseOp::kSOFTPLUS}, {"elu", PointwiseOp::kELU, 1.0f},
    {"leakyrelu", PointwiseOp::kLEAKY_RELU, 0.01f}, {"thresholdedrelu", PointwiseOp::kTHRESHOLDED_RELU, 1.0f},
};

//! Older exporters write activations in small letters.
std::string small(std::string_view name) {
    std::string out(name);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool is_bidirectional(const AttributeSet& attributes) { return attributes.text("direction", "forward") == "bidirectional"; }

//! The names' number was checked with the layer.
std::optional<kernels::PointwiseProgram> activations_of(const RecurrentCell& cell, const AttributeSet& attributes) {
    std::vector<std::string> names = attributes.texts("activations");
    const std::size_t count = cell.activation_count * (is_bidirectional(attributes) ? 2 : 1);
    if (names.empty()) names.assign(cell.activations.begin(), cell.activations.begin() + static_cast<std::ptrdiff_t>(cell.activation_count));
    for (std::size_t i = names.size(); i < count; ++i) names.push_back(names[i - cell.activation_count]);
    const std::vector<double> alphas = attributes.reals("activation_alpha");
    std::size_t used = 0; // the parameters belong to those activations that take some, in order
    kernels::PointwiseProgram program;
    for (const std::string& name : names) {
        const auto known = std::ranges::find(kActivations, small(name), &Activation::name);
        if (known == std::end(kActivations)) return std::nullopt;
        kernels::PointwiseSlot slot{.op = known->op, .a = {}, .b = {}, .c = {}, .immediate = 0.0f};
        if (known->alpha) {
            slot.b.kind = kernels::PointwiseArg::Kind::kIMMEDIATE;
            slot.immediate = used < alphas.size() ? static_cast<float>(alphas[used++]) : *known->alpha;
        }
        program.slots.push_back(slot);
    }
    return program;
}

std::int32_t flags_of(const AttributeSet& attributes) {
    return (attributes.text("direction", "forward") == "reverse" ? Problem::kREVERSED : 0) | (attributes.integer("layout", 0) != 0 ? Problem::kBATCH_FIRST : 0) |
           (attributes.flag("linear_before_reset") ? Problem::kLINEAR_BEFORE_RESET : 0) | (attributes.flag("input_forget") ? Problem::kCOUPLES_FORGET : 0);
}

std::string refuse(const Problem& problem, const Query& query) {
    if (std::string why = refuse_cpu(query, kKernel); !why.empty()) return why;
    if (std::string why = refuse_cell(problem); !why.empty()) return why;
    std::string why;
    const auto check = [&](const std::optional<Value>& value, DataType wanted) {
        if (why.empty() && value && value->dtype != wanted) why = text("'", value->name, "' is ", dtype_name(value->dtype), ", the kernel takes ", dtype_name(wanted));
    };
    for (std::size_t i = 0; i < problem.inputs.size(); ++i) check(problem.inputs[i], i == Problem::kLENGTHS ? DataType::kINT32 : DataType::kFLOAT);
    for (const std::optional<Value>& output : problem.outputs) check(output, DataType::kFLOAT);
    return why;
}

//! Parameters: steps, batch, input size, hidden size, directions. Constants: gates, flags, the limit's bits, which bindings are there.
//! Bindings: X, W, R, B, lengths, first states, first cells, peepholes; all states, last states, last cells.
void lower(const Problem& problem, Lowering& lowering) {
    constexpr std::int32_t kConstantWeights = 16; // the kernel's own flag
    StepBuilder step(lowering, problem.operation.name, kKernel);
    step.groups(lowering.exprs().constant(1), lowering.exprs().constant(1), lowering.exprs().constant(1));
    step.param(problem.steps()).param(problem.batch()).param(problem.input_size()).param(problem.hidden()).param(problem.directions());
    const auto constant = [&](Problem::Input place) { return problem.input(place) == nullptr || lowering.is_constant(*problem.input(place)); };
    const bool constants = constant(Problem::kW) && constant(Problem::kR) && constant(Problem::kBIAS) && constant(Problem::kPEEPHOLE);
    std::int32_t present = 0;
    const auto bind = [&](const auto& values, std::size_t first, bool written) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (!values[i]) {
                step.reads(problem.inputs[Problem::kX]->buffer);
                continue;
            }
            present |= 1 << (first + i);
            written ? step.writes(values[i]->buffer) : step.reads(values[i]->buffer);
        }
    };
    bind(problem.inputs, 0, false);
    bind(problem.outputs, Problem::kINPUTS, true);
    step.geometry(0, problem.cell.gates).geometry(1, problem.flags | (constants ? kConstantWeights : 0)).geometry(2, problem.clip_bits()).geometry(3, present);
    step.pointwise(*problem.activations);
    lowering.add(step.take());
}

} // namespace

std::optional<RecurrentProblem> RecurrentProblem::of(const Query& query) {
    const HostCall& call = query.kind<HostCall>();
    const auto cell = std::ranges::find(kCells, call.function, &RecurrentCell::function);
    if (cell == std::end(kCells)) return std::nullopt;
    RecurrentProblem out{.operation = query.operation, .cell = *cell, .flags = flags_of(call.attributes), .inputs = {}, .outputs = {},
                         .activations = activations_of(*cell, call.attributes)};
    const auto fill = [&](auto& values, const std::vector<ValueId>& ids) {
        for (std::size_t i = 0; i < std::min(values.size(), ids.size()); ++i) {
            if (ids[i] >= 0) values[i] = query.value(ids[i]);
        }
    };
    fill(out.inputs, query.operation.inputs);
    fill(out.outputs, query.operation.outputs);
    return out;
}

std::int32_t RecurrentProblem::clip_bits() const { return std::bit_cast<std::int32_t>(static_cast<float>(attributes().real("clip", 0.0))); }

std::string refuse_cell(const RecurrentProblem& problem) { return problem.activations ? "" : "it has an activation of two parameters"; }

std::vector<Candidate> recurrent_candidates(const Query& query) {
    const std::optional<Problem> problem = Problem::of(query);
    if (!problem) return {};
    std::vector<Candidate> out = recurrent_shaders(*problem, query);
    out.push_back({.name = "recurrent/cpu", .refusal = refuse(*problem, query), .host = true, .portable = false, .lower = {}});
    if (out.back().applicable()) out.back().lower = [problem = *problem](Lowering& lowering) { lower(problem, lowering); };
    return out;
}

} // namespace tensorvk::tactics
