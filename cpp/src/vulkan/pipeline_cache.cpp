#include "vulkan/pipeline_cache.hpp"

#include <cstring>

#include "support/error.hpp"
#include "vulkan/cache_file.hpp"
#include "vulkan/check.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::vulkan {
namespace {

Digest128 key_of(const PipelineDesc& desc) {
    std::vector<std::uint32_t> words{desc.bindings, desc.push_constant_bytes, desc.required_subgroup_size,
                                     desc.full_subgroups ? 1U : 0U, static_cast<std::uint32_t>(desc.constants.size())};
    for (const SpecConstant& constant : desc.constants) words.insert(words.end(), {constant.id, constant.value});
    words.insert(words.end(), desc.spirv.begin(), desc.spirv.end());
    return digest128(std::as_bytes(std::span(words)));
}

std::filesystem::path file_of(const Device& device) {
    const std::filesystem::path directory = cache_directory();
    return directory.empty() ? directory : directory / cache_file_name(device.offer());
}

} // namespace

std::size_t PipelineCache::KeyHash::operator()(const Digest128& key) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, key.data(), sizeof(hash));
    return hash;
}

PipelineCache::PipelineCache(Device& device) : device_(device) {
}

VkPipelineCache PipelineCache::open() {
    const std::lock_guard lock(opening_);
    if (handle_ != VK_NULL_HANDLE || !device_.caps().shaders) return handle_;
    device_.open_shaders();
    const std::vector<std::byte> stored = read_cache_file(file_of(device_), device_.offer());
    VkPipelineCacheCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
    info.initialDataSize = stored.size();
    info.pInitialData = stored.data();
    if (device_.fn().CreatePipelineCache(device_.handle(), &info, nullptr, &handle_) == VK_SUCCESS) return handle_;
    // The driver refused the stored bytes: a miss, not an error.
    info.initialDataSize = 0;
    check(device_.fn().CreatePipelineCache(device_.handle(), &info, nullptr, &handle_), "create a pipeline cache");
    return handle_;
}

PipelineCache::~PipelineCache() {
    entries_.clear();
    if (handle_ == VK_NULL_HANDLE) return;
    device_.fn().DestroyPipelineCache(device_.handle(), handle_, nullptr);
}

std::shared_ptr<const Pipeline> PipelineCache::get(const PipelineDesc& desc) {
    const Digest128 key = key_of(desc);
    std::promise<std::shared_ptr<const Pipeline>> promise;
    {
        std::unique_lock lock(mutex_);
        const auto [entry, is_new] = entries_.try_emplace(key);
        if (!is_new) {
            const Entry shared = entry->second;
            lock.unlock();
            return shared.get();
        }
        entry->second = promise.get_future().share();
    }
    try {
        auto pipeline = std::make_shared<const Pipeline>(device_, desc, open());
        promise.set_value(pipeline);
        const std::lock_guard lock(mutex_);
        ++compiled_;
        return pipeline;
    } catch (...) {
        // Those who wait get the same error; the next call tries again.
        promise.set_exception(std::current_exception());
        const std::lock_guard lock(mutex_);
        entries_.erase(key);
        throw;
    }
}

void PipelineCache::save() noexcept {
    try {
        const std::lock_guard lock(mutex_);
        if (compiled_ == saved_at_) return;
        const std::filesystem::path path = file_of(device_);
        if (path.empty()) return;
        std::size_t size = 0;
        if (device_.fn().GetPipelineCacheData(device_.handle(), handle_, &size, nullptr) != VK_SUCCESS) return;
        std::vector<std::byte> bytes(size);
        if (device_.fn().GetPipelineCacheData(device_.handle(), handle_, &size, bytes.data()) != VK_SUCCESS) return;
        bytes.resize(size);
        if (write_cache_file(path, device_.offer(), bytes)) saved_at_ = compiled_;
    } catch (const std::exception&) {
        // A cache that could not be written costs time only.
        return;
    }
}

std::uint64_t PipelineCache::compiled() const {
    const std::lock_guard lock(mutex_);
    return compiled_;
}

} // namespace tensorvk::vulkan
