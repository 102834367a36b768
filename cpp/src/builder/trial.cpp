#include "builder/trial.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <set>
#include <span>
#include <string>

#include "kernels/cpu/kernel.hpp"
#include "runtime/pipelines.hpp"
#include "stream/copy.hpp"
#include "stream/memory.hpp"
#include "support/dtype.hpp"
#include "support/processors.hpp"

namespace tensorvk::builder {

namespace {

//! Appends the bytes of a number to what is hashed.
template <typename T>
void put(std::vector<std::byte>& out, const T& value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    out.insert(out.end(), bytes, bytes + sizeof(T));
}

void put_step(std::vector<std::byte>& out, const plan::Program& program, const plan::Step& step, const std::vector<std::int64_t>& values) {
    put(out, step.kernel_hash);
    const bool cpu_kernel = kernels::cpu::is_cpu_kernel(step.kernel);
    if (step.host || cpu_kernel) { // a function has no hash of its content
        const auto name = std::as_bytes(std::span(step.kernel));
        out.insert(out.end(), name.begin(), name.end());
    }
    if (cpu_kernel) put(out, usable_cores());
    for (const plan::SpecConstant& spec : step.spec) {
        put(out, spec.id);
        put(out, spec.value);
    }
    for (const shape::Expr param : step.params) {
        put(out, values[static_cast<std::size_t>(param.id)]);
    }
    for (const shape::Expr group : step.groups) {
        put(out, values[static_cast<std::size_t>(group.id)]);
    }
    for (const plan::Binding& binding : step.bindings) {
        put(out, values[static_cast<std::size_t>(program.buffers[static_cast<std::size_t>(binding.buffer)].bytes.id)]);
    }
}

std::vector<std::byte> random_bytes(DataType dtype, std::int64_t elements, std::uint32_t seed, bool not_negative) {
    kernels::host::Tensor tensor(dtype, {elements});
    std::mt19937 generator(seed);
    if (is_byte(dtype)) { // quantized numbers; wider integers may be indices
        std::ranges::generate(tensor.data, [&] { return static_cast<std::byte>(generator()); });
    }
    if (!is_floating(dtype)) {
        return {tensor.data.begin(), tensor.data.end()};
    }
    std::uniform_real_distribution<float> uniform(not_negative ? 0.0f : -1.0f, 1.0f);
    for (std::int64_t i = 0; i < elements; ++i) {
        tensor.set(i, uniform(generator));
    }
    return {tensor.data.begin(), tensor.data.end()};
}

//! The moments of rows that a product is told, or -1: squares do not go below zero.
tactics::ValueId given_moments(const tactics::Operation& operation) {
    const auto* product = std::get_if<tactics::MatrixProduct>(&operation.kind);
    return product != nullptr && product->normalized && product->normalized->given ? operation.inputs.back() : -1;
}

//! What the steps write to buffer `from`, and then read from there, they write to `to`: candidates know the network's buffers only. What they read
//! before is the input of an operation that works in its place.
void redirect(std::span<plan::Step> steps, std::int32_t from, std::int32_t to) {
    bool written = false;
    const auto moved = [&](std::int32_t buffer) { return buffer == from ? to : buffer; };
    for (plan::Step& step : steps) {
        const bool reads = written;
        for (plan::Binding& binding : step.bindings) {
            written |= binding.written && binding.buffer == from;
            binding.buffer = binding.written || reads ? moved(binding.buffer) : binding.buffer;
        }
        if (step.host) {
            auto call = std::make_shared<plan::HostCall>(*step.host);
            for (plan::HostTensor& input : call->inputs) {
                input.buffer = reads ? moved(input.buffer) : input.buffer;
            }
            for (plan::HostTensor& output : call->outputs) {
                written |= output.buffer == from;
                output.buffer = moved(output.buffer);
            }
            step.host = std::move(call);
        }
    }
}

} // namespace

Trial::Trial(const compiler::Compiled& network, const tactics::Operation& operation, std::span<const tactics::Candidate* const> candidates,
             const vulkan::DeviceCaps& caps)
    : program_(std::make_shared<plan::Program>()) {
    program_->exprs = network.program.exprs;
    program_->buffers = network.program.buffers;
    add_inputs(network, operation);
    for (const tactics::Candidate* candidate : candidates) {
        Range range;
        std::vector<std::pair<std::int32_t, std::int32_t>> redirections;
        for (const tactics::ValueId id : operation.outputs) {
            if (id < 0) {
                continue;
            }
            const tactics::Value& value = network.values[static_cast<std::size_t>(id)];
            plan::Buffer buffer = network.program.buffers[static_cast<std::size_t>(value.buffer)];
            buffer.kind = plan::BufferKind::kOUTPUT;
            program_->buffers.push_back(buffer);
            const auto own = static_cast<std::int32_t>(program_->buffers.size()) - 1;
            redirections.emplace_back(value.buffer, own);
            range.io.push_back(program_->io.size());
            program_->io.push_back({text("output ", program_->io.size()), value.dtype, TensorIOMode::kOUTPUT, value.dims, own});
        }
        range.first = program_->steps.size();
        range.first_buffer = program_->buffers.size();
        tactics::Lowering lowering(*program_, network.values, caps);
        candidate->lower(lowering);
        range.last = program_->steps.size();
        for (const auto& [from, to] : redirections) {
            redirect(std::span(program_->steps).subspan(range.first, range.last - range.first), from, to);
        }
        range.last_buffer = program_->buffers.size();
        ranges_.push_back(std::move(range));
    }
}

void Trial::add_inputs(const compiler::Compiled& network, const tactics::Operation& operation) {
    std::set<std::int32_t> seen;
    for (const auto* list : {&operation.inputs, &operation.operands}) {
        for (const tactics::ValueId id : *list) {
            if (id < 0) { // an optional one that is absent
                continue;
            }
            const tactics::Value& value = network.values[static_cast<std::size_t>(id)];
            plan::Buffer& buffer = program_->buffers[static_cast<std::size_t>(value.buffer)];
            if (buffer.kind == plan::BufferKind::kCONSTANT || !seen.insert(value.buffer).second) {
                continue;
            }
            buffer.kind = plan::BufferKind::kINPUT;
            if (id == given_moments(operation)) not_negative_.insert(value.buffer);
            program_->io.push_back({text("input ", program_->io.size()), value.dtype, TensorIOMode::kINPUT, value.dims, value.buffer});
        }
    }
}

Trial::~Trial() { free_memory(); }

void Trial::free_memory() noexcept {
    execution_.reset();
    for (const std::uint64_t address : memory_) {
        stream::free_device(address);
    }
    memory_.clear();
}

Digest128 Trial::content(std::size_t index, std::span<const std::int64_t> symbols) const {
    const std::vector<std::int64_t> values = program_->exprs.evaluate(symbols);
    std::vector<std::byte> bytes;
    for (std::size_t i = ranges_[index].first; i < ranges_[index].last; ++i) {
        put_step(bytes, *program_, program_->steps[i], values);
    }
    return digest128(bytes);
}

std::uint64_t Trial::scratch_bytes(std::size_t index, std::span<const std::int64_t> symbols) const {
    const std::vector<std::int64_t> values = program_->exprs.evaluate(symbols);
    std::uint64_t bytes = 0;
    for (std::size_t i = ranges_[index].first_buffer; i < ranges_[index].last_buffer; ++i) {
        const plan::Buffer& buffer = program_->buffers[i];
        if (buffer.kind == plan::BufferKind::kARENA) {
            bytes += static_cast<std::uint64_t>(values[static_cast<std::size_t>(buffer.bytes.id)]);
        }
    }
    return bytes;
}

std::vector<std::string> Trial::compile(const std::shared_ptr<vulkan::Device>& device) const {
    const std::vector<std::string> steps = runtime::try_pipelines(device, program_->steps);
    std::vector<std::string> out;
    for (const Range& range : ranges_) {
        const auto refused = std::find_if(steps.begin() + static_cast<std::ptrdiff_t>(range.first), steps.begin() + static_cast<std::ptrdiff_t>(range.last),
                                          [](const std::string& refusal) { return !refusal.empty(); });
        out.push_back(refused == steps.begin() + static_cast<std::ptrdiff_t>(range.last) ? std::string() : *refused);
    }
    return out;
}

void Trial::append_steps(std::vector<plan::Step>& steps) const {
    steps.insert(steps.end(), program_->init.begin(), program_->init.end());
    steps.insert(steps.end(), program_->steps.begin(), program_->steps.end());
}

void Trial::repeat_steps(std::size_t times) {
    std::vector<plan::Step> repeated;
    for (Range& range : ranges_) {
        const auto steps = std::span(program_->steps).subspan(range.first, range.last - range.first);
        range.first = repeated.size();
        for (std::size_t i = 0; i < times; ++i) {
            for (const plan::Step& step : steps) {
                repeated.push_back(step);
                repeated.back().group = static_cast<std::int32_t>(repeated.size() - 1);
            }
        }
        range.last = repeated.size();
    }
    program_->steps = std::move(repeated);
    times_ = times;
}

void Trial::prepare(std::shared_ptr<vulkan::Device> device, std::span<const std::byte> weights, std::span<const std::int64_t> symbols,
                    stream::Stream& stream, LogSink& log, std::size_t times) {
    stream_ = &stream;
    if (times > 1) repeat_steps(times);
    execution_ = std::make_unique<runtime::Execution>(runtime::LoadedProgram::load(device, program_, weights, log));
    execution_->set_symbols(symbols);
    for (std::size_t i = 0; i < program_->io.size(); ++i) {
        const plan::IoTensor& tensor = program_->io[i];
        const plan::Buffer& buffer = program_->buffers[static_cast<std::size_t>(tensor.buffer)];
        const auto bytes = static_cast<std::uint64_t>(execution_->value(buffer.bytes));
        memory_.push_back(stream::allocate_device(device, std::max<std::uint64_t>(bytes, 1)));
        execution_->set_address(i, memory_.back());
        if (tensor.mode == TensorIOMode::kOUTPUT && bytes > 0) { // all ones is NaN: what a candidate forgets to write shows up
            stream::fill(memory_.back(), 0xff, bytes, stream);
        }
        if (tensor.mode == TensorIOMode::kINPUT && bytes > 0) {
            const auto elements = static_cast<std::int64_t>(bytes / dtype_size(tensor.dtype));
            const std::vector<std::byte> data = random_bytes(tensor.dtype, elements, static_cast<std::uint32_t>(i) + 1, not_negative_.contains(tensor.buffer));
            stream::copy(memory_.back(), reinterpret_cast<std::uint64_t>(data.data()), bytes, stream::CopyKind::kHostToDevice, stream);
        }
    }
}

std::vector<float> Trial::run() {
    const std::vector<float> steps = execution_->time_steps(*stream_);
    std::vector<float> out;
    for (const Range& range : ranges_) {
        float sum = 0.0f;
        for (std::size_t i = range.first; i < range.last; ++i) {
            sum += steps[i];
        }
        out.push_back(sum / static_cast<float>(times_));
    }
    return out;
}

std::vector<kernels::host::Tensor> Trial::outputs(std::size_t index) {
    std::vector<kernels::host::Tensor> out;
    for (const std::size_t io : ranges_[index].io) {
        const plan::IoTensor& tensor = program_->io[io];
        const auto bytes = execution_->value(program_->buffers[static_cast<std::size_t>(tensor.buffer)].bytes);
        kernels::host::Tensor host(tensor.dtype, {bytes / static_cast<std::int64_t>(dtype_size(tensor.dtype))});
        if (bytes > 0) {
            stream::copy(reinterpret_cast<std::uint64_t>(host.data.data()), memory_[io], static_cast<std::uint64_t>(bytes),
                         stream::CopyKind::kDeviceToHost, *stream_);
        }
        out.push_back(std::move(host));
    }
    return out;
}

} // namespace tensorvk::builder
