// Reads ONNX files into a network.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tensorvk/network.h"

namespace tensorvk::onnxparser {

enum class ErrorCode : int32_t {
    kSUCCESS = 0,
    kINTERNAL_ERROR = 1,
    kMEM_ALLOC_FAILED = 2,
    kMODEL_DESERIALIZE_FAILED = 3,
    kINVALID_VALUE = 4,
    kINVALID_GRAPH = 5,
    kINVALID_NODE = 6,
    kUNSUPPORTED_GRAPH = 7,
    kUNSUPPORTED_NODE = 8,
    kUNSUPPORTED_NODE_ATTR = 9,
    kUNSUPPORTED_NODE_INPUT = 10,
    kUNSUPPORTED_NODE_DATATYPE = 11,
    kUNSUPPORTED_NODE_DYNAMIC = 12,
    kUNSUPPORTED_NODE_SHAPE = 13,
    kREFIT_FAILED = 14,
};

enum class OnnxParserFlag : int32_t {
    kNATIVE_INSTANCENORM = 0,
    kENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA = 1,
    kREPORT_CAPABILITY_DLA = 2,
    kENABLE_PLUGIN_OVERRIDE = 3,
    kADJUST_FOR_DLA = 4,
};

//! One thing that is wrong with a model. A parse reports all bad nodes at once.
class IParserError {
  public:
    virtual ~IParserError() = default;
    [[nodiscard]] virtual ErrorCode code() const = 0;
    [[nodiscard]] virtual const char* desc() const = 0; //!< one sentence, which names the node
    [[nodiscard]] virtual const char* file() const = 0; //!< the model's file; "" when parsed from memory
    [[nodiscard]] virtual int line() const = 0;         //!< 0: models have no lines
    [[nodiscard]] virtual const char* func() const = 0; //!< the importer's name
    [[nodiscard]] virtual int node() const = 0;         //!< index of the node in the graph; -1 when no node is to blame
    [[nodiscard]] virtual const char* nodeName() const = 0;
    [[nodiscard]] virtual const char* nodeOperator() const = 0;
    [[nodiscard]] virtual const char* const* localFunctionStack() const = 0;
    [[nodiscard]] virtual int32_t localFunctionStackSize() const = 0;
};

//! Indices of nodes, and whether they would parse.
using SubGraph_t = std::pair<std::vector<std::size_t>, bool>;
using SubGraphCollection_t = std::vector<SubGraph_t>;

//! Where the bodies of operators that are functions come from.
class IFunctionSource {
  public:
    virtual ~IFunctionSource() = default;
    //! A serialized FunctionProto that does what the operator does, with its inputs, outputs and attributes; empty when the operator is
    //! no function. `node`: the serialized NodeProto; `inputTypes`: a serialized TypeProto for each input, empty for an absent one.
    //! Called while a model is parsed, on the same thread. What it throws becomes the node's error.
    [[nodiscard]] virtual std::string getFunction(const std::string& opType, const std::string& domain, int64_t opset,
                                                  const std::string& node, const std::vector<std::string>& inputTypes) = 0;
};

class IParser {
  public:
    IParser(std::shared_ptr<api::NetworkState> network, std::shared_ptr<ILogger> logger);
    IParser(const IParser&) = delete;
    IParser& operator=(const IParser&) = delete;
    virtual ~IParser();
    void destroy() { delete this; }

    //! Reads a serialized ModelProto into the network. `modelPath`: where the model came from; external data must lie
    //! in its folder. False, with one error per bad node, when the model is damaged or has nodes that TensorVK does not
    //! know.
    bool parse(const void* model, std::size_t bytes, const char* modelPath = nullptr);
    //! `verbosity` is TensorRT's and has no effect; the logger decides.
    bool parseFromFile(const char* path, int verbosity = 0);
    //! Whether the model would parse; the network is not changed and errors are reported as parse() does.
    bool supportsModelV2(const void* model, std::size_t bytes, const char* modelPath = nullptr);
    //! Runs of neighbouring nodes that the last supportsModelV2() found all importable or all not; none for a file that
    //! cannot be read. Nodes that only depend on bad ones are not blamed and count as importable.
    [[nodiscard]] int64_t getNbSubgraphs() const;
    [[nodiscard]] bool isSubgraphSupported(int64_t index) const; //!< false for a wrong index
    //! Null and a length of 0 for a wrong index; valid until the next supportsModelV2().
    [[nodiscard]] const int64_t* getSubgraphNodes(int64_t index, int64_t& length) const;
    //! supportsModelV2() with its subgraphs, as TensorRT <= 10 has it.
    bool supportsModel(const void* model, std::size_t bytes, SubGraphCollection_t& subgraphs,
                       const char* modelPath = nullptr);
    //! Whether an operator of the default domain is offered.
    [[nodiscard]] bool supportsOperator(const char* name) const;

    //! Asked for the bodies of operators that are not known here: most new operators are functions of older ones. Null: none is asked.
    void setFunctionSource(std::shared_ptr<IFunctionSource> source);

    [[nodiscard]] int32_t getNbErrors() const;
    [[nodiscard]] const IParserError* getError(
        int32_t index) const; //!< null for a wrong index; valid until the next parse or clearErrors
    //! The same, valid for as long as it is held.
    [[nodiscard]] std::shared_ptr<const IParserError> shareError(int32_t index) const;
    void clearErrors();

    void setFlags(uint32_t flags) { flags_ = flags; }
    [[nodiscard]] uint32_t getFlags() const { return flags_; }
    void setFlag(OnnxParserFlag flag) { flags_ |= 1U << static_cast<uint32_t>(flag); }
    void clearFlag(OnnxParserFlag flag) { flags_ &= ~(1U << static_cast<uint32_t>(flag)); }
    [[nodiscard]] bool getFlag(OnnxParserFlag flag) const { return (flags_ >> static_cast<uint32_t>(flag) & 1U) != 0; }
    //! The tensor that output `index` of the layer named `layerName` is; null when there is none.
    [[nodiscard]] ITensor* getLayerOutputTensor(const char* layerName, int64_t index) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
    uint32_t flags_ = 1U << static_cast<uint32_t>(OnnxParserFlag::kNATIVE_INSTANCENORM);
};

//! The network and the logger must outlive the parser. The caller owns the result.
[[nodiscard]] IParser* createParser(INetworkDefinition& network, ILogger& logger);

} // namespace tensorvk::onnxparser
