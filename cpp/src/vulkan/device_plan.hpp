#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What TensorVK uses of a device is decided here, by a pure function over plain data, so that every decision can be
// tested with devices that exist on paper only.

namespace tensorvk::vulkan {

enum class DeviceType { kOther, kIntegrated, kDiscrete, kVirtual, kCpu };

[[nodiscard]] const char* to_string(DeviceType type);

// Component types of cooperative matrices that TensorVK has kernels for.
enum class MatrixType { kFloat16, kFloat32, kInt8, kUint8, kInt32, kOther };

struct MatrixShape {
    uint32_t m = 0;
    uint32_t n = 0;
    uint32_t k = 0;
    MatrixType a = MatrixType::kOther;
    MatrixType b = MatrixType::kOther;
    MatrixType c = MatrixType::kOther;
    MatrixType result = MatrixType::kOther;
    bool saturating = false;
    bool subgroup_scope = false;

    bool operator==(const MatrixShape&) const = default;
};

struct QueueFamily {
    bool graphics = false;
    bool compute = false;
    bool transfer = false;
    uint32_t count = 0;
    uint32_t timestamp_bits = 0;
};

struct MemoryType {
    uint32_t heap = 0;
    bool device_local = false;
    bool host_visible = false;
    bool host_coherent = false;
    bool host_cached = false;
};

struct MemoryHeap {
    uint64_t size = 0; // bytes
    bool device_local = false;
};

struct DeviceLimits {
    uint64_t max_storage_range = 0; // bytes of one storage buffer binding
    uint32_t max_push_constant_bytes = 0;
    uint32_t max_shared_memory = 0; // bytes per workgroup
    uint32_t max_workgroup_invocations = 0;
    std::array<uint32_t, 3> max_workgroup_size{};
    std::array<uint32_t, 3> max_group_count{};
    uint32_t max_storage_bindings = 0;     // per set and stage, the smaller
    uint64_t storage_offset_alignment = 1; // bytes
    uint64_t max_texels = 0;               // vectors of four floats of one texel buffer
    uint64_t max_allocation = 0;           // bytes of one memory allocation
    uint64_t host_import_alignment = 0;    // bytes; 0: host memory cannot be imported
    float timestamp_period_ns = 0.0F;

    bool operator==(const DeviceLimits&) const = default;
};

// Everything the decisions depend on, as the driver reports it.
struct DeviceOffer {
    std::string name;
    std::string driver_name;
    std::string driver_info;
    DeviceType type = DeviceType::kOther;
    uint32_t vendor_id = 0;
    uint32_t device_id = 0;
    uint32_t driver_version = 0;
    uint32_t api_version = 0; // Vulkan's packed form
    std::array<uint8_t, 16> uuid{};
    std::array<uint8_t, 16> driver_uuid{};
    std::vector<std::string> extensions;
    std::vector<QueueFamily> queue_families;
    std::vector<MemoryType> memory_types;
    std::vector<MemoryHeap> memory_heaps;
    std::vector<MatrixShape> matrix_shapes;
    DeviceLimits limits;
    uint32_t subgroup_size = 0;
    uint32_t min_subgroup_size = 0;
    uint32_t max_subgroup_size = 0;
    uint32_t displays = 0; // that are connected to the device
    bool timeline_semaphore = false;
    bool shader_float16 = false;
    bool shader_int8 = false;
    bool shader_int16 = false;
    bool shader_int64 = false;
    bool storage_16bit = false;
    bool storage_8bit = false;
    bool subgroup_size_control = false;
    bool compute_full_subgroups = false;
    bool subgroup_arithmetic = false;
    bool subgroup_shuffle = false;
    bool integer_dot_product = false;
    bool cooperative_matrix = false;
    bool vulkan_memory_model = false;

    [[nodiscard]] bool has_extension(const std::string& name) const;
};

// What the user's environment asks for.
struct PlanEnvironment {
    // Names of features not to use though the device has them, as TENSORVK_DISABLE lists them; without unified_memory a CPU device behaves like a
    // GPU with memory of its own.
    std::vector<std::string> disabled;
    // TENSORVK_DEVICE_PROFILE: a weaker device to be played (vulkan/device_profiles.hpp); empty: none.
    std::string profile{};
    // TENSORVK_SUBMISSION_LIMIT: milliseconds, 0 for none; empty: as the device asks for.
    std::string submission_limit{};

    [[nodiscard]] static PlanEnvironment from_process();
    //! By its list or by its profile.
    [[nodiscard]] bool disables(std::string_view feature) const;
    [[nodiscard]] bool hides(std::string_view feature) const; // by its profile
    [[nodiscard]] std::vector<std::string> unknown() const; // names of no feature
};

//! Throws InvalidArgument with the names that there are, of a profile as well, or the values of a limit: a misspelt one would switch nothing off, and nobody would know.
void refuse_unknown_features(const PlanEnvironment& environment);

//! Milliseconds in `value`; nothing where it is no number from 0 to an hour.
[[nodiscard]] std::optional<double> parse_submission_limit(const std::string& value);

// One line of the explanation `tensorvk doctor` prints.
struct PlanNote {
    std::string feature;
    bool used = false;
    std::string why;
};

struct DeviceCaps {
    std::string profile{}; // of the weaker device that is played; empty: none
    bool fp16_storage = false;
    bool fp16_arithmetic = false;
    bool int8_storage = false;
    bool int8_arithmetic = false;
    bool int16_arithmetic = false;
    bool int64_arithmetic = false;
    bool integer_dot_product = false;
    bool subgroup_arithmetic = false;
    bool subgroup_shuffle = false;
    bool subgroup_size_control = false;
    bool cooperative_matrix = false;
    bool vulkan_memory_model = false;
    bool timestamps = false;
    bool memory_budget = false;
    bool host_import = false;
    // Device memory is plain host memory or as good as that: no staging, host reads and writes at full speed.
    bool host_kernels = false; // kernels may be functions of this library on mapped memory
    bool shaders = true;       // false: the device has memory and copies, and what computes are functions of the host
    bool unified_memory = false;
    // Device memory can be written (not read) by the host through the bus.
    bool host_writable_device_memory = false;
    // The "device" runs on this machine's own cores: polling takes a core away from it.
    bool is_cpu = false;
    uint32_t subgroup_size = 0;
    uint32_t min_subgroup_size = 0;
    uint32_t max_subgroup_size = 0;
    uint32_t timestamp_bits = 0;
    std::vector<MatrixShape> matrix_shapes; // subgroup scope only
    DeviceLimits limits;
    uint64_t device_memory = 0; // bytes in the heap that device buffers come from
    // Drivers reset a device that is kept from its display: what takes longer than this is submitted in parts. Zero: no limit.
    std::chrono::nanoseconds submission_limit{0};
};

struct DevicePlan {
    bool usable = false;
    std::string why_not; // one sentence, when not usable
    uint32_t queue_family = 0;
    uint32_t queue_count = 0;
    // Of a family that copies alone; 0: copies take the other queues. One is for uploads, a second one for downloads.
    uint32_t copy_queue_family = 0;
    uint32_t copy_queue_count = 0;
    // Indices of memory types.
    uint32_t device_memory_type = 0;
    uint32_t host_memory_type = 0;
    std::vector<std::string> extensions;
    DeviceCaps caps;
    std::vector<PlanNote> notes;
};

[[nodiscard]] DevicePlan plan_device(const DeviceOffer& offer, const PlanEnvironment& environment);

// Order in which devices are numbered: discrete, integrated, virtual, other, CPU; the driver's order within a kind.
[[nodiscard]] std::vector<size_t> order_devices(const std::vector<DeviceOffer>& offers);

// What to say, and what to install, where no device is found.
[[nodiscard]] std::string no_device_sentence();

// TENSORVK_DEVICE; empty when it is not set.
[[nodiscard]] std::string device_wish();

// Index into `offers` of the device that `wish` (TENSORVK_DEVICE) names: a position in order_devices' order, a part of
// the name in any case, or "cpu". An empty wish is the first usable one. Throws InvalidArgument listing the devices
// when nothing matches.
[[nodiscard]] size_t choose_device(const std::vector<DeviceOffer>& offers, const std::string& wish);

} // namespace tensorvk::vulkan
