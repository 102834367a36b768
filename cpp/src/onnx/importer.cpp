#include "onnx/importer.hpp"

#include <utility>

#include "onnx/failure.hpp"
#include "onnx/graph_reader.hpp"
#include "onnx/names.hpp"
#include "onnx/reader.hpp"

namespace tensorvk::onnx {

std::string describe(const NodeError& error) {
    std::string out;
    for (const std::string& function : error.function_stack) {
        out += text("In function '", shown(function), "': ");
    }
    if (error.node < 0) {
        return out + error.reason;
    }
    out += text("Node ", error.node, error.node_name.empty() ? "" : text(" '", shown(error.node_name), "'"), " (");
    out += text(error.domain.empty() ? "" : text(shown(error.domain), "."), shown(error.op_type), ", opset ",
                error.opset, error.inputs.empty() ? "" : text("; inputs: ", error.inputs), "): ", error.reason);
    return out;
}

namespace {

NodeError model_error(NodeErrorCode code, std::string reason) {
    NodeError error;
    error.code = code;
    error.reason = std::move(reason);
    return error;
}

//! Whatever goes wrong becomes an entry of the result.
template <typename Work>
ImportResult guarded(const Work& work) {
    ImportResult result;
    try {
        work(result);
    } catch (const InvalidModel& failure) {
        result.errors.push_back(model_error(NodeErrorCode::kMODEL_DESERIALIZE_FAILED, failure.what()));
    } catch (...) {
        Failure failure = current_failure(NodeErrorCode::kINVALID_GRAPH);
        result.errors.push_back(model_error(failure.code, std::move(failure.reason)));
    }
    return result;
}

void import_into(std::span<const std::byte> bytes, const std::filesystem::path& path, graph::Network& network,
                 const FunctionSource& functions, ImportResult& result) {
    const auto model = read_model(bytes);
    check_names(*model, result);
    if (!result.ok()) {
        return; // other sentences would quote these names
    }
    check_definitions(*model, result);
    GraphReader(model, path, network, result, functions).read();
}

} // namespace

ImportResult import_model(std::span<const std::byte> bytes, const std::filesystem::path& path, graph::Network& network,
                          const FunctionSource& functions) {
    return guarded([&](ImportResult& result) { import_into(bytes, path, network, functions, result); });
}

ImportResult import_file(const std::filesystem::path& file, graph::Network& network, const FunctionSource& functions) {
    return guarded([&](ImportResult& result) { import_into(read_file(file), file, network, functions, result); });
}

} // namespace tensorvk::onnx
