#include "graph/operators.hpp"

#include <map>

namespace tensorvk::graph {

namespace {

const std::map<std::string_view, OperatorRule>& table() {
    static const std::map<std::string_view, OperatorRule> rules = [] {
        std::map<std::string_view, OperatorRule> all;
        for (const auto family : {
                 selection_rules(),
                 index_rules(),
                 reduction_rules(),
                 quantize_rules(),
                 recurrent_rules(),
                 spatial_rules(),
                 attention_rules(),
                 signal_rules(),
                 bits_rules(),
                 movement_rules(),
                 loss_rules(),
                 matrix_rules(),
                 fill_rules(),
                 sequence_rules(),
                 einsum_rules(),
                 microsoft_rules(),
             }) {
            for (const OperatorRule& rule : family) {
                if (!all.emplace(rule.name, rule).second) {
                    throw InternalError(text("Two shape rules have the name '", rule.name, "'."));
                }
            }
        }
        return all;
    }();
    return rules;
}

} // namespace

const OperatorRule* find_operator_rule(std::string_view name) {
    const auto it = table().find(name);
    return it == table().end() ? nullptr : &it->second;
}

std::vector<std::string_view> operator_rule_names() {
    std::vector<std::string_view> names;
    for (const auto& [name, rule] : table()) {
        names.push_back(name);
    }
    return names;
}

std::vector<Inferred> operator_rule(RuleContext& context) {
    const std::string& op = context.attributes<OperatorAttributes>().op;
    const OperatorRule* rule = find_operator_rule(op);
    if (rule == nullptr) {
        context.unsupported("is the operator '", op, "', which is not offered.");
    }
    const std::size_t count = context.input_count();
    if (count < rule->min_inputs || count > rule->max_inputs) {
        context.fail("takes ", rule->min_inputs,
                     rule->max_inputs == kAnyCount              ? text(" or more")
                     : rule->max_inputs == rule->min_inputs ? text("")
                                                            : text(" to ", rule->max_inputs),
                     " inputs, ", count, " were given.");
    }
    const std::size_t required = rule->max_inputs == kAnyCount ? count : rule->min_inputs;
    for (std::size_t i = 0; i < required; ++i) {
        const bool may_be_absent = i < 32 && ((rule->absent >> i) & 1U) != 0;
        if (!may_be_absent && context.optional_input(i) == nullptr) {
            context.fail("needs input ", i, ", which is missing.");
        }
    }
    return rule->infer(context);
}

} // namespace tensorvk::graph
