// The one Vulkan instance of the process, and what the validation layers say about us.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vulkan/api.hpp"
#include "vulkan/device_plan.hpp"
#include "vulkan/loader.hpp"

namespace tensorvk::vulkan {

//! What TENSORVK_VALIDATION asks for: "1" (or "core"), "sync", "gpu", joined by commas; "0" or empty is off.
struct ValidationWish {
    bool on = false;
    bool sync = false;
    bool gpu = false;

    [[nodiscard]] static ValidationWish parse(const std::string& value);
};

class Instance {
  public:
    //! Created at the first call and kept until the process ends. Where there is no loader or no device that can be used, or
    //! TENSORVK_DISABLE holds "vulkan", it is one of the driver of our own (vulkan/host_driver); so it is where the devices
    //! are remembered and can be opened late (vulkan/late).
    [[nodiscard]] static const Instance& get();
    //! The same, but never one that remembers: its devices are there now.
    [[nodiscard]] static const Instance& looked();

    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    [[nodiscard]] VkInstance handle() const noexcept { return handle_; }
    [[nodiscard]] const InstanceFunctions& fn() const noexcept { return fn_; }
    //! True when the validation layer was asked for and is there.
    [[nodiscard]] bool validating() const noexcept { return messenger_ != VK_NULL_HANDLE; }
    [[nodiscard]] std::vector<VkPhysicalDevice> physical_devices() const;
    //! Why this is the driver of our own, in a sentence; empty when it is Vulkan's.
    [[nodiscard]] const std::string& absence() const noexcept { return absence_; }
    //! Whether its devices are remembered ones.
    [[nodiscard]] bool late() const noexcept { return !remembered_.empty(); }
    [[nodiscard]] const std::vector<DeviceOffer>& remembered() const noexcept { return remembered_; }
    //! Files of the loader, the drivers and what those loaded.
    [[nodiscard]] std::vector<std::string> libraries() const;

  private:
    Instance(const Loader& loader, const ValidationWish& wish, std::string absence);
    ~Instance(); // of those that have no device: the one in use lives as long as the process, since buffers of the user may be freed late
    [[nodiscard]] static const Instance* open();
    [[nodiscard]] static const Instance* open_vulkan();
    struct Closer {
        void operator()(const Instance* instance) const { delete instance; }
    };
    [[nodiscard]] std::string why_unusable() const;
    void load_functions();
    void create_messenger();

    const Loader& loader_;
    InstanceFunctions fn_;
    VkInstance handle_ = VK_NULL_HANDLE;
    VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
    std::string absence_;
    std::vector<DeviceOffer> remembered_;
    std::vector<std::string> loaded_before_; // libraries of the process
};

//! Errors that the validation layers reported since the process started (the first 100 texts; the count goes on).
[[nodiscard]] std::uint64_t validation_error_count() noexcept;
[[nodiscard]] std::vector<std::string> validation_errors();

} // namespace tensorvk::vulkan
