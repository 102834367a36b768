// recurrent/cpu: a call of the host functions RNN, GRU and LSTM as a kernel of the host, which reads and writes tensors where they lie. What it
// does not take is called as any other function (tactics/host.cpp).
#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <optional>
#include <string_view>

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/families.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {

namespace {

using kernels::PointwiseOp;

constexpr const char* kKernel = "cpu/recurrent:f32";
constexpr std::size_t kInputs = 8, kOutputs = 3, kLengths = 4; // the operators' places, absent ones included

struct Cell {
    std::string_view function;
    std::int32_t gates;
    std::array<std::string_view, 3> activations;
    std::size_t activation_count;
};
constexpr Cell kCells[] = {
    {"RNN", 1, {"Tanh"}, 1},
    {"GRU", 3, {"Sigmoid", "Tanh"}, 2},
    {"LSTM", 4, {"Sigmoid", "Tanh", "Tanh"}, 3},
};

struct Activation {
    std::string_view name;
    PointwiseOp op;
    std::optional<float> alpha{}; // default
};
constexpr Activation kActivations[] = {
    {"sigmoid", PointwiseOp::kSIGMOID}, {"tanh", PointwiseOp::kTANH},
    {"relu", PointwiseOp::kRELU},       {"softsign", PointwiseOp::kSOFTSIGN},
    {"softplus", PointwiseOp::kSOFTPLUS}, {"elu", PointwiseOp::kELU, 1.0f},
    {"leakyrelu", PointwiseOp::kLEAKY_RELU, 0.01f}, {"thresholdedrelu", PointwiseOp::kTHRESHOLDED_RELU, 1.0f},
};

const Cell* find_cell(const HostCall& call) {
    const auto found = std::ranges::find(kCells, call.function, &Cell::function);
    return found == std::end(kCells) ? nullptr : found;
}

//! Older exporters write activations in small letters.
std::string small(std::string_view name) {
    std::string out(name);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool is_bidirectional(const AttributeSet& attributes) { return attributes.text("direction", "forward") == "bidirectional"; }

//! One slot for each activation of each direction; nothing where one of them needs two parameters. Their number was checked with the layer.
std::optional<kernels::PointwiseProgram> activations_of(const Cell& cell, const AttributeSet& attributes) {
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

bool is_absent(std::span<const ValueId> ids, std::size_t i) { return i >= ids.size() || ids[i] < 0; }

std::string refuse(const Query& query, const Cell& cell) {
    if (std::string why = refuse_cpu(query, kKernel); !why.empty()) return why;
    const Operation& operation = query.operation;
    if (!activations_of(cell, query.kind<HostCall>().attributes)) return "it has an activation of two parameters";
    for (const auto* ids : {&operation.inputs, &operation.outputs}) {
        for (std::size_t i = 0; i < ids->size(); ++i) {
            if (is_absent(*ids, i)) continue;
            const Value& value = query.value((*ids)[i]);
            const DataType wanted = ids == &operation.inputs && i == kLengths ? DataType::kINT32 : DataType::kFLOAT;
            if (value.dtype != wanted) return text("'", value.name, "' is ", dtype_name(value.dtype), ", the kernel takes ", dtype_name(wanted));
        }
    }
    return {};
}

//! Parameters: steps, batch, input size, hidden size, directions. Constants: gates, flags, the limit's bits, which bindings are there.
//! Bindings: X, W, R, B, lengths, first states, first cells, peepholes; all states, last states, last cells.
void lower(const Operation& operation, const Cell& cell, Lowering& lowering) {
    const AttributeSet& attributes = std::get<HostCall>(operation.kind).attributes;
    const Value &x = lowering.value(operation.inputs[0]), &w = lowering.value(operation.inputs[1]), &r = lowering.value(operation.inputs[2]);
    const bool batch_first = attributes.integer("layout", 0) != 0;
    StepBuilder step(lowering, operation.name, kKernel);
    step.groups(lowering.exprs().constant(1), lowering.exprs().constant(1), lowering.exprs().constant(1));
    step.param(x.dims[batch_first ? 1 : 0]).param(x.dims[batch_first ? 0 : 1]).param(x.dims[2]).param(r.dims[2]).param(w.dims[0]);
    const auto constant = [&](std::size_t i) { return is_absent(operation.inputs, i) || lowering.is_constant(lowering.value(operation.inputs[i])); };
    const bool constants = constant(1) && constant(2) && constant(3) && constant(7);
    const std::int32_t flags = (attributes.text("direction", "forward") == "reverse" ? 1 : 0) | (batch_first ? 2 : 0) |
                               (attributes.flag("linear_before_reset") ? 4 : 0) | (attributes.flag("input_forget") ? 8 : 0) | (constants ? 16 : 0);
    std::int32_t present = 0;
    const auto bind = [&](std::span<const ValueId> ids, std::size_t count, std::size_t first, bool written) {
        for (std::size_t i = 0; i < count; ++i) {
            if (is_absent(ids, i)) {
                step.reads(x.buffer);
                continue;
            }
            present |= 1 << (first + i);
            const std::int32_t buffer = lowering.value(ids[i]).buffer;
            written ? step.writes(buffer) : step.reads(buffer);
        }
    };
    bind(operation.inputs, kInputs, 0, false);
    bind(operation.outputs, kOutputs, kInputs, true);
    step.geometry(0, cell.gates).geometry(1, flags).geometry(2, std::bit_cast<std::int32_t>(static_cast<float>(attributes.real("clip", 0.0)))).geometry(3, present);
    step.pointwise(*activations_of(cell, attributes));
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> recurrent_candidates(const Query& query) {
    const Cell* cell = find_cell(query.kind<HostCall>());
    if (cell == nullptr) return {};
    Candidate out{.name = "recurrent/cpu", .refusal = refuse(query, *cell), .host = true, .portable = false, .lower = {}};
    if (out.applicable()) {
        out.lower = [operation = query.operation, cell](Lowering& lowering) { lower(operation, *cell, lowering); };
    }
    return {out};
}

} // namespace tensorvk::tactics
