// Why one node cannot be imported: a sentence and the parser's error code for it.
#pragma once

#include <string>

#include "onnx/importer.hpp"
#include "support/error.hpp"

namespace tensorvk::onnx {

class NodeFailure : public Error {
  public:
    NodeFailure(NodeErrorCode code, const std::string& reason)
        : Error(ErrorCode::kINVALID_ARGUMENT, reason), node_code_(code) {}
    [[nodiscard]] NodeErrorCode node_code() const noexcept { return node_code_; }

  private:
    NodeErrorCode node_code_;
};

//! A node needs what a refused node makes: it is not to blame.
struct RefusedInput {};

template <typename... Parts>
[[noreturn]] void fail(NodeErrorCode code, const Parts&... parts) {
    throw NodeFailure(code, text(parts...));
}

//! The exception being handled as an entry of the parser's error list.
struct Failure {
    NodeErrorCode code;
    std::string reason;
};
//! Whether the node is valid, but not offered in this form.
[[nodiscard]] constexpr bool is_refusal(NodeErrorCode code) noexcept {
    return code >= NodeErrorCode::kUNSUPPORTED_NODE && code <= NodeErrorCode::kUNSUPPORTED_NODE_SHAPE;
}
//! `otherwise` is the code of an Error that has none of its own. Lets through what is no std::exception.
[[nodiscard]] Failure current_failure(NodeErrorCode otherwise);

} // namespace tensorvk::onnx
