#include "builder/report.hpp"

#include <cmath>
#include <cstdio>
#include <string_view>

#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::builder {

namespace {

std::string json_string(std::string_view raw) {
    std::string out = "\"";
    for (const char c : raw) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof(escape), "\\u%04x", c);
            out += escape;
        } else {
            out += c;
        }
    }
    return out + '"';
}

template <typename Range, typename Write>
std::string list(const Range& range, Write write) {
    std::string out = "[";
    const char* separator = "";
    for (const auto& item : range) {
        out += separator + write(item);
        separator = ", ";
    }
    return out + "]";
}

std::string number(float value) { return std::isfinite(value) ? text(value) : "null"; }

std::string kind_name(const tactics::Kind& kind) {
    static constexpr const char* names[] = {"Convolution", "MatrixMultiply", "Pooling", "PointWise", "Copy",       "Gather",
                                            "Resize",      "Reduce",         "SoftMax", "TopK",      "ShapeValues", "HostCall",
                                            "Normalization", "Attention",      "RowMoments"};
    static_assert(std::size(names) == std::variant_size_v<tactics::Kind>);
    return names[kind.index()];
}

std::string tensor_json(const compiler::Compiled& network, tactics::ValueId id) {
    const tactics::Value& value = network.values[static_cast<std::size_t>(id)];
    const auto& exprs = network.program.exprs;
    const std::string dims = list(value.dims, [&](shape::Expr e) { return std::to_string(exprs.value(e).value_or(-1)); });
    const std::string layout = value.layout == tactics::Layout::kLINEAR ? "Row major linear" : "Channels last";
    return "{\"Name\": " + json_string(value.name) + ", \"Location\": \"Device\", \"Dimensions\": " + dims + ", \"Format/Datatype\": " +
           json_string(layout + " " + std::string(dtype_name(value.dtype))) + "}";
}

//! What a timing cache tells, and nothing else: it gives the same plan, byte for byte, as the build that filled it.
std::string candidate_json(const CandidateReport& report) {
    std::string out = "{\"Name\": " + json_string(report.name);
    if (report.milliseconds >= 0.0f) {
        out += ", \"Milliseconds\": " + number(report.milliseconds);
    }
    if (!report.refusal.empty()) {
        out += ", \"Refused\": " + json_string(report.refusal);
    }
    return out + "}";
}

std::string layer_json(const compiler::Compiled& network, std::size_t index, const Choice& choice) {
    const tactics::Operation& operation = network.operations[index];
    std::vector<tactics::ValueId> inputs = operation.inputs;
    inputs.insert(inputs.end(), operation.operands.begin(), operation.operands.end());
    std::vector<tactics::ValueId> outputs = operation.outputs;
    for (auto* list : {&inputs, &outputs}) {
        std::erase_if(*list, [](tactics::ValueId id) { return id < 0; });
    }
    const auto tensor = [&](tactics::ValueId id) { return tensor_json(network, id); };
    return "{\"Name\": " + json_string(operation.name) + ", \"LayerType\": " + json_string(kind_name(operation.kind)) + ", \"Inputs\": " +
           list(inputs, tensor) + ", \"Outputs\": " + list(outputs, tensor) + ", \"TacticName\": " + json_string(choice.candidate.name) +
           ", \"Program\": " + json_string(kernels::str(operation.epilogue)) + ", \"Passes\": " + list(network.passes_of[index], json_string) + ", \"Candidates\": " + list(choice.reports, candidate_json) + "}";
}

//! Those of branches and loop bodies come behind the network's own.
void add_layers(std::string& layers, const compiler::Compiled& network, const Emitted& emitted) {
    for (std::size_t i = 0; i < emitted.choices.size(); ++i) {
        layers += (layers.empty() ? "\n" : ",\n") + layer_json(network, i, emitted.choices[i]);
    }
    for (std::size_t i = 0; i < emitted.bodies.size(); ++i) {
        add_layers(layers, network.bodies[i], emitted.bodies[i]);
    }
}

//! No times, for the same reason.
std::string pass_json(const compiler::PassReport& pass) {
    const std::string name = "{\"Name\": " + json_string(pass.name);
    return pass.off ? name + ", \"SwitchedOff\": true}" : name + text(", \"OperationsBefore\": ", pass.before, ", \"OperationsAfter\": ", pass.after, ", \"Changed\": ", pass.changed, "}");
}

} // namespace

std::vector<compiler::PassReport> pass_reports(const compiler::Compiled& network) {
    std::vector<compiler::PassReport> reports = network.passes;
    for (const compiler::Compiled& body : network.bodies) {
        const auto inner = pass_reports(body);
        for (std::size_t i = 0; i < reports.size(); ++i) {
            reports[i].before += inner[i].before;
            reports[i].after += inner[i].after;
            reports[i].changed += inner[i].changed;
            reports[i].milliseconds += inner[i].milliseconds;
        }
    }
    return reports;
}

std::string report_json(const compiler::Compiled& network, const Emitted& emitted) {
    std::string layers;
    add_layers(layers, network, emitted);
    return "{\"Layers\": [" + layers + "],\n\"Bindings\": " + list(network.program.io, [](const plan::IoTensor& t) { return json_string(t.name); }) +
           ",\n\"Passes\": " + list(pass_reports(network), pass_json) + "}";
}

} // namespace tensorvk::builder
