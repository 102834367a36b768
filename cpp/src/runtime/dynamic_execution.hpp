// Runs a program with host steps: segment by segment, with sizes that become known on the way. Waits for the device wherever the host has to
// look at data.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "plan/segments.hpp"
#include "runtime/block_pool.hpp"
#include "runtime/executor.hpp"
#include "runtime/host_memory.hpp"
#include "runtime/value.hpp"

namespace tensorvk::runtime {

struct ControlCall;
using ControlFunction = void (*)(ControlCall& call);

class DynamicExecution {
  public:
    DynamicExecution(std::shared_ptr<LoadedProgram> program, std::shared_ptr<BlockPool> pool);
    ~DynamicExecution();

    //! Inputs in the program's order; `wanted`: by output, memory that the result shall be written to where its size is right (null: any).
    //! `symbols`: numbers that are known (others are negative), beside those that are extents of inputs. Returns the outputs. All work is done
    //! when this returns.
    [[nodiscard]] std::vector<Value> run(std::span<const Value> inputs, std::span<const Slice> wanted, stream::Stream& stream,
                                         std::span<const std::int64_t> symbols = {});
    //! Runs `run` (which calls run()) and returns the milliseconds of each step of the program.
    [[nodiscard]] std::vector<float> time_steps(const std::function<void()>& run);
    //! The expression's number in the last run; nothing when it did not become known.
    [[nodiscard]] std::optional<std::int64_t> value(shape::Expr e) const;
    //! Numbers of the last run are those of another shape.
    void forget_values() { values_.clear(); }
    //! Type and shape of an output where the program did not run; extents that are not fixed count as 0.
    [[nodiscard]] Value output_without_run(std::size_t output) const;
    [[nodiscard]] Value input_without_run(std::size_t input) const;
    [[nodiscard]] std::uint64_t recordings() const;

    //! Command buffers keep the pool's memory alive; without them it can be trimmed.
    void forget_recordings();

  private:
    using Known = std::optional<std::int64_t>;

    void check_count(std::size_t inputs) const;
    void bind_inputs(std::span<const Value> inputs, std::span<const std::int64_t> symbols);
    void evaluate();
    [[nodiscard]] const Known& number(shape::Expr e) const { return values_[static_cast<std::size_t>(e.id)]; }
    [[nodiscard]] std::int64_t required(shape::Expr e, const std::string& what) const;
    [[nodiscard]] std::vector<std::int64_t> extents(const shape::Exprs& dims, const std::string& what) const;
    Slice& memory(std::int32_t buffer, const std::string& what);
    [[nodiscard]] Value value_of(const plan::HostTensor& tensor, const plan::Step& step);
    [[nodiscard]] kernels::host::Tensor host_tensor(const plan::HostTensor& tensor, const plan::Step& step, stream::Stream& stream);

    void run_dispatches(std::size_t segment, stream::Stream& stream);
    // dynamic_host_steps.cpp
    void run_host_step(const plan::Step& step, stream::Stream& stream);
    void read_values(const plan::Step& step, stream::Stream& stream);
    void call_function(const plan::Step& step, stream::Stream& stream);
    void run_control(const plan::Step& step, ControlFunction control, stream::Stream& stream);
    void define(const plan::Step& step, std::span<const std::vector<std::int64_t>> output_dims);
    void adopt(const Value& result, std::int32_t buffer, const plan::Step& step, stream::Stream& stream);
    void release_after(std::size_t segment);
    [[nodiscard]] DynamicExecution& body(std::int32_t index);

    std::shared_ptr<LoadedProgram> loaded_;
    const plan::Program& program_;
    std::shared_ptr<BlockPool> pool_;
    HostMemory host_;
    std::vector<std::vector<std::size_t>> released_; // by segment: buffers that it is the last to use
    std::vector<bool> on_host_;          // by buffer: a host step uses it
    std::vector<std::unique_ptr<Execution>> executions_; // by segment; null for host steps
    std::vector<std::unique_ptr<DynamicExecution>> bodies_;
    // of the run in progress
    std::vector<Known> symbols_;
    std::vector<Known> values_;
    std::vector<Slice> buffers_;
    std::vector<float>* times_ = nullptr; // by step, where they are asked for
};

} // namespace tensorvk::runtime
