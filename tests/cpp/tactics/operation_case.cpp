#include "tactics/operation_case.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/pointwise_program.hpp"
#include "support/dtype.hpp"
#include "tactics/layout.hpp"
#include "tactics/tensor_bytes.hpp"

namespace tensorvk::test {

using kernels::host::Tensor;
using tactics::Candidate;
using tactics::Layout;
using tactics::Value;

tactics::ValueId OperationCase::add_value(const Tensor& tensor, Layout layout, bool constant) {
    Value value;
    value.name = "value" + std::to_string(values_.size());
    value.dtype = tensor.dtype;
    value.layout = layout;
    value.known = constant;
    for (const std::int64_t dim : tensor.dims) value.dims.push_back(program_.exprs.constant(dim));
    value.buffer = static_cast<std::int32_t>(program_.buffers.size());
    program_.buffers.push_back({.name = value.name,
                                .kind = constant ? plan::BufferKind::kCONSTANT : plan::BufferKind::kINPUT,
                                .bytes = program_.exprs.constant(static_cast<std::int64_t>(tensor.data.size()))});
    values_.push_back(value);
    data_.push_back(tensor);
    return static_cast<tactics::ValueId>(values_.size() - 1);
}

void OperationCase::add_input(const Tensor& tensor, Layout layout, bool constant) {
    operation_.inputs.push_back(add_value(tensor, layout, constant));
}

void OperationCase::add_operand(const Tensor& tensor, Layout layout) { operation_.operands.push_back(add_value(tensor, layout, false)); }

void OperationCase::set_output(DataType dtype, std::vector<std::int64_t> dims, Layout layout) {
    operation_.outputs.push_back(add_value(Tensor(dtype, std::move(dims)), layout, false));
}

void OperationCase::place_output(std::vector<std::int64_t> whole, std::size_t axis, std::int64_t offset) {
    const tactics::ValueId part = operation_.outputs[0];
    const Value result = values_[static_cast<std::size_t>(part)];
    tactics::Copy copy;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        copy.axis_of.push_back(static_cast<std::int32_t>(i));
        copy.start.push_back(program_.exprs.constant(0));
        copy.stride.push_back(program_.exprs.constant(1));
    }
    copy.region = result.dims;
    copy.destination_axis = static_cast<std::int32_t>(axis);
    copy.destination_offset = program_.exprs.constant(offset);
    operation_.outputs = {add_value(Tensor(result.dtype, std::move(whole)), result.layout, false)};
    operation_.placement = tactics::Placement{part, std::move(copy)};
}

void OperationCase::leave_gaps(std::size_t which, std::size_t axis, std::int64_t behind) {
    const auto id = static_cast<std::size_t>(which < operation_.inputs.size() ? operation_.inputs[which] : operation_.operands[which - operation_.inputs.size()]);
    const Tensor part = data_[id];
    std::vector<std::int64_t> dims = part.dims;
    dims[axis] += behind;
    Tensor whole(part.dtype, dims);
    std::int64_t inner = 1;
    for (std::size_t i = axis + 1; i < dims.size(); ++i) inner *= dims[i];
    for (std::int64_t i = 0; i < whole.volume(); ++i) {
        const std::int64_t at = i / inner % dims[axis], outer = i / inner / dims[axis];
        whole.set(i, at < part.dims[axis] ? part.get((outer * part.dims[axis] + at) * inner + i % inner) : std::nan(""));
    }
    shape::Exprs extents;
    for (const std::int64_t dim : dims) extents.push_back(program_.exprs.constant(dim));
    values_[id].strides = tactics::memory_strides(program_.exprs, extents, values_[id].layout);
    program_.buffers[static_cast<std::size_t>(values_[id].buffer)].bytes = program_.exprs.constant(static_cast<std::int64_t>(whole.data.size()));
    data_[id] = std::move(whole);
}

void OperationCase::make_dynamic(std::size_t axis) {
    const Value& input = values_[static_cast<std::size_t>(operation_.inputs[0])];
    const shape::Expr known = input.dims[axis];
    const shape::Expr symbol = program_.exprs.symbol("input:" + std::to_string(axis));
    symbols_.push_back(*program_.exprs.value(known));
    for (Value& value : values_) {
        const bool constant = program_.buffers[static_cast<std::size_t>(value.buffer)].kind == plan::BufferKind::kCONSTANT;
        if (!constant && axis < value.dims.size() && value.dims[axis] == known) value.dims[axis] = symbol;
    }
}

std::vector<Candidate> OperationCase::candidates(const vulkan::DeviceCaps& caps) const {
    return tactics::candidates(operation_, values_, caps, program_.exprs);
}

OperationCase::Prepared OperationCase::prepare(const std::shared_ptr<vulkan::Device>& device, const Candidate& candidate, const vulkan::DeviceCaps& caps) const {
    Prepared out;
    out.program = std::make_unique<plan::Program>(program_);
    tactics::Lowering lowering(*out.program, values_, caps);
    candidate.lower(lowering);
    out.runner = std::make_unique<ProgramRunner>(device, *out.program, symbols_);
    for (std::size_t i = 0; i < values_.size(); ++i) {
        if (std::ranges::count(operation_.outputs, static_cast<tactics::ValueId>(i)) > 0) continue; // stays NaN until a kernel writes it
        out.runner->write(values_[i].buffer, bytes_of(data_[i], values_[i].layout));
    }
    out.runner->run_init();
    return out;
}

Tensor OperationCase::output(Prepared& prepared, std::size_t which) const {
    const auto id = static_cast<std::size_t>(operation_.outputs[which]);
    return tensor_of(prepared.runner->read(values_[id].buffer, data_[id].data.size()), values_[id].dtype, data_[id].dims, values_[id].layout);
}

void OperationCase::omit_output() { operation_.outputs.push_back(-1); }

Tensor OperationCase::run(const std::shared_ptr<vulkan::Device>& device, const Candidate& candidate) const {
    Prepared prepared = prepare(device, candidate);
    prepared.runner->run();
    return output(prepared);
}

Tensor OperationCase::finish(const Tensor& result) const {
    Tensor out(data_[static_cast<std::size_t>(operation_.outputs[0])].dtype, result.dims);
    for (std::int64_t i = 0; i < result.volume(); ++i) {
        std::vector<double> operands;
        for (const tactics::ValueId id : operation_.operands) {
            const Tensor& operand = data_[static_cast<std::size_t>(id)];
            std::int64_t rest = i;
            std::int64_t index = 0;
            std::int64_t step = 1;
            for (std::size_t back = 1; back <= result.dims.size(); ++back) {
                const std::int64_t at = rest % result.dims[result.dims.size() - back];
                rest /= result.dims[result.dims.size() - back];
                if (back > operand.dims.size()) continue;
                const std::int64_t extent = operand.dims[operand.dims.size() - back];
                index += extent == 1 ? 0 : at * step;
                step *= extent;
            }
            operands.push_back(operand.get(index));
        }
        out.set(i, kernels::evaluate(operation_.epilogue, result.get(i), operands.data()));
    }
    return out;
}

} // namespace tensorvk::test
