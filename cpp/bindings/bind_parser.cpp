// OnnxParser and ParserError.
#include <optional>

#include "share.hpp"
#include "tensorvk/onnx_parser.h"

namespace tensorvk::bindings {

namespace {

using onnxparser::IParser;
using onnxparser::IParserError;
using Released = py::call_guard<GilRelease>;

std::string describe(const IParserError& error) {
    const std::string code = py::str(py::cast(error.code())).cast<std::string>();
    return text(error.func(), ": ", code.substr(sizeof("ErrorCode")), ": ", error.desc());
}

void bind_error(py::module_& module) {
    py::class_<IParserError, std::shared_ptr<IParserError>>(module, "ParserError",
                                                            "One thing that is wrong with a model.")
        .def("code", &IParserError::code)
        .def("desc", &IParserError::desc, "One sentence.")
        .def("file", &IParserError::file)
        .def("line", &IParserError::line)
        .def("func", &IParserError::func)
        .def("node", &IParserError::node, "Index of the node in the graph; -1 when no node is to blame.")
        .def("node_name", &IParserError::nodeName)
        .def("node_operator", &IParserError::nodeOperator)
        .def("local_function_stack",
             [](const IParserError& self) {
                 const char* const* names = self.localFunctionStack();
                 return std::vector<std::string>(names, names + self.localFunctionStackSize());
             })
        .def("local_function_stack_size", &IParserError::localFunctionStackSize)
        .def("__str__", &describe)
        .def("__repr__", &describe);
}

//! A Python function, or tensorvk.onnx_functions.find when there is none.
class PyFunctionSource final : public onnxparser::IFunctionSource {
  public:
    explicit PyFunctionSource(std::optional<py::object> find) : find_(std::move(find)) {}
    PyFunctionSource(const PyFunctionSource&) = delete;
    PyFunctionSource& operator=(const PyFunctionSource&) = delete;
    ~PyFunctionSource() override {
        const GilAcquire gil;
        find_.reset();
    }

    [[nodiscard]] std::string getFunction(const std::string& op_type, const std::string& domain, int64_t opset,
                                          const std::string& node, const std::vector<std::string>& input_types) override {
        const GilAcquire gil;
        try {
            py::list types;
            for (const std::string& type : input_types) {
                types.append(py::bytes(type));
            }
            const py::object find = find_ ? *find_ : py::module_::import("tensorvk.onnx_functions").attr("find");
            const py::object body = call_python(find, py::make_tuple(op_type, domain, opset, py::bytes(node), types));
            return body.is_none() ? std::string() : body.cast<std::string>();
        } catch (const py::error_already_set& error) {
            const auto kind = error.type().attr("__name__").cast<std::string>();
            throw Error(ErrorCode::kINVALID_ARGUMENT,
                        text("The function source failed with ", kind, ": ", py::str(error.value()).cast<std::string>(), "."));
        } catch (const py::cast_error&) {
            throw Error(ErrorCode::kINVALID_ARGUMENT, "The function source returned neither bytes nor None.");
        }
    }

  private:
    std::optional<py::object> find_;
};

template <bool (IParser::*method)(const void*, std::size_t, const char*)>
bool read(IParser& self, const py::object& model, const std::optional<std::string>& path) {
    const ByteView bytes(model);
    const GilRelease release;
    return (self.*method)(bytes.data(), bytes.size(), path ? path->c_str() : nullptr);
}

void check_subgraph(const IParser& self, int64_t index) {
    if (index < 0 || index >= self.getNbSubgraphs()) {
        throw py::index_error(
            text("The parser knows ", self.getNbSubgraphs(), " subgraphs; there is no subgraph ", index, "."));
    }
}

std::vector<int64_t> subgraph_nodes(const IParser& self, int64_t index) {
    check_subgraph(self, index);
    int64_t length = 0;
    const int64_t* nodes = self.getSubgraphNodes(index, length);
    return {nodes, nodes + length};
}

} // namespace

void bind_parser(py::module_& module) {
    bind_error(module);
    py::class_<IParser, std::shared_ptr<IParser>> cls(
        module, "OnnxParser", "Reads ONNX models into a network; reports all bad nodes at once.");
    cls.def(py::init([](const INetworkDefinition& network, ILogger& logger) {
                auto parser = std::make_shared<IParser>(api::Access::state(network), keep(&logger));
                parser->setFunctionSource(std::make_shared<PyFunctionSource>(std::nullopt));
                return parser;
            }),
            py::arg("network"), py::arg("logger"))
        .def("parse", &read<&IParser::parse>, py::arg("model"), py::arg("path") = py::none(),
             "model: a serialized ModelProto; path: where it came from, for external data.")
        .def(
            "parse_with_weight_descriptors",
            [](IParser& self, const py::object& model) { return read<&IParser::parse>(self, model, std::nullopt); },
            py::arg("model"))
        .def(
            "parse_from_file",
            [](IParser& self, const std::string& model) { return self.parseFromFile(model.c_str()); }, py::arg("model"),
            Released())
        .def("supports_model_v2", &read<&IParser::supportsModelV2>, py::arg("model"), py::arg("path") = py::none())
        .def(
            "supports_model",
            [](IParser& self, const py::object& model, const std::optional<std::string>& path) {
                const bool supported = read<&IParser::supportsModelV2>(self, model, path);
                std::vector<std::pair<std::vector<int64_t>, bool>> subgraphs;
                for (int64_t i = 0; i < self.getNbSubgraphs(); ++i) {
                    subgraphs.emplace_back(subgraph_nodes(self, i), self.isSubgraphSupported(i));
                }
                return std::pair(supported, subgraphs);
            },
            py::arg("model"), py::arg("path") = py::none(), "(bool, [([node index, ...], supported), ...]).")
        .def_property_readonly("num_subgraphs", &IParser::getNbSubgraphs,
                               "Of the model last given to supports_model_v2: runs of nodes all supported or all not.")
        .def(
            "is_subgraph_supported",
            [](const IParser& self, int64_t index) {
                check_subgraph(self, index);
                return self.isSubgraphSupported(index);
            },
            py::arg("index"))
        .def("get_subgraph_nodes", &subgraph_nodes, py::arg("index"))
        .def("supports_operator", &IParser::supportsOperator, py::arg("op_name"))
        .def(
            "set_function_source",
            [](IParser& self, const std::optional<py::function>& source) {
                self.setFunctionSource(source ? std::make_shared<PyFunctionSource>(*source) : nullptr);
            },
            py::arg("source"),
            "source(op_type, domain, opset, node, input_types) -> serialized FunctionProto or None, asked for operators "
            "that are not known; None: none is asked. Without this call it is tensorvk.onnx_functions.find.")
        .def_property_readonly("num_errors", &IParser::getNbErrors)
        .def(
            "get_error",
            [](const IParser& self, int32_t index) {
                const auto error = self.shareError(index);
                if (error == nullptr) {
                    throw py::index_error(
                        text("The parser has ", self.getNbErrors(), " errors; there is no error ", index, "."));
                }
                return std::const_pointer_cast<IParserError>(error);
            },
            py::arg("index"))
        .def("clear_errors", &IParser::clearErrors)
        .def_property("flags", &IParser::getFlags, &IParser::setFlags, "Bitmask of 1 << int(OnnxParserFlag).")
        .def("set_flag", &IParser::setFlag, py::arg("flag"))
        .def("clear_flag", &IParser::clearFlag, py::arg("flag"))
        .def("get_flag", &IParser::getFlag, py::arg("flag"))
        .def("get_used_vc_plugin_libraries", [](const IParser&) { return std::vector<std::string>(); })
        .def(
            "get_layer_output_tensor",
            [](const IParser& self, const std::string& name, int64_t index) {
                return share(self.getLayerOutputTensor(name.c_str(), index));
            },
            py::arg("name"), py::arg("i"));
    add_context_manager(cls);
}

} // namespace tensorvk::bindings
