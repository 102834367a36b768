// The compiler's own graph: operations and values, rewritten by passes until every operation is one that tactics know.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/host/tensor.hpp"
#include "shape/expr.hpp"
#include "tactics/operation.hpp"

namespace tensorvk::graph {
class Network;
}

namespace tensorvk::compiler {

using tactics::Operation;
using tactics::ValueId;

struct Value : tactics::Value {
    std::shared_ptr<const kernels::host::Tensor> constant; // row-major data of a value that is known
    bool is_input = false;
    bool is_output = false;
    bool pinned = false; // the user wants its layer computed in float32
};

//! What an Op of the graph is beside the operations that tactics know.
enum class Role : std::uint8_t {
    kCOMPUTE, // becomes steps
    kRESHAPE, // same elements in row-major order under other dims: becomes an alias or a copy
    kVIEW,    // a Copy of a range that nobody makes: its output lies in its input
};

//! What a pointwise op that quantizes (to 8 bits) or dequantizes (from 8 bits) does: value = (integer - zero) * scale. Known when scale and zero
//! point are constants; passes after quantize_products look at programs only.
struct Quantization {
    bool quantizes = false; // else dequantizes
    std::vector<float> scale; // one, or one per index of the axis
    std::size_t axis = 0;
    std::int32_t zero = 0;

    [[nodiscard]] bool per_tensor() const { return scale.size() == 1; }
    [[nodiscard]] bool same_numbers(const Quantization& other) const {
        return scale == other.scale && zero == other.zero && (per_tensor() || axis == other.axis);
    }
};

struct Op : Operation {
    Role role = Role::kCOMPUTE;
    std::optional<Quantization> quantization{};
    std::vector<std::string_view> passes{}; // that made it what it is, in their order

    //! The first output; -1 where there is none, as of what only reads a value for the host.
    [[nodiscard]] ValueId result() const { return outputs.empty() ? -1 : outputs[0]; }
};

//! Attention in one dispatch takes columns in multiples of `side`, up to `most` (0: it stays apart), and so many elements of a head's keys and values.
struct AttentionLimits {
    std::int64_t side = 1, most = 0, elements = std::numeric_limits<std::int64_t>::max();
};

//! Where parts of values may stay in them: at multiples of `alignment` bytes (0: nowhere). `gaps`: shaders compute, whose convolutions and attention read
//! what has some.
struct ViewLimits {
    std::int64_t alignment = 0;
    bool gaps = false;
};

//! What operations are made for. A plan's portable program is made for nothing in particular.
struct Target {
    DataType internal = DataType::kFLOAT; // the type of floats between operations, kFLOAT, kHALF or kBF16
    bool host_tiles = false;              // products run in the host's tiles, whose epilogues quantize sums of float32 as well
    bool normalizations = false;          // shaders normalise rows and groups of channels in one dispatch or two
    AttentionLimits attention{};
    bool normalized_products = false;     // matrix units normalise rows that pass through them
    bool row_moments = false;             // and take them from where these were written
    bool placements = false;              // shaders write products into their parts of larger values
    bool pictures_in_rows = false;        // first convolutions read few channels as fast from rows, which what comes before them writes faster
    ViewLimits views{};
    bool typed = false;                   // the graph says which floats are `internal`; all others stay float32
};

struct Ir {
    shape::ExprPool exprs;
    std::vector<Value> values;
    std::vector<Op> ops; // in topological order between passes
    std::vector<ValueId> inputs, outputs;
    std::vector<std::shared_ptr<const graph::Network>> bodies; // that operations run
    Target target;

    [[nodiscard]] Value& value(ValueId id) { return values[static_cast<std::size_t>(id)]; }
    [[nodiscard]] const Value& value(ValueId id) const { return values[static_cast<std::size_t>(id)]; }
    ValueId add_value(std::string name, DataType dtype, shape::Exprs dims);
    ValueId add_constant(std::string name, kernels::host::Tensor data);
    Op& add_op(std::string name, tactics::Kind kind, std::vector<ValueId> inputs, std::vector<ValueId> outputs);
    void add_reshape(std::string name, ValueId from, ValueId to);
    //! Of `region` from the beginning of a value of dims `from`, axis by axis.
    [[nodiscard]] tactics::Copy plain_copy(const shape::Exprs& from, const shape::Exprs& region);

    //! Extents when all are constant.
    [[nodiscard]] bool is_static(const shape::Exprs& dims) const;
    [[nodiscard]] std::vector<std::int64_t> extents(const shape::Exprs& dims) const;
    [[nodiscard]] shape::Expr volume(const shape::Exprs& dims) { return exprs.product(dims); }
    [[nodiscard]] bool same_dims(const Value& a, const Value& b) const { return a.dims == b.dims; }
    //! Whether the graph lets both be of one type, which they always may where it does not say.
    [[nodiscard]] bool one_type(ValueId a, ValueId b) const { return !target.typed || value(a).dtype == value(b).dtype; }
    [[nodiscard]] bool may_be_internal(ValueId id) const { return !target.typed || value(id).dtype == target.internal; }
};

//! Indices into Ir::ops, computed when a pass needs them.
struct Uses {
    explicit Uses(const Ir& ir);
    std::vector<std::vector<std::size_t>> producers; // per value; several for the parts of a concatenation
    std::vector<std::vector<std::size_t>> consumers; // per value; an op appears once per use

    //! Around a change of what op `index` reads: forget it before, note it after.
    void forget_reads(const Op& op, std::size_t index);
    void note_reads(const Op& op, std::size_t index);
};

//! Drops the ops for which `dead` is set and orders the rest so that producers come first.
void erase_ops(Ir& ir, const std::vector<bool>& dead);
void sort_topologically(Ir& ir);

} // namespace tensorvk::compiler
