// The network definition: tensors and layers, as the user or a parser builds them. Shapes (and the values of shape
// tensors) are inferred at once with each call, so that a mistake is reported by the call that made it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/attributes.hpp"
#include "shape/expr.hpp"
#include "tensorvk/types.h"

namespace tensorvk::graph {

class Layer;

//! An edge of the network. Owned by the Network; addresses are stable.
struct Tensor {
    std::string name;
    DataType dtype = DataType::kFLOAT; // what inference and computation go on with
    //! Where the user gave an input or output another floating type than `dtype`: data is converted at that edge, and
    //! nothing else changes.
    std::optional<DataType> edge_dtype;
    shape::Exprs dims;
    //! Known integer values of a small int32/int64/bool tensor (at most kMaxShapeValues elements), row-major: a shape
    //! tensor.
    std::optional<shape::Exprs> values;
    //! The layer that reads `values` from this tensor's data while the network runs; null where inference knows them.
    Layer* reader = nullptr;
    //! Set for the output of a Constant layer (also when folded): the data.
    std::shared_ptr<const Weights> constant;
    Layer* producer = nullptr; // null for network inputs
    int producer_output = 0;
    bool is_input = false;
    bool is_output = false;
    bool dtype_forced = false;                // the user set `dtype`
    std::vector<std::string> dimension_names; // empty, or one per dimension ("" = unnamed)
    std::uint32_t allowed_formats = 1;        // bitmask of TensorFormat; LINEAR

    //! The type that the user sees and binds.
    [[nodiscard]] DataType io_dtype() const noexcept { return edge_dtype.value_or(dtype); }
};

inline constexpr std::size_t kMaxShapeValues = 1024;

//! Two dimensions that inference could not prove to agree: they must be equal when the network runs.
struct DimConstraint {
    shape::Expr a, b;
};

//! A number that only running the layer tells.
struct Unknown {
    shape::Expr symbol;
    shape::Expr most; // it is at most this; invalid: nobody knows
    int output = 0;   // extent `axis` of this output ...
    int axis = 0;     // ... or, of a layer that reads values, element `axis` of its input
};

//! A node. `attributes` holds the struct that belongs to `type`.
class Layer {
  public:
    LayerType type{};
    std::string name;
    std::string metadata;        // e.g. the ONNX node it came from
    std::vector<Tensor*> inputs; // null where an optional input is absent
    std::vector<Tensor*> outputs;
    Attributes attributes;
    std::optional<DataType> precision; // user's wish, kept for the builder
    std::vector<std::optional<DataType>> output_types;
    std::vector<DimConstraint> constraints; // written by inference
    //! Symbols that get their numbers when the layer has run: extents (and values) that depend on data.
    std::vector<Unknown> unknowns;
};

struct Inferred;

class Network {
  public:
    Network();
    ~Network();
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    //! -1 in `dims` makes a symbol named "<name>:<axis>". Dynamic dimensions with the same (not empty) name share one
    //! symbol.
    Tensor* add_input(const std::string& name, DataType dtype, std::span<const std::int64_t> dims,
                      std::vector<std::string> dimension_names = {});
    //! Adds a layer, infers its outputs' types and shapes. Throws InvalidArgument with a sentence that names the layer;
    //! the network is then unchanged. Window attributes (stride, dilation, padding) may be left empty: they are filled
    //! in, as is SAME padding.
    Layer* add_layer(LayerType type, std::vector<Tensor*> inputs, Attributes attributes, std::string name = {});
    //! Shorthand for a Constant layer's output.
    Tensor* add_constant(std::vector<std::int64_t> dims, Weights weights, std::string name = {});
    void mark_output(Tensor* tensor);
    void unmark_output(Tensor* tensor);
    void rename(Tensor* tensor, const std::string& name); // throws when the name is taken
    //! Replaces an input (index == inputs.size() appends; null removes an optional one) and infers everything
    //! downstream again.
    void set_input(Layer* layer, std::size_t index, Tensor* tensor);
    //! Infers `layer` and everything downstream again, after attributes or output types were changed. When this throws,
    //! outputs are as they were; the attributes are the caller's to restore.
    void update(Layer* layer);
    //! Changes an input's shape and infers everything downstream again.
    void set_input_dims(Tensor* input, std::span<const std::int64_t> dims);
    //! Names a dimension of an input; dynamic dimensions of the same name become one symbol.
    void set_dimension_name(Tensor* input, std::size_t axis, const std::string& name);
    //! Makes the numbers of a small integer tensor known as expressions: where they are data, symbols that are read when the network runs.
    //! Throws InvalidArgument for other types, and where the number of elements is not known or large.
    void require_values(Tensor& tensor);
    //! Sets a tensor's type. From one floating type to another, it is that of the network's edge alone, as in
    //! TensorRT's weakly typed networks; otherwise inference keeps the user's word, and everything downstream is
    //! inferred again.
    void set_dtype(Tensor* tensor, DataType dtype);

    [[nodiscard]] const std::vector<Tensor*>& inputs() const noexcept { return inputs_; }
    [[nodiscard]] const std::vector<Tensor*>& outputs() const noexcept { return outputs_; }
    //! In the order in which they were added; set_input may have made an earlier layer depend on a later one: see
    //! topological(), where a recurrence depends on its initial value only.
    [[nodiscard]] const std::vector<std::unique_ptr<Layer>>& layers() const noexcept { return layers_; }
    [[nodiscard]] std::vector<Layer*> topological() const;
    [[nodiscard]] shape::ExprPool& exprs() noexcept { return exprs_; }
    [[nodiscard]] const shape::ExprPool& exprs() const noexcept { return exprs_; }
    //! The tensor of that name, or null.
    [[nodiscard]] Tensor* find(std::string_view tensor_name) const;
    //! Dims as the API shows them: -1 where not constant.
    [[nodiscard]] Dims dims(const Tensor& tensor) const;
    //! "[batch, 3, 224, 224]", for messages.
    [[nodiscard]] std::string describe_dims(const Tensor& tensor) const;

    std::string name = "Unnamed Network 0";

  private:
    Tensor* make_tensor(const std::string& tensor_name);
    void check_owned(const Tensor* tensor, const std::string& where) const;
    shape::Exprs input_dims(const Tensor& tensor, std::span<const std::int64_t> dims);
    [[nodiscard]] std::vector<Inferred> infer_reading(Layer& layer);
    void read_values(Tensor& tensor);
    void store(Layer& layer, std::vector<Inferred> inferred);
    void infer_downstream(std::vector<Layer*> dirty);
    void infer_all();
    void settle_recurrences();

    shape::ExprPool exprs_;
    std::unordered_map<std::string, shape::Expr> symbols_by_name_;
    std::vector<std::unique_ptr<Tensor>> tensors_;
    std::unordered_set<const Tensor*> owned_;
    std::unordered_map<std::string, Tensor*> by_name_;
    std::vector<std::unique_ptr<Layer>> layers_;
    std::vector<Tensor*> inputs_;
    std::vector<Tensor*> outputs_;
};

} // namespace tensorvk::graph
