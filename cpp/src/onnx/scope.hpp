// What names and operator sets mean in one graph or function body.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "onnx/context.hpp"

namespace tensorvk::onnx {

using Scope = std::unordered_map<std::string, Value>;
//! Versions by domain; the default domain is "".
using Opsets = std::unordered_map<std::string, std::int64_t>;

[[nodiscard]] inline bool is_default_domain(const std::string& domain) {
    return domain.empty() || domain == "ai.onnx";
}

template <typename Imports>
[[nodiscard]] Opsets opsets_of(const Imports& imports) {
    Opsets out;
    for (const auto& entry : imports) {
        out[is_default_domain(entry.domain()) ? "" : entry.domain()] = entry.version();
    }
    return out;
}

//! 1 for domains that the model does not import.
[[nodiscard]] inline std::int64_t opset_of(const Opsets& opsets, const std::string& domain) {
    const auto it = opsets.find(is_default_domain(domain) ? "" : domain);
    return it == opsets.end() ? 1 : it->second;
}

} // namespace tensorvk::onnx
