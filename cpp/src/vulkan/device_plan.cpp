#include "vulkan/device_plan.hpp"

#include <algorithm>
#include <optional>
#include <sstream>

#include "support/error.hpp"
#include "vulkan/device_profiles.hpp"

namespace tensorvk::vulkan {
namespace {

constexpr std::uint32_t kVulkan12 = (1U << 22) | (2U << 12);
// More queues than this help nobody: streams take turns.
constexpr std::uint32_t kMaxQueues = 8;
constexpr std::uint32_t kMaxCopyQueues = 2; // to the device, and from it
// Drivers reset what takes seconds, and a desktop that stands still for less is noticed.
constexpr std::chrono::milliseconds kSubmissionLimit{100};

// A compute family without graphics submits faster on the GPUs measured; timestamps come before that.
std::optional<std::uint32_t> choose_queue_family(const DeviceOffer& offer, const PlanEnvironment& environment) {
    const bool copies_suffice = offer.type == DeviceType::kCpu; // the host computes
    std::optional<std::uint32_t> best;
    int best_score = -1;
    for (std::uint32_t i = 0; i < offer.queue_families.size(); ++i) {
        const QueueFamily& family = offer.queue_families[i];
        const bool serves = family.compute || (copies_suffice && family.transfer);
        if (!serves || family.count == 0) continue;
        const bool dedicated = !family.graphics && !environment.disables("compute_queue");
        const int score = (family.compute ? 4 : 0) + (family.timestamp_bits > 0 ? 2 : 0) + (dedicated ? 1 : 0);
        if (score > best_score) {
            best = i;
            best_score = score;
        }
    }
    return best;
}

// A family that copies alone has engines that copy while others compute.
std::optional<std::uint32_t> choose_copy_family(const DeviceOffer& offer, const PlanEnvironment& environment) {
    if (offer.type == DeviceType::kCpu || environment.disables("transfer_queue")) return std::nullopt;
    const auto copies_alone = [](const QueueFamily& family) { return family.transfer && !family.graphics && !family.compute && family.count > 0; };
    const auto found = std::ranges::find_if(offer.queue_families, copies_alone);
    if (found == offer.queue_families.end()) return std::nullopt;
    return static_cast<std::uint32_t>(found - offer.queue_families.begin());
}

template <typename Score>
std::optional<std::uint32_t> best_memory_type(const DeviceOffer& offer, Score score) {
    std::optional<std::uint32_t> best;
    std::int64_t best_score = 0;
    for (std::uint32_t i = 0; i < offer.memory_types.size(); ++i) {
        const std::int64_t value = score(offer.memory_types[i]);
        if (value > best_score) {
            best = i;
            best_score = value;
        }
    }
    return best;
}

std::uint64_t largest_device_heap(const DeviceOffer& offer) {
    std::uint64_t size = 0;
    for (const MemoryHeap& heap : offer.memory_heaps) {
        if (heap.device_local) size = std::max(size, heap.size);
    }
    return size;
}

std::optional<std::uint32_t> choose_device_memory(const DeviceOffer& offer, const PlanEnvironment& environment) {
    const bool shared = offer.type == DeviceType::kCpu || offer.type == DeviceType::kIntegrated;
    const bool bar = shared || !environment.disables("bar_upload");
    const std::uint64_t largest = largest_device_heap(offer);
    return best_memory_type(offer, [&](const MemoryType& type) -> std::int64_t {
        if (!type.device_local) return 0;
        // Small host-visible windows of a large memory are not for buffers.
        std::int64_t score = offer.memory_heaps.at(type.heap).size == largest ? 8 : 1;
        if (type.host_visible && type.host_coherent) score += bar ? 2 : -1;
        if (type.host_cached && shared) score += 4;
        return score;
    });
}

std::optional<std::uint32_t> choose_host_memory(const DeviceOffer& offer) {
    return best_memory_type(offer, [](const MemoryType& type) -> std::int64_t {
        if (!type.host_visible || !type.host_coherent) return 0;
        return 1 + (type.host_cached ? 4 : 0) + (type.device_local ? 0 : 2);
    });
}

class Planner {
  public:
    Planner(const DeviceOffer& offer, const PlanEnvironment& environment) : offer_(offer), environment_(environment) {}

    DevicePlan run() {
        if (!require() || !choose_parts()) return plan_;
        plan_.usable = true;
        plan_.caps.limits = offer_.limits;
        if (const DeviceProfile* profile = find_profile(environment_.profile)) {
            plan_.caps.profile = environment_.profile;
            plan_.caps.limits = lowered(offer_.limits, profile->most);
            note("profile", true, text("limits and features of ", profile->device, ", by TENSORVK_DEVICE_PROFILE"));
        }
        decide_memory();
        decide_submissions();
        decide_arithmetic();
        if (plan_.caps.shaders) {
            decide_subgroups();
            decide_cooperative_matrix();
        }
        decide_extras();
        return plan_;
    }

  private:
    bool refuse(const std::string& why) {
        plan_.why_not = why;
        return false;
    }

    bool require() {
        if (offer_.api_version < kVulkan12) {
            return refuse(text("The driver speaks Vulkan ", offer_.api_version >> 22 & 0x7F, ".",
                               offer_.api_version >> 12 & 0x3FF, ", TensorVK needs 1.2: install a newer driver."));
        }
        if (!offer_.timeline_semaphore)
            return refuse("The driver has no timeline semaphores, which TensorVK waits with.");
        return true;
    }

    bool choose_parts() {
        const auto family = choose_queue_family(offer_, environment_);
        if (!family) return refuse("The device has no queue for compute work.");
        const auto device_memory = choose_device_memory(offer_, environment_);
        if (!device_memory) return refuse("The device has no device-local memory.");
        const auto host_memory = choose_host_memory(offer_);
        if (!host_memory) return refuse("The device has no memory that is host-visible and coherent.");
        plan_.queue_family = *family;
        plan_.queue_count = std::min(offer_.queue_families[*family].count, kMaxQueues);
        plan_.device_memory_type = *device_memory;
        plan_.host_memory_type = *host_memory;
        const QueueFamily& chosen = offer_.queue_families[*family];
        plan_.caps.timestamp_bits = chosen.timestamp_bits;
        plan_.caps.timestamps = chosen.timestamp_bits > 0 && offer_.limits.timestamp_period_ns > 0.0F;
        plan_.caps.shaders = chosen.compute;
        if (chosen.compute) {
            note("compute queue", true,
                 text("family ", *family, chosen.graphics ? " (shared with graphics)" : " (compute only)", ", ",
                      plan_.queue_count, " queues used"));
        } else {
            note("shaders", false, "the device copies, and functions of the host compute");
        }
        const auto copies = choose_copy_family(offer_, environment_);
        if (copies) {
            plan_.copy_queue_family = *copies;
            plan_.copy_queue_count = std::min(offer_.queue_families[*copies].count, kMaxCopyQueues);
        }
        note("transfer queue", copies.has_value(),
             copies                                     ? text("family ", *copies, plan_.copy_queue_count > 1 ? ", uploads and downloads" : ", uploads", " beside computing")
             : environment_.disables("transfer_queue") ? "switched off by TENSORVK_DISABLE"
                                                        : "no queue copies alone");
        note("timestamps", plan_.caps.timestamps,
             plan_.caps.timestamps
                 ? text(chosen.timestamp_bits, " bits, ", offer_.limits.timestamp_period_ns, " ns each")
                 : "the queue has none, so events cannot be timed");
        return true;
    }

    void decide_memory() {
        DeviceCaps& caps = plan_.caps;
        const MemoryType& type = offer_.memory_types[plan_.device_memory_type];
        caps.is_cpu = offer_.type == DeviceType::kCpu;
        caps.device_memory = offer_.memory_heaps.at(type.heap).size;
        const bool visible = type.host_visible && type.host_coherent;
        caps.unified_memory = visible && type.host_cached && !environment_.disables("unified_memory");
        caps.host_writable_device_memory = caps.unified_memory || (visible && !environment_.disables("bar_upload"));
        note("unified memory", caps.unified_memory,
             caps.unified_memory ? "kernels and host use the same memory, copies need no staging"
             : caps.host_writable_device_memory
                 ? "the host writes device memory through the bus and reads it through staging buffers"
                 : "the host does not touch device memory, copies go through staging buffers");
        caps.host_kernels = caps.is_cpu && caps.unified_memory && !environment_.disables("host_kernels");
        note("host kernels", caps.host_kernels,
             !caps.is_cpu         ? "the device does not compute on the host's cores"
             : !caps.host_kernels ? "shaders alone"
             : caps.shaders       ? "functions on the host compete with the shaders"
                                  : "functions on the host alone");
    }

    // The desktop of a machine with an integrated GPU is drawn by it, and its drivers tell of displays only to who may use them.
    void decide_submissions() {
        using Milliseconds = std::chrono::duration<double, std::milli>;
        const char* name = "short submissions";
        const bool assumed = offer_.type == DeviceType::kIntegrated;
        Milliseconds limit = assumed || (offer_.displays > 0 && offer_.type != DeviceType::kCpu) ? kSubmissionLimit : Milliseconds(0);
        std::string why = assumed ? "integrated GPUs draw the desktop" : offer_.displays > 0 ? text("displays connected: ", offer_.displays) : "no display is connected";
        if (const auto wish = parse_submission_limit(environment_.submission_limit)) {
            limit = Milliseconds(*wish);
            why = "by TENSORVK_SUBMISSION_LIMIT";
        }
        plan_.caps.submission_limit = std::chrono::duration_cast<std::chrono::nanoseconds>(limit);
        note(name, limit.count() > 0, limit.count() > 0 ? text("of at most ", limit.count(), " ms: ", why) : why);
    }

    void decide_arithmetic() {
        DeviceCaps& caps = plan_.caps;
        caps.fp16_storage = take("fp16 storage", "fp16", offer_.storage_16bit, "16-bit values in storage buffers");
        caps.fp16_arithmetic = take("fp16 arithmetic", either("fp16", "fp16_arithmetic"), offer_.shader_float16, "half-precision kernels");
        caps.int8_storage = take("int8 storage", either("int8", "int8_storage"), offer_.storage_8bit, "8-bit values in storage buffers");
        caps.int8_arithmetic = take("int8 arithmetic", "int8", offer_.shader_int8, "8-bit kernels");
        caps.int16_arithmetic = take("int16 arithmetic", "int16", offer_.shader_int16, "16-bit integers in kernels");
        caps.int64_arithmetic = take("int64 arithmetic", "int64", offer_.shader_int64, "64-bit integers in kernels");
        caps.integer_dot_product = take("integer dot product", "integer_dot_product", offer_.integer_dot_product,
                                        "int8 products of four at once");
    }

    void decide_subgroups() {
        DeviceCaps& caps = plan_.caps;
        caps.subgroup_size = offer_.subgroup_size;
        caps.min_subgroup_size = offer_.min_subgroup_size == 0 ? offer_.subgroup_size : offer_.min_subgroup_size;
        caps.max_subgroup_size = offer_.max_subgroup_size == 0 ? offer_.subgroup_size : offer_.max_subgroup_size;
        const DeviceProfile* played = find_profile(environment_.profile);
        const bool has_them = played == nullptr || (caps.min_subgroup_size <= played->subgroups.min && played->subgroups.max <= caps.max_subgroup_size);
        if (played != nullptr) {
            const auto [usual, min, max] = played->subgroups;
            note("subgroups", true, text("kernels are chosen for subgroups of ", min, min == max ? "" : text(" to ", max), ", the device's own have ", caps.min_subgroup_size,
                                         caps.min_subgroup_size == caps.max_subgroup_size ? "" : text(" to ", caps.max_subgroup_size)));
            caps.subgroup_size = usual;
            caps.min_subgroup_size = min;
            caps.max_subgroup_size = max;
        }
        caps.subgroup_arithmetic = take("subgroup arithmetic", "subgroup_arithmetic", offer_.subgroup_arithmetic,
                                        "reductions without shared memory");
        caps.subgroup_shuffle =
            take("subgroup shuffle", "subgroup_shuffle", offer_.subgroup_shuffle, "exchange between lanes");
        caps.subgroup_size_control =
            take("subgroup size control", "subgroup_size_control",
                 offer_.subgroup_size_control && offer_.compute_full_subgroups, "kernels may ask for a subgroup size") && has_them;
        if (!has_them) plan_.notes.back() = {"subgroup size control", false, "the device has other sizes than TENSORVK_DEVICE_PROFILE"};
        caps.vulkan_memory_model = take("Vulkan memory model", "vulkan_memory_model", offer_.vulkan_memory_model,
                                        "needed by cooperative matrices");
    }

    void decide_cooperative_matrix() {
        DeviceCaps& caps = plan_.caps;
        const char* extension = "VK_KHR_cooperative_matrix";
        std::vector<MatrixShape> shapes;
        std::copy_if(offer_.matrix_shapes.begin(), offer_.matrix_shapes.end(), std::back_inserter(shapes),
                     [](const MatrixShape& shape) { return shape.subgroup_scope; });
        if (!offer_.has_extension(extension) || !offer_.cooperative_matrix) {
            return note("cooperative matrix", false, text("the driver has no ", extension));
        }
        if (environment_.disables("cooperative_matrix")) return note("cooperative matrix", false, environment_.hides("cooperative_matrix") ? "TENSORVK_DEVICE_PROFILE" : "TENSORVK_DISABLE");
        if (!caps.vulkan_memory_model) return note("cooperative matrix", false, "it needs the Vulkan memory model");
        if (shapes.empty()) return note("cooperative matrix", false, "the driver lists no shape with subgroup scope");
        caps.cooperative_matrix = true;
        caps.matrix_shapes = std::move(shapes);
        plan_.extensions.emplace_back(extension);
        note("cooperative matrix", true, text(caps.matrix_shapes.size(), " shapes"));
    }

    void decide_extras() {
        DeviceCaps& caps = plan_.caps;
        caps.memory_budget =
            take_extension("memory budget", "memory_budget", "VK_EXT_memory_budget", "exact free memory");
        const bool can_import = offer_.limits.host_import_alignment > 0;
        caps.host_import =
            can_import && take_extension("host memory import", "host_import", "VK_EXT_external_memory_host",
                                         "registered host memory is used without a copy");
        if (offer_.has_extension("VK_KHR_portability_subset"))
            plan_.extensions.emplace_back("VK_KHR_portability_subset");
    }

    //! The one of both that is switched off or hidden: of a type, and of what it is used for.
    [[nodiscard]] const char* either(const char* type, const char* use) const { return environment_.disables(type) ? type : use; }

    bool take(const char* name, const char* key, bool offered, const char* use) {
        const bool off = environment_.disables(key);
        const bool used = offered && !off;
        note(name, used, used ? use : environment_.hides(key) ? "hidden by TENSORVK_DEVICE_PROFILE" : off ? "switched off by TENSORVK_DISABLE" : "the driver does not offer it");
        return used;
    }

    bool take_extension(const char* name, const char* key, const char* extension, const char* use) {
        const bool used = take(name, key, offer_.has_extension(extension), use);
        if (used) plan_.extensions.emplace_back(extension);
        return used;
    }

    void note(const char* feature, bool used, std::string why) {
        plan_.notes.push_back({feature, used, std::move(why)});
    }

    const DeviceOffer& offer_;
    const PlanEnvironment& environment_;
    DevicePlan plan_;
};

} // namespace

bool PlanEnvironment::disables(std::string_view feature) const {
    return std::find(disabled.begin(), disabled.end(), feature) != disabled.end() || hides(feature);
}

bool PlanEnvironment::hides(std::string_view feature) const {
    const DeviceProfile* found = find_profile(profile);
    return found != nullptr && std::ranges::find(found->hidden, feature) != found->hidden.end();
}

bool DeviceOffer::has_extension(const std::string& wanted) const {
    return std::find(extensions.begin(), extensions.end(), wanted) != extensions.end();
}

DevicePlan plan_device(const DeviceOffer& offer, const PlanEnvironment& environment) {
    return Planner(offer, environment).run();
}

} // namespace tensorvk::vulkan
