#include "kernels/onednn/stages.hpp"

#include <algorithm>
#include <memory>
#include <new>

namespace tensorvk::kernels::cpu {

namespace {

//! For one run after the other: as much as the largest of this thread needs.
std::byte* memory_of_thread(std::size_t bytes) {
    constexpr std::align_val_t kPage{4096};
    struct Free {
        void operator()(std::byte* memory) const { ::operator delete[](memory, kPage); }
    };
    static thread_local std::unique_ptr<std::byte[], Free> memory;
    static thread_local std::size_t size = 0;
    if (size < bytes) {
        memory.reset();
        size = 0;
        memory.reset(new (kPage) std::byte[bytes]);
        size = bytes;
    }
    return memory.get();
}

std::size_t whole_lines(std::size_t bytes) {
    constexpr std::size_t kLine = 64;
    return (bytes + kLine - 1) / kLine * kLine;
}

} // namespace

dnnl::memory Stages::temporary(const dnnl::memory::desc& desc) {
    dnnl::memory memory(desc, onednn_engine(), nullptr);
    temporaries_.push_back({memory, bytes_});
    bytes_ += whole_lines(desc.get_size());
    return memory;
}

dnnl::memory Stages::view(const dnnl::memory& temporary, const dnnl::memory::desc& desc) {
    const auto placed = std::ranges::find_if(temporaries_, [&](const Placed& p) { return p.memory == temporary; });
    dnnl::memory out(desc, onednn_engine(), nullptr);
    temporaries_.push_back({out, placed->offset});
    return out;
}

dnnl::memory Stages::reordered(const dnnl::memory& given, const dnnl::memory::desc& wanted) {
    if (given.get_desc() == wanted) return given;
    dnnl::memory out = temporary(wanted);
    copy(given, out);
    return out;
}

void Stages::copy(const dnnl::memory& from, const dnnl::memory& to) {
    const dnnl::reorder::primitive_desc how(from, to, our_attributes());
    add(dnnl::reorder(how), how.scratchpad_desc(), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
}

void Stages::add(dnnl::primitive primitive, const dnnl::memory::desc& scratchpad, std::unordered_map<int, dnnl::memory> arguments) {
    if (scratchpad.get_size() > 0) {
        scratchpads_.emplace_back(scratchpad, onednn_engine(), nullptr);
        scratch_bytes_ = std::max(scratch_bytes_, whole_lines(scratchpad.get_size()));
        arguments.emplace(DNNL_ARG_SCRATCHPAD, scratchpads_.back());
    }
    stages_.push_back({std::move(primitive), std::move(arguments)});
}

Run Stages::take() {
    for (const dnnl::memory& scratchpad : scratchpads_) temporaries_.push_back({scratchpad, bytes_});
    const std::size_t bytes = bytes_ + scratch_bytes_;
    return [stages = std::move(stages_), temporaries = std::move(temporaries_), bytes]() mutable {
        try {
            if (bytes > 0) {
                std::byte* base = memory_of_thread(bytes);
                for (Placed& placed : temporaries) placed.memory.set_data_handle(base + placed.offset);
            }
            for (const Stage& stage : stages) stage.primitive.execute(onednn_stream(), stage.arguments);
        } catch (const dnnl::error&) {
            throw std::bad_alloc(); // all else was refused when the primitives were made
        }
    };
}

} // namespace tensorvk::kernels::cpu
