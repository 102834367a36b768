// Nodes behind bad ones are not read, for their inputs are unknown. Whether their operators are offered can be said without.
#include "onnx/graph_reader.hpp"
#include "onnx/operators.hpp"

namespace tensorvk::onnx {

using onnx_pb::FunctionProto;
using onnx_pb::NodeProto;

namespace {

constexpr std::size_t kDeepest = 16; // deeper ones are refused when they are read

const std::string* refusal_of(const NodeProto& node, const Scope& scope) {
    for (const std::string& name : node.input()) {
        const auto it = scope.find(name);
        if (it != scope.end() && !it->second.refusal.empty()) {
            return &it->second.refusal;
        }
    }
    return nullptr;
}

} // namespace

//! Reports what is wrong, unless that has been done.
void GraphReader::judge(const NodeProto& node, const Opsets& opsets, const Scope& scope) {
    if (judged_->reported.contains(&node)) {
        return;
    }
    const std::int64_t opset = opset_of(opsets, node.domain());
    function_failed_ = false;
    const std::string* refusal = refusal_of(node, scope);
    if (!offered(node, opsets)) {
        return report(node, opset, NodeErrorCode::kUNSUPPORTED_NODE, not_offered(node.domain(), node.op_type()), scope);
    }
    if (refusal != nullptr) {
        report(node, opset, NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, *refusal, scope);
    }
    if (const FunctionProto* function = find_function(node)) {
        return judge_call(*function, node, opsets, scope);
    }
    if (is_default_domain(node.domain()) && is_control(node.op_type())) {
        for (const auto& attribute : node.attribute()) {
            judge_inside(attribute.g().node(), opsets);
        }
    }
}

bool GraphReader::offered(const NodeProto& node, const Opsets& opsets) const {
    if (find_function(node) != nullptr || supports_operator(operator_key(node.domain(), node.op_type()))) {
        return true;
    }
    try {
        return fetch_function(node, opsets, std::vector<Value*>(static_cast<std::size_t>(node.input_size()), nullptr)) != nullptr;
    } catch (const std::exception&) { // a function whose body depends on the types
        return true;
    }
}

void GraphReader::judge_inside(const Nodes& nodes, const Opsets& opsets) {
    if (judged_->depth >= kDeepest) {
        return;
    }
    ++judged_->depth;
    for (const NodeProto& node : nodes) {
        judge(node, opsets, {});
    }
    --judged_->depth;
}

//! A function is judged once; each of its calls is bad then.
void GraphReader::judge_call(const FunctionProto& function, const NodeProto& node, const Opsets& opsets, const Scope& scope) {
    const auto [judged, is_new] = judged_->functions.try_emplace(&function, true);
    if (!is_new) {
        if (!judged->second) {
            report(node, opset_of(opsets, node.domain()), NodeErrorCode::kINVALID_NODE, text("The function '", function.name(), "' cannot be imported."),
                   scope);
        }
        return;
    }
    const std::size_t errors = result_.errors.size();
    calls_.push_back(function.name());
    judge_inside(function.node(), opsets_of(function.opset_import()));
    calls_.pop_back();
    judged_->functions[&function] = result_.errors.size() == errors;
}

} // namespace tensorvk::onnx
