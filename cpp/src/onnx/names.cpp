#include "onnx/names.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "support/error.hpp"
#include "support/utf8.hpp"

namespace tensorvk::onnx {

namespace {

using onnx_pb::ModelProto;
using onnx_pb::NodeProto;

bool is_default(const std::string& domain) {
    return domain.empty() || domain == "ai.onnx";
}

NodeError graph_error(std::string reason) {
    NodeError error;
    error.code = NodeErrorCode::kINVALID_GRAPH;
    error.reason = std::move(reason);
    return error;
}

NodeError node_error(const ModelProto& model, int index, std::string reason) {
    const NodeProto& node = model.graph().node(index);
    NodeError error = graph_error(std::move(reason));
    error.node = index;
    error.node_name = node.name();
    error.op_type = node.op_type();
    error.domain = is_default(node.domain()) ? "" : node.domain();
    for (const auto& import : model.opset_import()) {
        if (import.domain() == node.domain() || (is_default(import.domain()) && is_default(node.domain()))) {
            error.opset = import.version();
        }
    }
    return error;
}

//! What is wrong with a name, as the end of a sentence; empty when nothing is.
std::string flaw(std::string_view name) {
    if (name.size() > kLongestName) {
        return text("has ", name.size(), " bytes; at most ", kLongestName, " are possible.");
    }
    if (name.find('\0') != std::string_view::npos) {
        return "has a zero byte, which ends a string in C.";
    }
    return is_utf8(name) ? "" : "is not UTF-8, which ONNX demands.";
}

//! The first name of a node that cannot be used, as a sentence; empty when all can.
std::string flaw_of(const NodeProto& node) {
    const auto sentence = [](const char* what, const std::string& name) {
        const std::string wrong = flaw(name);
        return wrong.empty() ? wrong : text(what, " '", shown(name), "' ", wrong);
    };
    std::string found = sentence("Its name", node.name());
    for (const std::string& input : node.input()) {
        found = found.empty() ? sentence("The name of its input", input) : found;
    }
    for (const std::string& output : node.output()) {
        found = found.empty() ? sentence("The name of its output", output) : found;
    }
    found = found.empty() ? sentence("The name of its operator", node.op_type()) : found;
    for (const auto& attribute : node.attribute()) { // the bodies of If, Loop and Scan
        for (const NodeProto& inner : attribute.g().node()) {
            found = found.empty() ? flaw_of(inner) : found;
        }
    }
    return found;
}

template <typename Named>
void check_each(const Named& entries, const char* what, ImportResult& result) {
    for (const auto& entry : entries) {
        if (const std::string wrong = flaw(entry.name()); !wrong.empty()) {
            result.errors.push_back(graph_error(text(what, " '", shown(entry.name()), "' ", wrong)));
        }
    }
}

using Given = std::unordered_map<std::string_view, const char*>; // name -> what it is before any node is read

//! Calls `report(index, sentence)` for each output that has another meaning already.
template <typename Nodes, typename Report>
void check_outputs(const Nodes& nodes, const Given& given, const Report& report) {
    std::unordered_map<std::string_view, int> maker;
    for (int i = 0; i < nodes.size(); ++i) {
        for (const std::string& output : nodes[i].output()) {
            if (output.empty()) {
                continue;
            }
            if (const auto it = given.find(output); it != given.end()) {
                report(i, text("Its output '", shown(output), "' has the name of ", it->second,
                               "; rename it, each name is defined once."));
            } else if (const auto [first, is_new] = maker.emplace(output, i); !is_new) {
                report(i,
                       text("Its output '", shown(output), "' is made by node ", first->second, " (",
                            shown(nodes[first->second].op_type()), ") already; rename it, each name is defined once."));
            }
        }
    }
}

Given given_by(const onnx_pb::GraphProto& graph, ImportResult& result) {
    Given given;
    for (const auto& initializer : graph.initializer()) {
        if (!given.emplace(initializer.name(), "an initializer").second) {
            result.warnings.push_back(
                text("The model has two initializers '", shown(initializer.name()), "'; the last one counts."));
        }
    }
    std::unordered_set<std::string_view> inputs;
    for (const auto& input : graph.input()) { // one that is an initializer as well has it as its default value
        if (!inputs.insert(input.name()).second) {
            result.errors.push_back(graph_error(
                text("The graph has two inputs '", shown(input.name()), "'; rename one, each name is defined once.")));
        }
        given.emplace(input.name(), "an input of the graph");
    }
    return given;
}

} // namespace

std::string shown(std::string_view name) {
    constexpr std::size_t kShown = 120;
    std::string out(name.substr(0, kShown));
    std::replace_if(
        out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
    return as_utf8(name.size() <= kShown ? out : out + "...");
}

void check_names(const ModelProto& model, ImportResult& result) {
    const onnx_pb::GraphProto& graph = model.graph();
    check_each(graph.input(), "The name of the input", result);
    check_each(graph.output(), "The name of the output", result);
    check_each(graph.initializer(), "The name of the initializer", result);
    check_each(model.functions(), "The name of the function", result);
    for (int i = 0; i < graph.node_size(); ++i) {
        if (std::string wrong = flaw_of(graph.node(i)); !wrong.empty()) {
            result.errors.push_back(node_error(model, i, std::move(wrong)));
        }
    }
    for (const auto& function : model.functions()) {
        for (const NodeProto& node : function.node()) {
            if (std::string wrong = flaw_of(node); !wrong.empty()) {
                result.errors.push_back(graph_error(text("A ", shown(node.op_type()), " in it: ", wrong)));
                result.errors.back().function_stack = {function.name()};
            }
        }
    }
}

void check_definitions(const ModelProto& model, ImportResult& result) {
    const Given given = given_by(model.graph(), result);
    check_outputs(model.graph().node(), given, [&](int index, std::string sentence) {
        result.errors.push_back(node_error(model, index, std::move(sentence)));
    });
    for (const auto& function : model.functions()) {
        Given inputs;
        for (const std::string& input : function.input()) {
            inputs.emplace(input, "an input of the function");
        }
        check_outputs(function.node(), inputs, [&](int index, const std::string& sentence) {
            result.errors.push_back(
                graph_error(text("Node ", index, " (", shown(function.node(index).op_type()), "): ", sentence)));
            result.errors.back().function_stack = {function.name()};
        });
    }
}

} // namespace tensorvk::onnx
