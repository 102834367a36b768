// Operations as host functions, found by name: what a network runs where no shader exists or the size of a result depends on data, and what
// folds constants. One function per operation, listed in the file of its family (host/functions_*.cpp).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/host/tensor.hpp"
#include "support/attributes.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::host {

//! One call: inputs and attributes in, outputs out.
class Call {
public:
    Call(std::string name, const AttributeSet& attributes, std::vector<const Tensor*> inputs, std::size_t outputs)
        : name_(std::move(name)), attributes_(attributes), inputs_(std::move(inputs)), outputs_(outputs) {}

    [[nodiscard]] const AttributeSet& attributes() const noexcept { return attributes_; }
    [[nodiscard]] std::size_t input_count() const noexcept { return inputs_.size(); }
    [[nodiscard]] bool has_input(std::size_t i) const noexcept { return i < inputs_.size() && inputs_[i] != nullptr; }
    [[nodiscard]] const Tensor& input(std::size_t i) const {
        if (!has_input(i)) {
            fail("needs its input ", i, ", which is missing.");
        }
        return *inputs_[i];
    }
    //! Input i, which has to be one number.
    [[nodiscard]] const Tensor& single(std::size_t i) const {
        if (input(i).volume() != 1) {
            fail("needs one number as its input ", i, ", which has ", input(i).volume(), ".");
        }
        return input(i);
    }
    [[nodiscard]] double real(std::size_t i) const { return single(i).get(0); }
    [[nodiscard]] std::int64_t integer(std::size_t i) const {
        if (is_floating(single(i).dtype)) {
            fail("needs an integer as its input ", i, ", which is ", dtype_name(input(i).dtype), ".");
        }
        return input(i).get_integer(0);
    }
    //! Null when absent.
    [[nodiscard]] const Tensor* optional_input(std::size_t i) const noexcept { return has_input(i) ? inputs_[i] : nullptr; }

    [[nodiscard]] std::size_t output_count() const noexcept { return outputs_.size(); }
    //! Makes output i, zero filled. Making one that nobody asked for is allowed.
    Tensor& output(std::size_t i, DataType type, std::vector<std::int64_t> dims) { return output(i, Tensor(type, std::move(dims))); }
    Tensor& output(std::size_t i, Tensor tensor) {
        if (outputs_.size() <= i) {
            outputs_.resize(i + 1);
        }
        return outputs_[i] = std::move(tensor);
    }
    [[nodiscard]] std::vector<Tensor>& outputs() noexcept { return outputs_; }

    template <typename... Parts>
    [[noreturn]] void fail(const Parts&... parts) const {
        throw InvalidArgument(text("Layer '", name_, "' ", parts...));
    }

private:
    std::string name_; // of the layer, for messages
    const AttributeSet& attributes_;
    std::vector<const Tensor*> inputs_;
    std::vector<Tensor> outputs_;
};

//! Sizes are checked before memory is asked for; whatever cannot be computed throws InvalidArgument by Call::fail.
struct Function {
    std::string_view name;
    void (*run)(Call& call);
    bool foldable = true; // the same inputs give the same outputs
};

//! Null when there is none of that name.
[[nodiscard]] const Function* find_function(std::string_view name);

// The families, each in functions_<name>.cpp.
[[nodiscard]] std::span<const Function> selection_functions();
[[nodiscard]] std::span<const Function> suppression_functions();
[[nodiscard]] std::span<const Function> index_functions();
[[nodiscard]] std::span<const Function> reduction_functions();
[[nodiscard]] std::span<const Function> along_axis_functions();
[[nodiscard]] std::span<const Function> quantize_functions();
[[nodiscard]] std::span<const Function> recurrent_functions();
[[nodiscard]] std::span<const Function> spatial_functions();
[[nodiscard]] std::span<const Function> attention_functions();
[[nodiscard]] std::span<const Function> signal_functions();
[[nodiscard]] std::span<const Function> bits_functions();
[[nodiscard]] std::span<const Function> pointwise_functions();
[[nodiscard]] std::span<const Function> movement_functions();
[[nodiscard]] std::span<const Function> loss_functions();
[[nodiscard]] std::span<const Function> matrix_functions();
[[nodiscard]] std::span<const Function> fill_functions();
[[nodiscard]] std::span<const Function> microsoft_functions();
[[nodiscard]] std::span<const Function> einsum_functions();
[[nodiscard]] std::span<const Function> sequence_functions();
[[nodiscard]] std::span<const Function> image_functions();

} // namespace tensorvk::kernels::host
