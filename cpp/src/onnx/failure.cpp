#include "onnx/failure.hpp"

#include <exception>
#include <new>

namespace tensorvk::onnx {

Failure current_failure(NodeErrorCode otherwise) {
    constexpr const char* kNoMemory = "The host's memory does not suffice to read this.";
    try {
        throw;
    } catch (const NodeFailure& failure) {
        return {failure.node_code(), failure.what()};
    } catch (const Unsupported& failure) {
        return {NodeErrorCode::kUNSUPPORTED_NODE, failure.what()};
    } catch (const OutOfMemory& failure) {
        return {NodeErrorCode::kMEM_ALLOC_FAILED, failure.what()};
    } catch (const InternalError& failure) {
        return {NodeErrorCode::kINTERNAL_ERROR, failure.what()};
    } catch (const Error& failure) {
        return {otherwise, failure.what()};
    } catch (const std::bad_alloc&) {
        return {NodeErrorCode::kMEM_ALLOC_FAILED, kNoMemory};
    } catch (const std::exception& failure) { // of the standard library, so a check of ours is missing
        return {NodeErrorCode::kINTERNAL_ERROR, text("An unexpected failure inside TensorVK: ", failure.what(), ".")};
    }
}

} // namespace tensorvk::onnx
