// One operation with its tensors in a program of its own: what tests and benchmarks of tactics run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/host/tensor.hpp"
#include "tactics/families.hpp"
#include "tactics/program_runner.hpp"

namespace tensorvk::test {

class OperationCase {
public:
    explicit OperationCase(tactics::Operation operation) : operation_(std::move(operation)) {}

    //! Adds a value with its data; inputs and operands in the operation's order, each with a call of its own.
    void add_input(const kernels::host::Tensor& tensor, tactics::Layout layout, bool constant);
    void omit_input() { operation_.inputs.push_back(-1); } // the next one is absent
    void add_operand(const kernels::host::Tensor& tensor, tactics::Layout layout);
    void set_output(DataType dtype, std::vector<std::int64_t> dims, tactics::Layout layout); // another call adds another output
    //! Output 0 becomes the part from `offset` on along that axis of a larger value, which is the output from now on.
    void place_output(std::vector<std::int64_t> whole, std::size_t axis, std::int64_t offset);
    //! Input `which` becomes the first range along that axis of a value with `behind` more, which are NaN.
    void leave_gaps(std::size_t which, std::size_t axis, std::int64_t behind);
    void omit_output(); // nobody wants the next output
    //! Dimension `axis` of input 0 and of the output (and of operands that have it) becomes one symbol.
    void make_dynamic(std::size_t input_axis);

    [[nodiscard]] DataType input_type() const { return values_[static_cast<std::size_t>(operation_.inputs[0])].dtype; }
    [[nodiscard]] shape::Expr input_dim(std::size_t axis) const { return values_[static_cast<std::size_t>(operation_.inputs[0])].dims[axis]; }
    //! What of the operation is made of expressions: change(operation, exprs).
    template <typename Change>
    void change(const Change& change) {
        change(operation_, program_.exprs);
    }

    [[nodiscard]] std::vector<tactics::Candidate> candidates(const vulkan::DeviceCaps& caps) const;
    //! What a part of a family answers.
    template <typename Ask>
    [[nodiscard]] auto ask(const vulkan::DeviceCaps& caps, const Ask& ask) const {
        return ask(tactics::Query{operation_, values_, caps, program_.exprs});
    }
    //! Lowers a candidate, uploads the data and runs the init steps.
    struct Prepared {
        std::unique_ptr<plan::Program> program;
        std::unique_ptr<ProgramRunner> runner;
    };
    [[nodiscard]] Prepared prepare(const std::shared_ptr<vulkan::Device>& device, const tactics::Candidate& candidate) const { return prepare(device, candidate, device->caps()); }
    //! As for a device of other abilities, which this one plays.
    [[nodiscard]] Prepared prepare(const std::shared_ptr<vulkan::Device>& device, const tactics::Candidate& candidate, const vulkan::DeviceCaps& caps) const;
    [[nodiscard]] kernels::host::Tensor run(const std::shared_ptr<vulkan::Device>& device, const tactics::Candidate& candidate) const;
    [[nodiscard]] kernels::host::Tensor output(Prepared& prepared, std::size_t which = 0) const;

    //! The epilogue on the host, in double, element by element with broadcast operands.
    [[nodiscard]] kernels::host::Tensor finish(const kernels::host::Tensor& result) const;

private:
    tactics::ValueId add_value(const kernels::host::Tensor& tensor, tactics::Layout layout, bool constant);

    tactics::Operation operation_;
    plan::Program program_; // expressions and buffers of the values
    std::vector<tactics::Value> values_;
    std::vector<kernels::host::Tensor> data_; // per value; the output's is zero
    std::vector<std::int64_t> symbols_;
};

} // namespace tensorvk::test
