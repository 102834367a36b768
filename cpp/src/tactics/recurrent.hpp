// A call of the host functions RNN, GRU and LSTM as kernels see it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tactics/families.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {

struct RecurrentCell {
    std::string_view function;
    std::int32_t gates;
    std::array<std::string_view, 3> activations;
    std::size_t activation_count;
};

struct RecurrentProblem {
    //! The operators' places.
    enum Input : std::size_t { kX, kW, kR, kBIAS, kLENGTHS, kSTATE, kCELLS, kPEEPHOLE, kINPUTS };
    enum Output : std::size_t { kALL, kLAST_STATE, kLAST_CELLS, kOUTPUTS };
    enum Flag : std::int32_t { kREVERSED = 1, kBATCH_FIRST = 2, kLINEAR_BEFORE_RESET = 4, kCOUPLES_FORGET = 8 }; // in all kernels

    //! Nothing where the function is another one.
    [[nodiscard]] static std::optional<RecurrentProblem> of(const Query& query);

    [[nodiscard]] const AttributeSet& attributes() const { return std::get<HostCall>(operation.kind).attributes; }
    [[nodiscard]] const Value* input(Input place) const { return find(inputs, place); }
    [[nodiscard]] const Value* output(Output place) const { return find(outputs, place); }
    [[nodiscard]] shape::Expr steps() const { return x().dims[batch_first() ? 1 : 0]; }
    [[nodiscard]] shape::Expr batch() const { return x().dims[batch_first() ? 0 : 1]; }
    [[nodiscard]] shape::Expr input_size() const { return x().dims[2]; }
    [[nodiscard]] shape::Expr hidden() const { return inputs[kR]->dims[2]; }
    [[nodiscard]] shape::Expr directions() const { return inputs[kW]->dims[0]; }
    [[nodiscard]] bool batch_first() const { return (flags & kBATCH_FIRST) != 0; }
    //! As kernels read it.
    [[nodiscard]] std::int32_t clip_bits() const;

    Operation operation; // a copy: candidates outlive the call that makes them
    RecurrentCell cell;
    std::int32_t flags = 0;
    std::array<std::optional<Value>, kINPUTS> inputs;
    std::array<std::optional<Value>, kOUTPUTS> outputs;
    //! One slot for each activation of each direction; nothing where one of them needs two parameters.
    std::optional<kernels::PointwiseProgram> activations;

private:
    [[nodiscard]] const Value& x() const { return *inputs[kX]; }
    template <typename Values>
    [[nodiscard]] static const Value* find(const Values& values, std::size_t place) { return values[place] ? &*values[place] : nullptr; }
};

//! Why no kernel computes such cells, or empty.
[[nodiscard]] std::string refuse_cell(const RecurrentProblem& problem);

//! The shaders: one product for all inputs, then the sequence.
[[nodiscard]] std::vector<Candidate> recurrent_shaders(const RecurrentProblem& problem, const Query& query);

} // namespace tensorvk::tactics
