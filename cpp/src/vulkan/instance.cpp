#include "vulkan/instance.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>

#include "support/error.hpp"
#include "support/words.hpp"
#include "vulkan/check.hpp"
#include "vulkan/fork.hpp"
#include "vulkan/late/late_device.hpp"
#include "vulkan/late/surroundings.hpp"
#include "vulkan/physical_device.hpp"

namespace tensorvk::vulkan {
namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";
constexpr std::size_t kKeptErrors = 100;
// Layers up to 1.3.239 lose track of timelines that the host waits for early, and say themselves that it is "most
// likely a validation bug".
constexpr const char* kLayersOwnBug = "UNASSIGNED-VkSemaphore-state-timeout";

struct ErrorLog {
    std::atomic<std::uint64_t> count{0};
    std::mutex mutex;
    std::vector<std::string> texts;
};

ErrorLog& error_log() {
    static ErrorLog* log = new ErrorLog; // messages may come while the process ends
    return *log;
}

VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                          const VkDebugUtilsMessengerCallbackDataEXT* data, void*) {
    if (data->pMessageIdName != nullptr && std::strcmp(data->pMessageIdName, kLayersOwnBug) == 0) return VK_FALSE;
    ErrorLog& log = error_log();
    log.count.fetch_add(1);
    const std::lock_guard lock(log.mutex);
    if (log.texts.size() < kKeptErrors) log.texts.emplace_back(data->pMessage);
    std::fprintf(stderr, "[tensorvk] Vulkan validation error: %s\n", data->pMessage);
    return VK_FALSE;
}

VkDebugUtilsMessengerCreateInfoEXT messenger_info() {
    VkDebugUtilsMessengerCreateInfoEXT info{};
    info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
    info.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
    info.pfnUserCallback = on_message;
    return info;
}

bool has_layer(const GlobalFunctions& fn, const char* name) {
    std::uint32_t count = 0;
    check(fn.EnumerateInstanceLayerProperties(&count, nullptr), "list the instance layers");
    std::vector<VkLayerProperties> layers(count);
    check(fn.EnumerateInstanceLayerProperties(&count, layers.data()), "list the instance layers");
    return std::any_of(layers.begin(), layers.end(),
                       [&](const auto& l) { return std::strcmp(l.layerName, name) == 0; });
}

bool has_extension(const GlobalFunctions& fn, const char* layer, const char* name) {
    std::uint32_t count = 0;
    check(fn.EnumerateInstanceExtensionProperties(layer, &count, nullptr), "list the instance extensions");
    std::vector<VkExtensionProperties> found(count);
    check(fn.EnumerateInstanceExtensionProperties(layer, &count, found.data()), "list the instance extensions");
    return std::any_of(found.begin(), found.end(),
                       [&](const auto& e) { return std::strcmp(e.extensionName, name) == 0; });
}

std::uint32_t usable_api_version(const GlobalFunctions& fn) {
    std::uint32_t version = VK_API_VERSION_1_0;
    if (fn.EnumerateInstanceVersion != nullptr)
        check(fn.EnumerateInstanceVersion(&version), "ask for the loader's version");
    if (version < VK_API_VERSION_1_2) {
        throw DeviceUnavailable(text("The Vulkan loader is of version ", VK_API_VERSION_MAJOR(version), ".",
                                     VK_API_VERSION_MINOR(version),
                                     ", TensorVK needs 1.2: install a newer libvulkan1."));
    }
    return std::min(version, static_cast<std::uint32_t>(VK_API_VERSION_1_3));
}

// Everything that vkCreateInstance points at, in one place so that it lives long enough.
struct InstanceRequest {
    std::vector<const char*> layers;
    std::vector<const char*> extensions;
    std::vector<VkValidationFeatureEnableEXT> validation;
    VkInstanceCreateFlags flags = 0;
};

InstanceRequest make_request(const GlobalFunctions& fn, const ValidationWish& wish) {
    InstanceRequest request;
    if (has_extension(fn, nullptr, "VK_KHR_portability_enumeration")) {
        request.extensions.push_back("VK_KHR_portability_enumeration");
        request.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
    }
    // Tells which device drives a display; nothing is shown on it.
    if (has_extension(fn, nullptr, VK_KHR_DISPLAY_EXTENSION_NAME) && has_extension(fn, nullptr, VK_KHR_SURFACE_EXTENSION_NAME)) {
        request.extensions.insert(request.extensions.end(), {VK_KHR_SURFACE_EXTENSION_NAME, VK_KHR_DISPLAY_EXTENSION_NAME});
    }
    if (!wish.on) return request;
    if (!has_layer(fn, kValidationLayer)) {
        throw DeviceUnavailable(text("TENSORVK_VALIDATION is set, but the layer ", kValidationLayer,
                                     " is not installed: 'apt-get install vulkan-validationlayers', or unset it."));
    }
    request.layers.push_back(kValidationLayer);
    request.extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    if (wish.sync || wish.gpu) request.extensions.push_back(VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME);
    if (wish.sync) request.validation.push_back(VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT);
    if (wish.gpu) {
        request.validation.push_back(VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_EXT);
        request.validation.push_back(VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_RESERVE_BINDING_SLOT_EXT);
    }
    return request;
}

} // namespace

ValidationWish ValidationWish::parse(const std::string& value) {
    ValidationWish wish;
    for (const std::string& word : comma_separated(value)) {
        if (word == "0") continue;
        if (word != "1" && word != "core" && word != "sync" && word != "gpu") {
            throw InvalidArgument(text("TENSORVK_VALIDATION holds '", word,
                                       "'; allowed are 0, 1, core, sync and gpu, joined by commas."));
        }
        wish.on = true;
        wish.sync = wish.sync || word == "sync";
        wish.gpu = wish.gpu || word == "gpu";
    }
    return wish;
}

const Instance& Instance::get() {
    require_unforked();
    static std::mutex mutex;
    static const Instance* instance = nullptr;
    const std::lock_guard lock(mutex);
    if (instance == nullptr) {
        instance = open();
        watch_for_forks();
    }
    return *instance;
}

const Instance& Instance::looked() {
    const Instance& first = get();
    if (!first.late()) return first;
    static const Instance* const instance = open_vulkan();
    return *instance;
}

const Instance* Instance::open() {
    if (PlanEnvironment::from_process().disables("vulkan")) {
        return new Instance(host_loader(), {}, "TENSORVK_DISABLE switches Vulkan off.");
    }
    std::optional<std::vector<DeviceOffer>> remembered = late_offers();
    if (!remembered) return open_vulkan();
    std::unique_ptr<Instance, Closer> late(new Instance(host_loader(), {}, ""));
    late->remembered_ = std::move(*remembered);
    return late.release();
}

const Instance* Instance::open_vulkan() {
    const char* validation = std::getenv("TENSORVK_VALIDATION");
    const ValidationWish wish = ValidationWish::parse(validation == nullptr ? "" : validation);
    std::string why;
    try {
        std::vector<std::string> loaded_before = loaded_libraries();
        std::unique_ptr<Instance, Closer> found(new Instance(loader(), wish, ""));
        found->loaded_before_ = std::move(loaded_before);
        why = found->why_unusable();
        // Who asked for validation asked for a device that can be validated.
        if (why.empty() || wish.on) return found.release();
    } catch (const DeviceUnavailable& error) {
        if (wish.on) throw;
        why = error.what();
    }
    return new Instance(host_loader(), {}, why);
}

// Drivers that somebody else had loaded before are told by their names.
std::vector<std::string> Instance::libraries() const {
    std::vector<std::string> all = loaded_libraries();
    std::erase_if(all, [&](const std::string& file) {
        return file.find("vulkan") == std::string::npos && std::ranges::binary_search(loaded_before_, file);
    });
    return all;
}

Instance::~Instance() {
    if (messenger_ != VK_NULL_HANDLE) fn_.DestroyDebugUtilsMessengerEXT(handle_, messenger_, nullptr);
    fn_.DestroyInstance(handle_, nullptr);
}

std::string Instance::why_unusable() const {
    const PlanEnvironment environment = PlanEnvironment::from_process();
    std::string why;
    for (const VkPhysicalDevice device : physical_devices()) {
        const DeviceOffer offer = query_offer(*this, device);
        const DevicePlan plan = plan_device(offer, environment);
        if (plan.usable) return {};
        why += text(why.empty() ? "" : " ", offer.name, " cannot be used. ", plan.why_not);
    }
    return why.empty() ? no_device_sentence() : why;
}

Instance::Instance(const Loader& loader, const ValidationWish& wish, std::string absence)
    : loader_(loader), absence_(std::move(absence)) {
    const GlobalFunctions& fn = loader_.fn;
    const InstanceRequest request = make_request(fn, wish);

    VkApplicationInfo application{};
    application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    application.pApplicationName = "TensorVK";
    application.pEngineName = "TensorVK";
    application.apiVersion = usable_api_version(fn);

    VkValidationFeaturesEXT features{};
    features.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT;
    features.enabledValidationFeatureCount = static_cast<std::uint32_t>(request.validation.size());
    features.pEnabledValidationFeatures = request.validation.data();

    VkInstanceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pNext = request.validation.empty() ? nullptr : &features;
    info.flags = request.flags;
    info.pApplicationInfo = &application;
    info.enabledLayerCount = static_cast<std::uint32_t>(request.layers.size());
    info.ppEnabledLayerNames = request.layers.data();
    info.enabledExtensionCount = static_cast<std::uint32_t>(request.extensions.size());
    info.ppEnabledExtensionNames = request.extensions.data();
    const VkResult result = fn.CreateInstance(&info, nullptr, &handle_);
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER) {
        throw DeviceUnavailable(
            "The Vulkan loader found no driver: on Debian and Ubuntu 'apt-get install mesa-vulkan-drivers' brings "
            "lavapipe, "
            "which needs no GPU; for a GPU install its vendor's driver.");
    }
    check(result, "create the Vulkan instance");
    load_functions();
    if (wish.on) create_messenger();
}

void Instance::load_functions() {
#define TVK_LOAD(function)                                                                                      \
    fn_.function = reinterpret_cast<PFN_vk##function>(loader_.fn.GetInstanceProcAddr(handle_, "vk" #function)); \
    if (fn_.function == nullptr) throw DeviceUnavailable("The Vulkan loader has no vk" #function ".");
    TVK_INSTANCE_FUNCTIONS(TVK_LOAD)
#undef TVK_LOAD
#define TVK_LOAD(function) \
    fn_.function = reinterpret_cast<PFN_vk##function>(loader_.fn.GetInstanceProcAddr(handle_, "vk" #function));
    TVK_OPTIONAL_INSTANCE_FUNCTIONS(TVK_LOAD)
#undef TVK_LOAD
}

void Instance::create_messenger() {
    const VkDebugUtilsMessengerCreateInfoEXT info = messenger_info();
    check(fn_.CreateDebugUtilsMessengerEXT(handle_, &info, nullptr, &messenger_), "listen to the validation layer");
}

std::vector<VkPhysicalDevice> Instance::physical_devices() const {
    std::uint32_t count = 0;
    check(fn_.EnumeratePhysicalDevices(handle_, &count, nullptr), "count the devices");
    std::vector<VkPhysicalDevice> devices(count);
    check(fn_.EnumeratePhysicalDevices(handle_, &count, devices.data()), "list the devices");
    devices.resize(count);
    return devices;
}

std::uint64_t validation_error_count() noexcept {
    return error_log().count.load();
}

std::vector<std::string> validation_errors() {
    ErrorLog& log = error_log();
    const std::lock_guard lock(log.mutex);
    return log.texts;
}

} // namespace tensorvk::vulkan
