// The network's functions that add operators, loops, conditionals and attention.
#include "network_class.hpp"

namespace tensorvk::bindings {

namespace {

using Network = INetworkDefinition;

void add_control(NetworkClass& cls) {
    add(cls, "add_loop", &Network::addLoop);
    add(cls, "add_if_conditional", &Network::addIfConditional);
    add(cls, "add_attention", &Network::addAttention, py::arg("query"), py::arg("key"), py::arg("value"), py::arg("norm_op"),
        py::arg("causal"));
    add(cls, "add_attention_v2", &Network::addAttentionV2, py::arg("query"), py::arg("key"), py::arg("value"), py::arg("norm_op"),
        py::arg("causal_kind"));
}

void add_selection(NetworkClass& cls) {
    add(cls, "add_non_zero", &Network::addNonZero, py::arg("input"), py::arg("indices_type") = DataType::kINT32);
    add(cls, "add_one_hot", &Network::addOneHot, py::arg("indices"), py::arg("values"), py::arg("depth"), py::arg("axis"));
    add(cls, "add_nms", &Network::addNMS, py::arg("boxes"), py::arg("scores"), py::arg("max_output_boxes_per_class"),
        py::arg("indices_type") = DataType::kINT32);
    add(cls, "add_scatter", &Network::addScatter, py::arg("data"), py::arg("indices"), py::arg("updates"), py::arg("mode"));
    add(cls, "add_grid_sample", &Network::addGridSample, py::arg("input"), py::arg("grid"));
    add(cls, "add_reverse_sequence", &Network::addReverseSequence, py::arg("input"), py::arg("sequence_lens"));
    add(cls, "add_squeeze", &Network::addSqueeze, py::arg("input"), py::arg("axes"));
    add(cls, "add_unsqueeze", &Network::addUnsqueeze, py::arg("input"), py::arg("axes"));
    add(cls, "add_kv_cache_update", &Network::addKVCacheUpdate, py::arg("cache"), py::arg("update"), py::arg("write_indices"),
        py::arg("cache_mode"));
}

void add_generation(NetworkClass& cls) {
    add(cls, "add_fill", &Network::addFill, py::arg("shape"), py::arg("op"), py::arg("output_type") = DataType::kFLOAT);
    add(cls, "add_assertion", &Network::addAssertion, py::arg("condition"), py::arg("message"));
    add(cls, "add_cumulative", &Network::addCumulative, py::arg("input"), py::arg("axis"), py::arg("op"), py::arg("exclusive"),
        py::arg("reverse"));
    add(cls, "add_rotary_embedding", &Network::addRotaryEmbedding, py::arg("input"), py::arg("cos_cache"), py::arg("sin_cache"),
        py::arg("interleaved"), py::arg("rotary_embedding_dim"));
    cls.def(
        "add_einsum",
        [](Network& self, const std::vector<ITensor*>& inputs, const char* equation) {
            return share(self.addEinsum(inputs.data(), static_cast<int32_t>(inputs.size()), equation));
        },
        py::arg("inputs"), py::arg("equation"));
}

void add_normalization(NetworkClass& cls) {
    add(cls, "add_normalization", &Network::addNormalization, py::arg("input"), py::arg("scale"), py::arg("bias"), py::arg("axesMask"));
    add(cls, "add_normalization_v2", &Network::addNormalizationV2, py::arg("input"), py::arg("scale"), py::arg("bias"),
        py::arg("axesMask"));
    add(cls, "add_lrn", &Network::addLRN, py::arg("input"), py::arg("window"), py::arg("alpha"), py::arg("beta"), py::arg("k"));
    add(cls, "add_ragged_softmax", &Network::addRaggedSoftMax, py::arg("input"), py::arg("bounds"));
}

void add_quantization(NetworkClass& cls) {
    add(cls, "add_quantize", &Network::addQuantize, py::arg("input"), py::arg("scale"), py::arg("output_type") = DataType::kINT8);
    add(cls, "add_dequantize", py::overload_cast<ITensor&, ITensor&>(&Network::addDequantize), py::arg("input"), py::arg("scale"));
    add(cls, "add_dequantize", py::overload_cast<ITensor&, ITensor&, DataType>(&Network::addDequantize), py::arg("input"),
        py::arg("scale"), py::arg("output_type"));
    add(cls, "add_dynamic_quantize", &Network::addDynamicQuantize, py::arg("input"), py::arg("axis"), py::arg("block_size"),
        py::arg("output_type"), py::arg("scale_type"));
    add(cls, "add_dynamic_quantize_v2", &Network::addDynamicQuantizeV2, py::arg("input"), py::arg("block_shape"),
        py::arg("output_type"), py::arg("scale_type"));
    add(cls, "add_moe", &Network::addMoE, py::arg("hidden_states"), py::arg("selected_experts_for_tokens"),
        py::arg("scores_for_selected_experts"));
    cls.def(
        "add_dist_collective",
        [](Network& self, ITensor& input, CollectiveOperation op, ReduceOperation reduce, int64_t root,
           const std::vector<int64_t>& groups) {
            return share(self.addDistCollective(input, op, reduce, root, groups.data(), static_cast<int64_t>(groups.size())));
        },
        py::arg("input"), py::arg("dist_collective_op"), py::arg("reduce_op"), py::arg("root"), py::arg("groups"));
}

void add_older(NetworkClass& cls) {
    cls.def(
        "add_fully_connected",
        [](Network& self, ITensor& input, int64_t outputs, const py::object& kernel, const py::object& bias) {
            return share(self.addFullyConnected(input, outputs, weights_of(kernel), weights_of(bias)));
        },
        py::arg("input"), py::arg("num_outputs"), py::arg("kernel"), py::arg("bias") = py::none(),
        "kernel: [num_outputs, elements of the last three dimensions]; bias: [num_outputs]. TensorRT <= 9.");
    add(cls, "add_rnn_v2", &Network::addRNNv2, py::arg("input"), py::arg("layer_count"), py::arg("hidden_size"),
        py::arg("max_seq_length"), py::arg("op"));
}

} // namespace

void add_operators(NetworkClass& cls) {
    add_control(cls);
    add_selection(cls);
    add_generation(cls);
    add_normalization(cls);
    add_quantization(cls);
    add_older(cls);
}

} // namespace tensorvk::bindings
