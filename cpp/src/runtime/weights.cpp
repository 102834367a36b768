#include "runtime/weights.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/kernel.hpp"
#include "plan/layout.hpp"
#include "stream/stream.hpp"
#include "support/error.hpp"

namespace tensorvk::runtime {
namespace {

using plan::BufferKind;

constexpr std::uint64_t kChunk = 64ULL << 20; // bytes of weights that share one allocation
constexpr std::uint64_t kStaging = 16ULL << 20;

std::vector<bool> bound_by(const plan::Program& program, const std::vector<plan::Step>& steps) {
    std::vector<bool> bound(program.buffers.size(), false);
    for (const plan::Step& step : steps) {
        for (const plan::Binding& binding : step.bindings) {
            bound[static_cast<std::size_t>(binding.buffer)] = true;
        }
    }
    return bound;
}

// What steps other than host kernels bind: it has to be where the device reads it.
std::vector<bool> bound_by_dispatches(const plan::Program& program) {
    std::vector<bool> bound(program.buffers.size(), false);
    for (const std::vector<plan::Step>* steps : {&program.init, &program.steps}) {
        for (const plan::Step& step : *steps) {
            if (kernels::cpu::is_cpu_kernel(step.kernel)) {
                continue;
            }
            for (const plan::Binding& binding : step.bindings) {
                bound[static_cast<std::size_t>(binding.buffer)] = true;
            }
        }
    }
    return bound;
}

// Places buffers one after the other and allocates the memory when kChunk is full.
class Packer {
  public:
    explicit Packer(std::shared_ptr<vulkan::Device> device) : device_(std::move(device)) {}

    void add(Slice& slice) {
        const std::uint64_t size = plan::align_section(slice.size);
        if (size > kChunk / 2) {
            slice.memory = std::make_shared<vulkan::Buffer>(device_, size);
            return;
        }
        if (filled_ + size > kChunk) {
            flush();
        }
        slice.offset = filled_;
        filled_ += size;
        waiting_.push_back(&slice);
    }

    void flush() {
        if (!waiting_.empty()) {
            const auto memory = std::make_shared<vulkan::Buffer>(device_, filled_);
            for (Slice* slice : waiting_) {
                slice->memory = memory;
            }
        }
        waiting_.clear();
        filled_ = 0;
    }

  private:
    std::shared_ptr<vulkan::Device> device_;
    std::vector<Slice*> waiting_;
    std::uint64_t filled_ = 0;
};

// Writes host bytes into device memory: directly where it is mapped, else through staging.
class Uploader {
  public:
    explicit Uploader(std::shared_ptr<vulkan::Device> device) : device_(std::move(device)) {}

    void write(const Slice& target, std::span<const std::byte> bytes) {
        if (std::byte* mapped = target.memory->mapped(); mapped != nullptr) {
            std::memcpy(mapped + target.offset, bytes.data(), bytes.size());
            return;
        }
        for (std::uint64_t done = 0; done < bytes.size();) {
            if (filled_ == kStaging) {
                flush();
            }
            begin();
            const std::uint64_t part = std::min<std::uint64_t>(bytes.size() - done, kStaging - filled_);
            std::memcpy(staging_->mapped() + filled_, bytes.data() + done, part);
            commands_->copy({staging_.get(), filled_, part}, {target.memory.get(), target.offset + done, part});
            filled_ += part;
            done += part;
        }
    }

    void flush() {
        if (filled_ > 0) {
            commands_->end();
            const auto stream = stream::Stream::default_of(device_);
            stream->submit(commands_);
            stream->synchronize();
            filled_ = 0;
        }
    }

  private:
    void begin() {
        if (!staging_) {
            staging_ = std::make_shared<vulkan::Buffer>(device_, kStaging, vulkan::BufferPlace::kHost);
            commands_ = std::make_shared<vulkan::CommandBuffer>(device_);
        }
        if (filled_ == 0) {
            commands_->begin();
        }
    }

    std::shared_ptr<vulkan::Device> device_;
    std::shared_ptr<vulkan::Buffer> staging_;
    std::shared_ptr<vulkan::CommandBuffer> commands_;
    std::uint64_t filled_ = 0;
};

std::uint64_t size_of(const vulkan::Device& device, const plan::Program& program, const plan::Buffer& buffer) {
    const auto size = static_cast<std::uint64_t>(program.exprs.value(buffer.bytes).value());
    const std::uint64_t most = device.caps().limits.max_storage_range;
    if (size > most) {
        throw Unsupported(text("Weights '", buffer.name, "' have ", size, " bytes, this device binds at most ", most,
                               " at once: split the layer, or use a device with a larger maxStorageBufferRange."));
    }
    return size;
}

} // namespace

std::vector<Slice> upload_weights(const std::shared_ptr<vulkan::Device>& device, const plan::Program& program,
                                  std::span<const std::byte> weights) {
    const std::vector<bool> by_init = bound_by(program, program.init);
    const std::vector<bool> by_steps = bound_by(program, program.steps);
    std::vector<Slice> slices(program.buffers.size());
    const std::vector<bool> by_dispatches = bound_by_dispatches(program);
    Packer lasting(device);
    Packer for_init(device);
    for (std::size_t i = 0; i < slices.size(); ++i) {
        const plan::Buffer& buffer = program.buffers[i];
        const bool is_weights = buffer.kind == BufferKind::kCONSTANT || buffer.kind == BufferKind::kDERIVED;
        if (!is_weights || !(by_init[i] || by_steps[i])) {
            continue;
        }
        slices[i].size = size_of(*device, program, buffer);
        if (slices[i].size == 0) {
            continue;
        }
        if (buffer.kind == BufferKind::kCONSTANT && !by_dispatches[i]) {
            slices[i].memory = vulkan::Buffer::of_host(device, weights.subspan(buffer.constant_offset, slices[i].size));
        } else {
            (by_steps[i] ? lasting : for_init).add(slices[i]);
        }
    }
    lasting.flush();
    for_init.flush();

    Uploader uploader(device);
    for (std::size_t i = 0; i < slices.size(); ++i) {
        if (program.buffers[i].kind == BufferKind::kCONSTANT && slices[i].memory && by_dispatches[i]) {
            uploader.write(slices[i], weights.subspan(program.buffers[i].constant_offset, slices[i].size));
        }
    }
    uploader.flush();
    return slices;
}

void release_unused(const plan::Program& program, std::vector<Slice>& slices) {
    const std::vector<bool> by_steps = bound_by(program, program.steps);
    for (std::size_t i = 0; i < slices.size(); ++i) {
        if (!by_steps[i]) {
            slices[i].memory.reset();
        }
    }
}

} // namespace tensorvk::runtime
