#include "onnx/operators.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "graph/operators.hpp"
#include "onnx/control.hpp"
#include "onnx/names.hpp"

namespace tensorvk::onnx {

namespace {

const std::map<std::string_view, Operator>& table() {
    static const std::map<std::string_view, Operator> operators = [] {
        std::map<std::string_view, Operator> all;
        for (const auto family :
             {activation_operators(), arithmetic_operators(), attention_operators(), batch_normalization_operators(), constant_operators(),
              convolution_operators(), matrix_operators(), microsoft_operators(), microsoft_attention_operators(), microsoft_cache_operators(),
              microsoft_product_operators(), microsoft_quantized_operators(), microsoft_standard_operators(), movement_operators(),
              normalization_operators(), quantize_operators(), reduction_operators(), resize_operators(), sequence_operators(), shape_operators(), slice_operators()}) {
            for (const Operator& op : family) {
                if (!all.emplace(op.name, op).second) {
                    throw InternalError(text("Two importers have the name '", op.name, "'."));
                }
            }
        }
        return all;
    }();
    return operators;
}

//! Number of single-character edits between two words.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

} // namespace

const Operator* find_operator(std::string_view name) {
    const auto it = table().find(name);
    return it == table().end() ? nullptr : &it->second;
}

std::string nearest_operator(std::string_view name) {
    std::string best;
    const std::size_t letters = name.size() - (name.rfind('.') + 1); // without the domain
    std::size_t smallest = (letters + 2) / 4 + 1;                    // more edits than that are another word
    if (name.size() > 64) {
        return best;
    }
    for (const std::string& candidate : supported_operators()) {
        const std::size_t edits = distance(name, candidate);
        if (edits < smallest) {
            smallest = edits;
            best = candidate;
        }
    }
    return best;
}

std::string operator_key(std::string_view domain, std::string_view op_type) {
    const bool standard = domain.empty() || domain == "ai.onnx";
    if (op_type.find('.') != std::string_view::npos) { // "com.microsoft.Gelu" is no operator of the default domain
        return text(standard ? "ai.onnx" : domain, "/", op_type);
    }
    return standard ? std::string(op_type) : text(domain, ".", op_type);
}

std::string not_offered(std::string_view domain, std::string_view op_type) {
    const std::string key = operator_key(domain, op_type);
    if (domain.starts_with("TRT") || op_type.ends_with("_TRT")) {
        const bool selects = op_type.find("NMS") != std::string_view::npos;
        return text("TensorRT plug-ins are not offered ('", shown(key), "'); export the model with ",
                    selects ? "NonMaxSuppression." : "ONNX operators in its place.");
    }
    if (const std::string nearest = nearest_operator(key); !nearest.empty()) {
        return text("There is no importer for the operator '", shown(key), "'; did you mean '", nearest, "'?");
    }
    return key == op_type ? text("There is no importer for the operator '", shown(key), "'; replace it by operators that are offered, or cut the model before it.")
                          : text("The operator '", shown(key), "' is not offered; export the model with operators of the default domain or com.microsoft "
                                 "that are, or cut it before the node.");
}

bool supports_operator(std::string_view op_type) {
    return find_operator(op_type) != nullptr || graph::find_operator_rule(op_type) != nullptr || is_control(op_type);
}

std::vector<std::string> supported_operators() {
    std::set<std::string_view> names{"If", "Loop", "Scan"};
    for (const auto& [name, op] : table()) {
        names.insert(name);
    }
    for (const std::string_view name : graph::operator_rule_names()) {
        names.insert(name);
    }
    return {names.begin(), names.end()};
}

} // namespace tensorvk::onnx
