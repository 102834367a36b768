// Shape rules: from a layer's inputs and attributes to the types, dimensions and (for shape tensors) values of its
// outputs. One rule per layer type, registered in one table (rules.cpp).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/network.hpp"
#include "shape/expr.hpp"
#include "support/error.hpp"

namespace tensorvk::graph {

//! What a rule says about one output.
struct Inferred {
    DataType dtype = DataType::kFLOAT;
    shape::Exprs dims;
    std::optional<shape::Exprs> values = std::nullopt;
    std::shared_ptr<const Weights> constant = nullptr;
};

//! A rule needs the values of an input that is computed from data. Network answers with a layer that reads them.
struct NeedsValues {
    std::size_t input;
};

//! What a rule sees. Errors name the layer; dimensions that cannot be proved to agree are noted in the layer's
//! constraints.
class RuleContext {
  public:
    RuleContext(shape::ExprPool& pool, Layer& layer) : pool_(pool), layer_(layer) {}

    [[nodiscard]] shape::ExprPool& pool() const noexcept { return pool_; }
    [[nodiscard]] Layer& layer() const noexcept { return layer_; }
    [[nodiscard]] std::size_t input_count() const noexcept { return layer_.inputs.size(); }
    //! Null when absent.
    [[nodiscard]] const Tensor* optional_input(std::size_t index) const noexcept {
        return index < layer_.inputs.size() ? layer_.inputs[index] : nullptr;
    }
    [[nodiscard]] const Tensor& input(std::size_t index) const;
    template <typename T>
    [[nodiscard]] T& attributes() const {
        return std::get<T>(layer_.attributes);
    }

    template <typename... Parts>
    [[noreturn]] void fail(const Parts&... parts) const {
        throw InvalidArgument(text(prefix(), parts...));
    }
    template <typename... Parts>
    [[noreturn]] void unsupported(const Parts&... parts) const {
        throw Unsupported(text(prefix(), parts...));
    }
    [[nodiscard]] std::string str(const shape::Exprs& dims) const;

    //! The values of a small integer input, read from its data at run time where they are not known. Fails for absent inputs, and for
    //! those whose number of elements is not known.
    [[nodiscard]] const shape::Exprs& values(std::size_t index) const;
    //! The extent of axis `axis` of output `output`, which depends on data and is at most `most` (invalid: no limit is known).
    [[nodiscard]] shape::Expr unknown(int output, int axis, shape::Expr most = {}) const;

    void require_floating(const Tensor& tensor, const char* what) const;
    void require_same_type(const Tensor& a, const Tensor& b) const;
    //! Negative axes count from the end.
    [[nodiscard]] std::size_t axis(std::int64_t given, std::size_t rank) const;
    void check_axes_mask(std::uint32_t mask, std::size_t rank) const;

    //! The dimension that both are, noted as a constraint when that is not certain.
    [[nodiscard]] shape::Expr same(shape::Expr a, shape::Expr b, std::string_view what) const;
    //! Fails when a number is above its limit, which is noted as a constraint when that is not certain.
    void at_most(shape::Expr number, shape::Expr limit, std::string_view what) const;
    //! numpy's rule for one dimension. Which one repeats is decided when the plan is made: of two that differ and are not
    //! known to be 1, both must be equal when the network runs, which is noted as a constraint.
    [[nodiscard]] shape::Expr broadcast(shape::Expr a, shape::Expr b, std::string_view what) const;
    [[nodiscard]] shape::Exprs broadcast(const Tensor& a, const Tensor& b) const;

  private:
    [[nodiscard]] std::string prefix() const;

    shape::ExprPool& pool_;
    Layer& layer_;
};

using Rule = std::vector<Inferred> (*)(RuleContext&);

struct LayerRule {
    LayerType type;
    std::string_view name;
    std::size_t min_inputs, max_inputs; // counting absent ones in between
    std::size_t attributes;             // index of the attribute struct in the variant
    Rule infer;
};

//! Throws Unsupported for a type without a rule.
[[nodiscard]] const LayerRule& rule_of(LayerType type);
//! "Convolution", "ElementWise", ...
[[nodiscard]] std::string_view layer_type_name(LayerType type) noexcept;

//! Checks input count and attribute type, then applies the rule.
[[nodiscard]] std::vector<Inferred> infer(shape::ExprPool& pool, Layer& layer);

} // namespace tensorvk::graph
