#include "stream/command_pool.hpp"

#include <utility>

namespace tensorvk::stream {

CommandPool::CommandPool(std::shared_ptr<vulkan::Device> device, bool copies_alone)
    : device_(std::move(device)), copies_alone_(copies_alone), shelf_(std::make_shared<Shelf>()) {
}

std::shared_ptr<vulkan::CommandBuffer> CommandPool::acquire() {
    std::unique_ptr<vulkan::CommandBuffer> commands;
    {
        const std::lock_guard lock(shelf_->mutex);
        if (!shelf_->free.empty()) {
            commands = std::move(shelf_->free.back());
            shelf_->free.pop_back();
        }
    }
    if (!commands) commands = std::make_unique<vulkan::CommandBuffer>(device_, copies_alone_);
    commands->begin();
    return {commands.release(), [shelf = shelf_](vulkan::CommandBuffer* used) {
                used->let_go();
                std::unique_ptr<vulkan::CommandBuffer> back(used);
                const std::lock_guard lock(shelf->mutex);
                shelf->free.push_back(std::move(back));
            }};
}

} // namespace tensorvk::stream
