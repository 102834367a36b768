// Memory for outputs that the user gives during a run.
#include "api/convert.hpp"
#include "api/runtime_state.hpp"

namespace tensorvk {

namespace {

//! What TensorRT asks for: fits every element type and every device's storage buffers.
constexpr std::uint64_t kAlignment = 256;

void* pointer(std::uint64_t address) {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(address));
}

} // namespace

namespace api {

std::size_t ContextState::output_index(const std::string& tensor) const {
    const std::size_t index = engine->engine->tensor_index(tensor);
    if (engine->engine->tensors()[index].mode != TensorIOMode::kOUTPUT) {
        throw InvalidArgument(text("Tensor '", tensor, "' is an input; only outputs have an output allocator."));
    }
    return index;
}

void ContextState::set_output_allocator(const std::string& tensor, std::shared_ptr<IOutputAllocator> allocator) {
    const std::size_t index = output_index(tensor);
    if (allocator == nullptr) {
        output_allocators.erase(index);
    } else {
        output_allocators[index] = std::move(allocator);
    }
}

void ContextState::enqueue_allocating(stream::Stream& stream) {
    if (output_allocators.empty()) {
        return enqueue(stream);
    }
    const auto allocators = output_allocators; // a callback may replace its own
    const auto allocate = [&](std::size_t index, std::uint64_t current, std::uint64_t bytes) -> std::optional<std::uint64_t> {
        const auto it = allocators.find(index);
        if (it == allocators.end()) {
            return std::nullopt;
        }
        const std::string& tensor = engine->engine->tensors()[index].name;
        void* const memory = it->second->reallocateOutputAsync(tensor.c_str(), pointer(current), bytes, kAlignment, pointer(stream.handle()));
        if (memory == nullptr && bytes > 0) {
            throw OutOfMemory(text("The output allocator of tensor '", tensor, "' gave no memory for ", bytes, " bytes."));
        }
        return reinterpret_cast<std::uintptr_t>(memory);
    };
    context.set_output_allocator(allocate);
    try {
        enqueue(stream);
    } catch (...) {
        context.set_output_allocator(nullptr);
        throw;
    }
    context.set_output_allocator(nullptr);
    for (const auto& [index, allocator] : allocators) {
        const std::string& tensor = engine->engine->tensors()[index].name;
        allocator->notifyShape(tensor.c_str(), to_dims(context.tensor_shape(tensor)));
    }
}

} // namespace api

bool IExecutionContext::setOutputAllocator(const char* name, IOutputAllocator* allocator) {
    return api::succeeds(*state_->reporter, [&] { state_->set_output_allocator(api::required(name, "name"), api::unowned(allocator)); });
}

IOutputAllocator* IExecutionContext::getOutputAllocator(const char* name) const {
    return api::guarded(*state_->reporter, static_cast<IOutputAllocator*>(nullptr), [&]() -> IOutputAllocator* {
        const auto it = state_->output_allocators.find(state_->output_index(api::required(name, "name")));
        return it == state_->output_allocators.end() ? nullptr : it->second.get();
    });
}

} // namespace tensorvk
