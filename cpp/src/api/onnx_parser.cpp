#include "tensorvk/onnx_parser.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <span>

#include "api/network_state.hpp"
#include "onnx/importer.hpp"
#include "support/utf8.hpp"

namespace tensorvk::onnxparser {

namespace {

class NodeParserError final : public IParserError {
  public:
    NodeParserError(onnx::NodeError error, std::string file)
        : error_(in_utf8(std::move(error))),
          sentence_(error_.node < 0 ? error_.reason : onnx::describe(error_)),
          file_(std::move(file)),
          importer_("import" + error_.op_type) {
        for (const std::string& name : error_.function_stack) {
            stack_.push_back(name.c_str());
        }
    }
    [[nodiscard]] ErrorCode code() const override { return static_cast<ErrorCode>(error_.code); }
    [[nodiscard]] const char* desc() const override { return sentence_.c_str(); }
    [[nodiscard]] const char* file() const override { return file_.c_str(); }
    [[nodiscard]] int line() const override { return 0; }
    [[nodiscard]] const char* func() const override {
        return error_.op_type.empty() ? "importModel" : importer_.c_str();
    }
    [[nodiscard]] int node() const override { return error_.node; }
    [[nodiscard]] const char* nodeName() const override { return error_.node_name.c_str(); }
    [[nodiscard]] const char* nodeOperator() const override { return error_.op_type.c_str(); }
    [[nodiscard]] const char* const* localFunctionStack() const override { return stack_.data(); }
    [[nodiscard]] int32_t localFunctionStackSize() const override { return static_cast<int32_t>(stack_.size()); }

  private:
    //! What is refused for not being UTF-8 is told in UTF-8 nevertheless.
    static onnx::NodeError in_utf8(onnx::NodeError error) {
        for (std::string* part : {&error.reason, &error.node_name, &error.op_type, &error.domain}) {
            *part = as_utf8(*part);
        }
        std::ranges::transform(error.function_stack, error.function_stack.begin(), as_utf8);
        return error;
    }

    onnx::NodeError error_;
    std::string sentence_; // names the node
    std::string file_;
    std::string importer_;
    std::vector<const char*> stack_;
};

//! The error recorder's code for the parser's. Numbers 7 and above are its kinds of what is not offered.
tensorvk::ErrorCode recorded_code(onnx::NodeErrorCode code) {
    switch (code) {
        case onnx::NodeErrorCode::kINTERNAL_ERROR:
            return tensorvk::ErrorCode::kINTERNAL_ERROR;
        case onnx::NodeErrorCode::kMEM_ALLOC_FAILED:
            return tensorvk::ErrorCode::kFAILED_ALLOCATION;
        default:
            return code < onnx::NodeErrorCode::kUNSUPPORTED_GRAPH ? tensorvk::ErrorCode::kINVALID_ARGUMENT
                                                                  : tensorvk::ErrorCode::kUNSUPPORTED_STATE;
    }
}

struct Subgraph {
    std::vector<int64_t> nodes;
    bool supported = true;
};

std::vector<Subgraph> subgraphs_of(const onnx::ImportResult& result) {
    std::vector<bool> supported(result.node_count, true);
    for (const onnx::NodeError& error : result.errors) {
        if (error.node < 0) {
            return {}; // the file is to blame: no node was judged
        }
        supported.at(static_cast<std::size_t>(error.node)) = false;
    }
    std::vector<Subgraph> subgraphs;
    for (std::size_t node = 0; node < supported.size(); ++node) {
        if (subgraphs.empty() || subgraphs.back().supported != supported[node]) {
            subgraphs.push_back({{}, supported[node]});
        }
        subgraphs.back().nodes.push_back(static_cast<int64_t>(node));
    }
    return subgraphs;
}

} // namespace

struct IParser::State {
    std::shared_ptr<api::NetworkState> network;
    std::shared_ptr<api::Reporter> reporter;
    std::vector<std::shared_ptr<const IParserError>> errors;
    std::vector<Subgraph> subgraphs{};
    onnx::FunctionSource functions{};

    //! Runs an import and keeps its errors; true when there are none.
    template <typename Import>
    bool run(const std::string& file, Import&& import) {
        errors.clear();
        return api::guarded(*reporter, false, [&] { return take(file, import()); });
    }

    bool take(const std::string& file, const onnx::ImportResult& result) {
        for (const std::string& warning : result.warnings) {
            reporter->log(Severity::kWARNING, warning);
        }
        for (const onnx::NodeError& error : result.errors) {
            errors.push_back(std::make_shared<NodeParserError>(error, file));
        }
        if (result.ok()) {
            return true;
        }
        for (std::size_t i = 1; i < result.errors.size(); ++i) { // the first is reported when it is thrown
            reporter->error(recorded_code(result.errors[i].code), onnx::describe(result.errors[i]));
        }
        const onnx::NodeError& first = result.errors.front();
        const std::string sentence = onnx::describe(first);
        throw Error(recorded_code(first.code),
                    result.errors.size() == 1
                        ? sentence
                        : text("The ONNX model has ", result.errors.size(),
                               " mistakes that keep it from being imported; the first: ", sentence));
    }
};

// The network's error recorder (or its builder's) is the parser's as well.
IParser::IParser(std::shared_ptr<api::NetworkState> network, std::shared_ptr<ILogger> logger)
    : state_(std::make_unique<State>()) {
    const std::shared_ptr<const api::Reporter> parent(network, &network->reporter());
    state_->reporter = std::make_shared<api::Reporter>(std::move(logger), parent);
    state_->network = std::move(network);
}
IParser::~IParser() = default;

bool IParser::parse(const void* model, std::size_t bytes, const char* modelPath) {
    const std::string path = modelPath == nullptr ? "" : modelPath;
    return state_->run(path, [&] {
        return onnx::import_model({static_cast<const std::byte*>(model), model == nullptr ? 0 : bytes}, path,
                                  state_->network->graph(), state_->functions);
    });
}

bool IParser::parseFromFile(const char* path, int) {
    const std::string file = path == nullptr ? "" : path;
    return state_->run(file, [&] { return onnx::import_file(file, state_->network->graph(), state_->functions); });
}

bool IParser::supportsModelV2(const void* model, std::size_t bytes, const char* modelPath) {
    const std::string path = modelPath == nullptr ? "" : modelPath;
    state_->subgraphs.clear();
    return state_->run(path, [&] {
        graph::Network scratch;
        auto result =
            onnx::import_model({static_cast<const std::byte*>(model), model == nullptr ? 0 : bytes}, path, scratch,
                               state_->functions);
        state_->subgraphs = subgraphs_of(result);
        return result;
    });
}

int64_t IParser::getNbSubgraphs() const {
    return static_cast<int64_t>(state_->subgraphs.size());
}

bool IParser::isSubgraphSupported(int64_t index) const {
    return index >= 0 && index < getNbSubgraphs() && state_->subgraphs[static_cast<std::size_t>(index)].supported;
}

const int64_t* IParser::getSubgraphNodes(int64_t index, int64_t& length) const {
    const bool exists = index >= 0 && index < getNbSubgraphs();
    const Subgraph* subgraph = exists ? &state_->subgraphs[static_cast<std::size_t>(index)] : nullptr;
    length = exists ? static_cast<int64_t>(subgraph->nodes.size()) : 0;
    return exists ? subgraph->nodes.data() : nullptr;
}

bool IParser::supportsModel(const void* model, std::size_t bytes, SubGraphCollection_t& subgraphs,
                            const char* modelPath) {
    const bool supported = supportsModelV2(model, bytes, modelPath);
    subgraphs.clear();
    for (const Subgraph& subgraph : state_->subgraphs) {
        subgraphs.push_back({{subgraph.nodes.begin(), subgraph.nodes.end()}, subgraph.supported});
    }
    return supported;
}

//! Also those that stand for others, as the function source knows.
bool IParser::supportsOperator(const char* name) const {
    if (name == nullptr || onnx::supports_operator(name)) {
        return name != nullptr;
    }
    const std::string key = name;
    const auto dot = key.rfind('.');
    const std::string domain = dot == std::string::npos ? "" : key.substr(0, dot);
    const onnx::FunctionQuery query{key.substr(dot == std::string::npos ? 0 : dot + 1), domain, std::numeric_limits<int32_t>::max(), {}, {}};
    return api::guarded(*state_->reporter, false, [&] { return state_->functions && !state_->functions(query).empty(); });
}

void IParser::setFunctionSource(std::shared_ptr<IFunctionSource> source) {
    if (source == nullptr) {
        state_->functions = {};
        return;
    }
    state_->functions = [source = std::move(source)](const onnx::FunctionQuery& query) {
        return source->getFunction(query.op_type, query.domain, query.opset, query.node, query.input_types);
    };
}

int32_t IParser::getNbErrors() const {
    return static_cast<int32_t>(state_->errors.size());
}
std::shared_ptr<const IParserError> IParser::shareError(int32_t index) const {
    return index < 0 || index >= getNbErrors() ? nullptr : state_->errors[static_cast<std::size_t>(index)];
}
const IParserError* IParser::getError(int32_t index) const {
    return shareError(index).get();
}
void IParser::clearErrors() {
    state_->errors.clear();
}

ITensor* IParser::getLayerOutputTensor(const char* layerName, int64_t index) const {
    for (const auto& layer : state_->network->graph().layers()) {
        if (layerName != nullptr && layer->name == layerName && index >= 0 &&
            static_cast<std::size_t>(index) < layer->outputs.size()) {
            return state_->network->wrap(layer->outputs[static_cast<std::size_t>(index)]);
        }
    }
    return nullptr;
}

IParser* createParser(INetworkDefinition& network, ILogger& logger) {
    return new IParser(api::Access::state(network), api::unowned(&logger));
}

} // namespace tensorvk::onnxparser
