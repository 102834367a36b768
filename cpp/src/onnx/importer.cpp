#include "onnx/importer.hpp"

#include <algorithm>
#include <new>

#include "onnx/failure.hpp"
#include "onnx/graph_reader.hpp"
#include "onnx/reader.hpp"

namespace tensorvk::onnx {

std::string describe(const NodeError& error) {
    std::string out;
    for (const std::string& function : error.function_stack) {
        out += text("In function '", function, "': ");
    }
    if (error.node < 0) {
        return out + error.reason;
    }
    out += text("Node ", error.node, error.node_name.empty() ? "" : text(" '", error.node_name, "'"), " (");
    out += text(error.domain.empty() ? "" : text(error.domain, "."), error.op_type, ", opset ", error.opset,
                "): ", error.reason);
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
    } catch (const NodeFailure& failure) {
        result.errors.push_back(model_error(failure.node_code(), failure.what()));
    } catch (const InvalidModel& failure) {
        result.errors.push_back(model_error(NodeErrorCode::kMODEL_DESERIALIZE_FAILED, failure.what()));
    } catch (const Error& failure) {
        result.errors.push_back(model_error(NodeErrorCode::kINVALID_GRAPH, failure.what()));
    } catch (const std::bad_alloc&) {
        result.errors.push_back(
            model_error(NodeErrorCode::kMEM_ALLOC_FAILED, "The host's memory does not suffice to read the model."));
    }
    return result;
}

void import_into(std::span<const std::byte> bytes, const std::filesystem::path& path, graph::Network& network,
                 ImportResult& result) {
    const auto model = read_model(bytes);
    read_graph(model, path, network, result);
}

} // namespace

ImportResult import_model(std::span<const std::byte> bytes, const std::filesystem::path& path,
                          graph::Network& network) {
    return guarded([&](ImportResult& result) { import_into(bytes, path, network, result); });
}

ImportResult import_file(const std::filesystem::path& file, graph::Network& network) {
    return guarded([&](ImportResult& result) { import_into(read_file(file), file, network, result); });
}

} // namespace tensorvk::onnx
