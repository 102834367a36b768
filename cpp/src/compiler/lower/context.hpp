// What the function that turns one layer into operations sees.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/ir.hpp"
#include "graph/network.hpp"

namespace tensorvk::compiler {

class LayerContext {
public:
    LayerContext(Ir& ir, std::map<const graph::Tensor*, ValueId>& known) : ir_(ir), known_(known) {}

    [[nodiscard]] Ir& ir() noexcept { return ir_; }
    //! Takes in a network that the layer runs; its number for HostCall::bodies.
    [[nodiscard]] std::int32_t add_body(std::shared_ptr<const graph::Network> body) {
        ir_.bodies.push_back(std::move(body));
        return static_cast<std::int32_t>(ir_.bodies.size()) - 1;
    }
    //! The value that holds a tensor in memory; constants and shape tensors get one when they are first asked for.
    [[nodiscard]] ValueId value(const graph::Tensor& tensor);
    [[nodiscard]] ValueId input(const graph::Layer& layer, std::size_t index);
    //! A new value for an output of the layer.
    [[nodiscard]] ValueId output(const graph::Layer& layer, std::size_t index);
    //! A value between two operations of one layer.
    [[nodiscard]] ValueId temporary(const graph::Layer& layer, const char* role, DataType dtype, shape::Exprs dims);
    void alias(const graph::Tensor& tensor, ValueId value) { known_[&tensor] = value; }

    //! Integer values of an optional shape-tensor input, or of the attribute when the input is absent.
    [[nodiscard]] shape::Exprs shape_input(const graph::Layer& layer, std::size_t index, const std::vector<std::int64_t>& attribute);
    [[nodiscard]] ValueId float_constant(const std::string& name, const graph::Weights& weights, std::vector<std::int64_t> dims);
    //! The extent of an axis that has to be known when the plan is built.
    [[nodiscard]] std::int64_t extent(const graph::Layer& layer, const graph::Tensor& tensor, std::size_t axis);

private:
    Ir& ir_;
    std::map<const graph::Tensor*, ValueId>& known_;
};

//! Operators that device code computes in the form that the layer has; false: the host function does.
[[nodiscard]] bool lower_quantization(LayerContext& context, const graph::Layer& layer);

using LowerLayer = void (*)(LayerContext&, const graph::Layer&);

// One function per layer type; the table is in from_network.cpp.
void lower_convolution(LayerContext& context, const graph::Layer& layer); // also Deconvolution
void lower_pooling(LayerContext& context, const graph::Layer& layer);
void lower_matrix_multiply(LayerContext& context, const graph::Layer& layer);
void lower_resize(LayerContext& context, const graph::Layer& layer);
void lower_gather(LayerContext& context, const graph::Layer& layer);
void lower_reduce(LayerContext& context, const graph::Layer& layer);
void lower_softmax(LayerContext& context, const graph::Layer& layer);
void lower_topk(LayerContext& context, const graph::Layer& layer);
void lower_activation(LayerContext& context, const graph::Layer& layer);
void lower_elementwise(LayerContext& context, const graph::Layer& layer);
void lower_unary(LayerContext& context, const graph::Layer& layer);
void lower_scale(LayerContext& context, const graph::Layer& layer);
void lower_parametric_relu(LayerContext& context, const graph::Layer& layer);
void lower_select(LayerContext& context, const graph::Layer& layer);
void lower_cast(LayerContext& context, const graph::Layer& layer);
void lower_shuffle(LayerContext& context, const graph::Layer& layer);
void lower_concatenation(LayerContext& context, const graph::Layer& layer);
void lower_slice(LayerContext& context, const graph::Layer& layer);
void lower_identity(LayerContext& context, const graph::Layer& layer);
void lower_operator(LayerContext& context, const graph::Layer& layer);

} // namespace tensorvk::compiler
