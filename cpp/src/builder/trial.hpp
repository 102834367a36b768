// One operation lowered by several candidates into one program, so that all of them run on the same inputs in one go.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "compiler/compile.hpp"
#include "kernels/host/tensor.hpp"
#include "runtime/executor.hpp"
#include "stream/stream.hpp"
#include "tactics/family.hpp"

namespace tensorvk::builder {

class Trial {
public:
    //! Each candidate writes outputs of its own.
    Trial(const compiler::Compiled& network, const tactics::Operation& operation, std::span<const tactics::Candidate* const> candidates,
          const vulkan::DeviceCaps& caps);
    ~Trial();
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;

    //! Hash of everything that candidate `index` would dispatch for these symbols.
    [[nodiscard]] Digest128 content(std::size_t index, std::span<const std::int64_t> symbols) const;
    //! Bytes of arena scratch that candidate `index` asks for.
    [[nodiscard]] std::uint64_t scratch_bytes(std::size_t index, std::span<const std::int64_t> symbols) const;

    //! Makes the candidates' pipelines; per candidate why the driver refused one, else empty.
    [[nodiscard]] std::vector<std::string> compile(const std::shared_ptr<vulkan::Device>& device) const;
    //! What all candidates dispatch, and what packs their weights.
    void append_steps(std::vector<plan::Step>& steps) const;

    //! Loads the program and fills its inputs with random numbers (integers with zeros: they may be indices). Each candidate will run `times` times in a row.
    void prepare(std::shared_ptr<vulkan::Device> device, std::span<const std::byte> weights, std::span<const std::int64_t> symbols,
                 stream::Stream& stream, LogSink& log, std::size_t times = 1);
    //! Milliseconds per candidate: the mean of its times in a row.
    [[nodiscard]] std::vector<float> run();
    //! The outputs that candidate `index` wrote in the last run.
    [[nodiscard]] std::vector<kernels::host::Tensor> outputs(std::size_t index);

private:
    struct Range {
        std::size_t first = 0, last = 0;         // steps
        std::size_t first_buffer = 0, last_buffer = 0; // scratch buffers it added
        std::vector<std::size_t> io;             // its outputs
    };
    void add_inputs(const compiler::Compiled& network, const tactics::Operation& operation);
    void free_memory() noexcept;
    void repeat_steps(std::size_t times);

    std::shared_ptr<plan::Program> program_;
    std::vector<Range> ranges_;
    std::set<std::int32_t> not_negative_; // buffers of inputs: squares are among them
    std::size_t times_ = 1; // that each candidate runs in a row
    std::unique_ptr<runtime::Execution> execution_;
    stream::Stream* stream_ = nullptr;
    std::vector<std::uint64_t> memory_;
};

} // namespace tensorvk::builder
