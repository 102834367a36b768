// Loops, conditionals and attention.
#include "enum_table.hpp"
#include "only_property.hpp"
#include "share.hpp"
#include "tensorvk/control_layers.h"

namespace tensorvk::bindings {

namespace {

template <typename Layer, typename Base>
using LayerClass = py::class_<Layer, Base, std::shared_ptr<Layer>>;

void bind_loop_layers(py::module_& module) {
    using Boundary = ILoopBoundaryLayer;
    LayerClass<Boundary, ILayer>(module, "ILoopBoundaryLayer", "A layer that marks a loop.")
        .def_property_readonly("loop", [](const Boundary& self) { return share(self.getLoop()); });
    LayerClass<ITripLimitLayer, Boundary>(module, "ITripLimitLayer", "How often a loop runs.")
        .def_property_readonly("kind", &ITripLimitLayer::getTripLimit);
    LayerClass<IRecurrenceLayer, Boundary>(module, "IRecurrenceLayer",
                                           "A value that a loop carries on: set_input(1, tensor) gives that of the next iteration.");
    LayerClass<IIteratorLayer, Boundary>(module, "IIteratorLayer", "One slice of a tensor in each iteration.")
        .def_property("axis", &IIteratorLayer::getAxis, &IIteratorLayer::setAxis)
        .def_property("reverse", &IIteratorLayer::getReverse, &IIteratorLayer::setReverse);
    LayerClass<ILoopOutputLayer, Boundary>(module, "ILoopOutputLayer",
                                           "What a loop gives; set_input(1, length) says how long CONCATENATE and REVERSE are.")
        .def_property("axis", &ILoopOutputLayer::getAxis, &ILoopOutputLayer::setAxis)
        .def_property_readonly("kind", &ILoopOutputLayer::getLoopOutput);
}

void bind_loop(py::class_<ILoop, std::shared_ptr<ILoop>>& cls) {
    cls.def(
           "add_recurrence", [](ILoop& self, ITensor& initial) { return share(self.addRecurrence(initial)); }, py::arg("initial_value"))
        .def(
            "add_trip_limit", [](ILoop& self, ITensor& tensor, TripLimit kind) { return share(self.addTripLimit(tensor, kind)); },
            py::arg("tensor"), py::arg("kind"))
        .def(
            "add_iterator",
            [](ILoop& self, ITensor& tensor, int32_t axis, bool reverse) { return share(self.addIterator(tensor, axis, reverse)); },
            py::arg("tensor"), py::arg("axis") = 0, py::arg("reverse") = false)
        .def(
            "add_loop_output",
            [](ILoop& self, ITensor& tensor, LoopOutput kind, int32_t axis) { return share(self.addLoopOutput(tensor, kind, axis)); },
            py::arg("tensor"), py::arg("kind"), py::arg("axis") = 0)
        .def_property("name", &ILoop::getName, &ILoop::setName);
}

void bind_conditional_layers(py::module_& module) {
    using Boundary = IIfConditionalBoundaryLayer;
    LayerClass<Boundary, ILayer>(module, "IIfConditionalBoundaryLayer", "A layer that marks a conditional.")
        .def_property_readonly("conditional", [](const Boundary& self) { return share(self.getConditional()); });
    LayerClass<IConditionLayer, Boundary>(module, "IConditionLayer", "What decides.");
    LayerClass<IIfConditionalInputLayer, Boundary>(module, "IIfConditionalInputLayer", "A value that enters the branches.");
    LayerClass<IIfConditionalOutputLayer, Boundary>(module, "IIfConditionalOutputLayer", "What one branch or the other gives.");
}

void bind_conditional(py::class_<IIfConditional, std::shared_ptr<IIfConditional>>& cls) {
    cls.def(
           "set_condition", [](IIfConditional& self, ITensor& condition) { return share(self.setCondition(condition)); },
           py::arg("condition"))
        .def("add_input", [](IIfConditional& self, ITensor& input) { return share(self.addInput(input)); }, py::arg("input"))
        .def(
            "add_output", [](IIfConditional& self, ITensor& yes, ITensor& no) { return share(self.addOutput(yes, no)); },
            py::arg("true_subgraph_output"), py::arg("false_subgraph_output"))
        .def_property("name", &IIfConditional::getName, &IIfConditional::setName);
}

void bind_attention(py::class_<IAttention, std::shared_ptr<IAttention>>& cls) {
    cls.def_property("norm_op", &IAttention::getNormalizationOperation,
                     [](IAttention& self, AttentionNormalizationOp op) { require(self.setNormalizationOperation(op)); })
        .def_property("causal", &IAttention::getCausal, [](IAttention& self, bool causal) { require(self.setCausal(causal)); })
        .def_property("causal_kind", &IAttention::getCausalKind,
                      [](IAttention& self, CausalMaskKind kind) { require(self.setCausalKind(kind)); })
        .def_property(
            "mask", [](const IAttention& self) { return share(self.getMask()); },
            [](IAttention& self, ITensor& mask) { require(self.setMask(mask)); })
        .def_property("decomposable", &IAttention::getDecomposable,
                      [](IAttention& self, bool decomposable) { require(self.setDecomposable(decomposable)); })
        .def_property("name", &IAttention::getName, [](IAttention& self, const char* name) { require(self.setName(name)); })
        .def_property("metadata", &IAttention::getMetadata, [](IAttention& self, const char* text) { require(self.setMetadata(text)); })
        .def_property_readonly("num_inputs", &IAttention::getNbInputs)
        .def_property_readonly("num_outputs", &IAttention::getNbOutputs)
        .def("set_input", &IAttention::setInput, py::arg("index"), py::arg("input"))
        .def("get_input", [](const IAttention& self, int32_t index) { return share(self.getInput(index)); }, py::arg("index"))
        .def("get_output", [](const IAttention& self, int32_t index) { return share(self.getOutput(index)); }, py::arg("index"));
    add_refused(cls, "normalization_quantize_scale", "Attention is computed in floating point: quantizing its softmax is not offered.");
    add_refused(cls, "normalization_quantize_to_type", "Attention is computed in floating point: quantizing its softmax is not offered.");
    add_refused(cls, "query_lengths", "Attention of sequences of different lengths is not offered; give a mask.");
    add_refused(cls, "key_value_lengths", "Attention of sequences of different lengths is not offered; give a mask.");
    add_only(cls, "query_form", AttentionIOForm::kPADDED_BHND, "Attention takes [batch, heads, sequence, size] only.");
    add_only(cls, "key_value_form", AttentionIOForm::kPADDED_BHND, "Attention takes [batch, heads, sequence, size] only.");
    add_only(cls, "num_ranks", 1, "An engine runs on one device.");
}

void bind_attention_layers(py::module_& module) {
    using Boundary = IAttentionBoundaryLayer;
    LayerClass<Boundary, ILayer>(module, "IAttentionBoundaryLayer", "A layer that marks an attention.")
        .def_property_readonly("attention", [](const Boundary& self) { return share(self.getAttention()); });
    LayerClass<IAttentionInputLayer, Boundary>(module, "IAttentionInputLayer", "Query, key, value and mask of an attention.");
    LayerClass<IAttentionOutputLayer, Boundary>(module, "IAttentionOutputLayer", "What an attention gives.");
}

} // namespace

void bind_control_layers(py::module_& module) {
    // The objects are made first: the layers' properties return them, and their functions return layers.
    py::class_<ILoop, std::shared_ptr<ILoop>> loop(
        module, "ILoop", "A loop: layers that depend on its recurrences and iterators are inside; values leave it by add_loop_output.");
    py::class_<IIfConditional, std::shared_ptr<IIfConditional>> conditional(
        module, "IIfConditional", "Two branches, one of which is computed: layers that depend on its inputs, up to its outputs.");
    py::class_<IAttention, std::shared_ptr<IAttention>> attention(
        module, "IAttention", "softmax(query @ key.T + mask) @ value of [batch, heads, sequence, size]; scale the query yourself.");
    bind_loop_layers(module);
    bind_conditional_layers(module);
    bind_attention_layers(module);
    bind_loop(loop);
    bind_conditional(conditional);
    bind_attention(attention);
}

} // namespace tensorvk::bindings
