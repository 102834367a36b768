// Short ways to add the layers that ONNX operators are made of. Layers are named after the node: the first that carries
// its name, helpers with a role behind it ("conv1/bias").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/network.hpp"

namespace tensorvk::onnx {

//! One dimension of a reshape: a number, or the product of input axes [first, last).
struct Extent {
    std::int64_t number = 1;
    std::size_t first = 0, last = 0;

    static Extent of(std::int64_t n) { return {n, 0, 0}; }
    static Extent axis(std::size_t a) { return {0, a, a + 1}; }
    static Extent product(std::size_t begin, std::size_t end) { return begin == end ? of(1) : Extent{0, begin, end}; }
    [[nodiscard]] bool is_number() const { return first == last; }
};

class Build {
  public:
    using Tensor = graph::Tensor;
    using Ints = std::vector<std::int64_t>;

    explicit Build(graph::Network& network) : network_(network) {}
    void begin_node(std::string name);

    [[nodiscard]] graph::Network& network() noexcept { return network_; }
    //! Without a role, the layer that is the node.
    graph::Layer* layer(LayerType type, std::vector<Tensor*> inputs, graph::Attributes attributes,
                        std::string_view role = {});
    Tensor* add(LayerType type, std::vector<Tensor*> inputs, graph::Attributes attributes, std::string_view role = {}) {
        return layer(type, std::move(inputs), std::move(attributes), role)->outputs[0];
    }

    Tensor* constant(Ints dims, graph::Weights weights, std::string_view role = "constant");
    //! A vector of int64.
    Tensor* ints(Ints values);
    //! One number with the type of `like` and as many dimensions, all 1.
    Tensor* number(const Tensor* like, double value);
    //! Numbers that are data are read when the network runs, so that they can be shapes.
    void require_values(Tensor* tensor) { network_.require_values(*tensor); }
    //! The numbers of a shape tensor when all are constant.
    [[nodiscard]] std::optional<Ints> known(const Tensor* tensor) const;
    //! A dimension's extent when it is constant.
    [[nodiscard]] std::optional<std::int64_t> extent(const Tensor* tensor, std::size_t axis) const;

    //! What has to be true whenever shapes are set; `message` says what is wrong when it is not. Fails at once when it never is.
    void require(Tensor* condition, std::string message);

    Tensor* unary(UnaryOperation op, Tensor* x, std::string_view role = "unary");
    Tensor* activation(ActivationType op, Tensor* x, float alpha = 0.0f, float beta = 0.0f,
                       std::string_view role = "activation");
    //! Ranks are aligned first, with ones in front.
    Tensor* elementwise(ElementWiseOperation op, Tensor* a, Tensor* b, std::string_view role = "elementwise");
    Tensor* reduce(ReduceOperation op, Tensor* x, std::uint32_t axes, bool keep_dims, std::string_view role = "reduce");
    Tensor* cast(Tensor* x, DataType to, std::string_view role = "cast");
    //! Integers as 8-bit ones that keep their low bits, as ONNX says; the layer of a cast saturates.
    Tensor* low_bits(Tensor* x, DataType to, std::string_view role);
    Tensor* transpose(Tensor* x, const Ints& permutation, std::string_view role = "transpose");
    Tensor* reshape(Tensor* x, const std::vector<Extent>& to, std::string_view role = "reshape");
    //! To extents that are computed, a vector of int64.
    Tensor* reshape_to(Tensor* x, Tensor* extents, std::string_view role = "reshape");
    Tensor* with_rank(Tensor* x, std::size_t rank);
    //! Axes refer to the output and are sorted, not negative.
    Tensor* unsqueeze(Tensor* x, const Ints& axes, std::string_view role = "unsqueeze");
    Tensor* squeeze(Tensor* x, const Ints& axes, std::string_view role = "squeeze");

    Tensor* shape_of(Tensor* x);
    //! The extents of some axes as a vector of int64.
    Tensor* extents_of(Tensor* x, const Ints& axes);
    //! 0, 1, ... as a vector of int32; `count` is a vector of one int64. Nodes that count as far share the layer, which the host computes.
    Tensor* counted(Tensor* count);
    Tensor* concatenate(std::vector<Tensor*> parts, std::int64_t axis, std::string_view role = "concat");
    //! start, size and stride are vectors of int64 with one number per axis; constant ones become attributes.
    Tensor* slice(Tensor* x, const Ints& axes, Tensor* start, Tensor* size, Tensor* stride,
                  graph::SliceAttributes attributes = {}, Tensor* fill = nullptr, std::string_view role = "slice");

  private:
    std::string unique(std::string_view role);

    graph::Network& network_;
    std::string node_;
    std::unordered_set<std::string> used_;
    std::unordered_map<std::string, int> copies_; // how many of a name there are
    std::vector<std::pair<shape::Expr, Tensor*>> counted_;
};

} // namespace tensorvk::onnx
