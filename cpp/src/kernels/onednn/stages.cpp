#include "kernels/onednn/stages.hpp"

#include <algorithm>
#include <new>

#include "kernels/cpu/scratch.hpp"

namespace tensorvk::kernels::cpu {

dnnl::memory Stages::temporary(const dnnl::memory::desc& desc) {
    dnnl::memory memory(desc, onednn_engine(), nullptr);
    temporaries_.push_back({memory, bytes_});
    bytes_ += scratch_bytes<std::byte>(static_cast<std::int64_t>(desc.get_size()));
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
        scratch_bytes_ = std::max(scratch_bytes_, scratch_bytes<std::byte>(static_cast<std::int64_t>(scratchpad.get_size())));
        arguments.emplace(DNNL_ARG_SCRATCHPAD, scratchpads_.back());
    }
    stages_.push_back({std::move(primitive), std::move(arguments)});
}

Run Stages::take() {
    for (const dnnl::memory& scratchpad : scratchpads_) temporaries_.push_back({scratchpad, bytes_});
    const std::size_t bytes = bytes_ + scratch_bytes_;
    return [stages = std::move(stages_), temporaries = std::move(temporaries_), bytes]() mutable {
        try {
            const Scratch memory(bytes);
            for (Placed& placed : temporaries) placed.memory.set_data_handle(memory.data() + placed.offset);
            for (const Stage& stage : stages) stage.primitive.execute(onednn_stream(), stage.arguments);
        } catch (const dnnl::error&) {
            throw std::bad_alloc(); // all else was refused when the primitives were made
        }
    };
}

} // namespace tensorvk::kernels::cpu
