// What stands behind a network and all its tensors and layers: the graph, the wrappers of its nodes, and layers that
// are not valid yet.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/reporter.hpp"
#include "graph/network.hpp"
#include "tensorvk/network.h"

namespace tensorvk::api {

class NetworkState : public std::enable_shared_from_this<NetworkState> {
  public:
    NetworkState(std::shared_ptr<Reporter> reporter, std::uint32_t flags, IBuilder* builder)
        : reporter_(std::move(reporter)), flags_(flags), builder_(builder) {}

    [[nodiscard]] graph::Network& graph() noexcept { return graph_; }
    [[nodiscard]] Reporter& reporter() noexcept { return *reporter_; }
    [[nodiscard]] std::uint32_t flags() const noexcept { return flags_; }
    [[nodiscard]] bool strongly_typed() const noexcept {
        return (flags_ >> static_cast<std::uint32_t>(NetworkDefinitionCreationFlag::kSTRONGLY_TYPED) & 1U) != 0;
    }
    [[nodiscard]] IBuilder* builder() const noexcept { return builder_; }

    //! The one wrapper of a graph node; null for null.
    [[nodiscard]] ITensor* wrap(graph::Tensor* tensor);
    [[nodiscard]] ILayer* wrap(graph::Layer* layer);
    //! The object of a loop, conditional or attention, made on first sight and kept as long as the network.
    template <typename Object>
    [[nodiscard]] Object* object_of(const std::shared_ptr<graph::Construct>& construct) {
        auto& slot = constructs_[construct];
        if (slot == nullptr) {
            slot = std::make_shared<Object>(*this, construct);
        }
        return static_cast<Object*>(slot.get());
    }
    //! "(Unnamed Loop 0)", as TensorRT names them.
    [[nodiscard]] std::shared_ptr<graph::Construct> new_construct(graph::Construct::Kind kind, const char* name) const {
        return std::make_shared<graph::Construct>(graph::Construct{kind, text("(Unnamed ", name, "* ", constructs_.size(), ")")});
    }
    //! Wraps a layer in a class that its type alone does not say (padding is a slice inside).
    template <typename Wrapper, typename... Arguments>
    Wrapper* wrap_as(graph::Layer& layer, LayerType type, Arguments&&... arguments) {
        auto wrapper = std::make_unique<Wrapper>(*this, layer, type, std::forward<Arguments>(arguments)...);
        Wrapper* raw = wrapper.get();
        layers_[&layer] = std::move(wrapper);
        return raw;
    }

    //! Adds a layer with the first of `candidates`. When that does not fit yet, because a setter is still to come,
    //! another candidate that does takes its place until then. Throws the sentence about the first candidate when none
    //! fits.
    graph::Layer* add(LayerType type, std::vector<graph::Tensor*> inputs,
                      const std::vector<graph::Attributes>& candidates);
    //! Changes a layer and infers again; a layer that becomes invalid is logged (VERBOSE) and left to check().
    void edit(graph::Layer& layer, const std::function<void()>& change);
    //! Replaces an input. A layer that waits for another setter waits on; any other takes only what fits.
    void set_input(graph::Layer& layer, std::size_t index, graph::Tensor* tensor);
    //! Throws the first sentence about a layer that is still invalid.
    void check();

  private:
    std::shared_ptr<Reporter> reporter_;
    std::uint32_t flags_;
    IBuilder* builder_;
    graph::Network graph_;
    std::unordered_map<const graph::Tensor*, std::unique_ptr<ITensor>> tensors_;
    std::unordered_map<const graph::Layer*, std::unique_ptr<ILayer>> layers_;
    std::map<std::shared_ptr<graph::Construct>, std::shared_ptr<void>> constructs_;
    std::vector<graph::Layer*> invalid_; // in the order in which they became so
};

//! The doors through which the API's own files and the bindings see what stands behind public objects.
struct Access {
    static graph::Tensor* node(const ITensor& tensor) { return tensor.tensor_; }
    static graph::Layer& node(const ILayer& layer) { return *layer.layer_; }
    static NetworkState& state(const ITensor& tensor) { return *tensor.network_; }
    static NetworkState& state(const ILayer& layer) { return *layer.network_; }
    static NetworkState& state(const ILoop& loop) { return *loop.network_; }
    static NetworkState& state(const IIfConditional& conditional) { return *conditional.network_; }
    static NetworkState& state(const IAttention& attention) { return *attention.network_; }
    static const std::shared_ptr<NetworkState>& state(const INetworkDefinition& network) { return network.state_; }
};

//! The graph's weights from the API's.
[[nodiscard]] graph::Weights to_graph(const Weights& weights);
[[nodiscard]] Weights to_api(const graph::Weights& weights);

} // namespace tensorvk::api
