// Which features TensorVK uses of which device, on devices that exist on paper only.
#include "vulkan/device_plan.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "support/error.hpp"
#include "vulkan/device_profiles.hpp"

namespace tensorvk::vulkan {
namespace {

constexpr std::uint32_t kVersion13 = (1U << 22) | (3U << 12);

DeviceOffer lavapipe() {
    DeviceOffer offer;
    offer.name = "llvmpipe (LLVM 15.0.6, 256 bits)";
    offer.type = DeviceType::kCpu;
    offer.api_version = kVersion13;
    offer.queue_families = {{true, true, true, 1, 64}};
    offer.memory_types = {{0, true, true, true, true}};
    offer.memory_heaps = {{2ULL << 30, true}};
    offer.limits.timestamp_period_ns = 1.0F;
    offer.limits.host_import_alignment = 4096;
    offer.subgroup_size = offer.min_subgroup_size = offer.max_subgroup_size = 8;
    offer.timeline_semaphore = true;
    offer.shader_float16 = offer.storage_16bit = true;
    offer.extensions = {"VK_EXT_external_memory_host"};
    return offer;
}

DeviceOffer big_gpu() {
    DeviceOffer offer = lavapipe();
    offer.name = "NVIDIA H200";
    offer.type = DeviceType::kDiscrete;
    offer.queue_families = {{true, true, true, 16, 64}, {false, false, true, 2, 64}, {false, true, true, 8, 64}};
    offer.memory_types = {{1, false, false, false, false},
                          {0, true, false, false, false},
                          {1, false, true, true, false},
                          {1, false, true, true, true},
                          {0, true, true, true, false}};
    offer.memory_heaps = {{141ULL << 30, true}, {256ULL << 30, false}};
    offer.subgroup_size = offer.min_subgroup_size = offer.max_subgroup_size = 32;
    offer.vulkan_memory_model = true;
    offer.cooperative_matrix = true;
    offer.extensions = {"VK_EXT_memory_budget", "VK_KHR_cooperative_matrix"};
    MatrixShape shape{
        16, 16, 16, MatrixType::kFloat16, MatrixType::kFloat16, MatrixType::kFloat32, MatrixType::kFloat32};
    shape.subgroup_scope = true;
    MatrixShape workgroup = shape;
    workgroup.subgroup_scope = false;
    offer.matrix_shapes = {shape, workgroup};
    return offer;
}

DeviceOffer integrated_gpu() {
    DeviceOffer offer = lavapipe();
    offer.name = "Intel(R) UHD Graphics";
    offer.type = DeviceType::kIntegrated;
    offer.memory_types = {{0, true, false, false, false}, {0, true, true, true, false}, {0, true, true, true, true}};
    return offer;
}

const PlanNote& note_about(const DevicePlan& plan, const std::string& feature) {
    const auto found =
        std::find_if(plan.notes.begin(), plan.notes.end(), [&](const PlanNote& n) { return n.feature == feature; });
    if (found == plan.notes.end()) throw InternalError("no note about " + feature);
    return *found;
}

bool uses_extension(const DevicePlan& plan, const std::string& name) {
    return std::find(plan.extensions.begin(), plan.extensions.end(), name) != plan.extensions.end();
}

TEST(DevicePlan, CpuDeviceHasUnifiedMemoryAndIsPolledLittle) {
    const DevicePlan plan = plan_device(lavapipe(), {});
    ASSERT_TRUE(plan.usable) << plan.why_not;
    EXPECT_TRUE(plan.caps.unified_memory);
    EXPECT_TRUE(plan.caps.is_cpu);
    EXPECT_TRUE(plan.caps.timestamps);
    EXPECT_TRUE(plan.caps.host_import);
    EXPECT_EQ(plan.caps.subgroup_size, 8U);
    EXPECT_EQ(plan.caps.device_memory, 2ULL << 30);
}

TEST(DevicePlan, DiscreteGpuTakesComputeFamilyAndItsOwnMemory) {
    const DevicePlan plan = plan_device(big_gpu(), {});
    ASSERT_TRUE(plan.usable) << plan.why_not;
    EXPECT_EQ(plan.queue_family, 2U);
    EXPECT_EQ(plan.queue_count, 8U);
    EXPECT_EQ(plan.device_memory_type, 4U) << "device-local, and writable through the bus";
    EXPECT_EQ(plan.host_memory_type, 3U) << "cached, so that reading back is fast";
    EXPECT_FALSE(plan.caps.unified_memory);
    EXPECT_TRUE(plan.caps.host_writable_device_memory);
    EXPECT_EQ(plan.caps.device_memory, 141ULL << 30);
}

TEST(DevicePlan, BusUploadsCanBeSwitchedOff) {
    const DevicePlan plan = plan_device(big_gpu(), {{"bar_upload"}});
    EXPECT_EQ(plan.device_memory_type, 1U);
    EXPECT_FALSE(plan.caps.host_writable_device_memory);
}

TEST(DevicePlan, CpuDeviceCanBeToldToBehaveLikeAGpu) {
    const DevicePlan writable = plan_device(lavapipe(), {{"unified_memory"}});
    EXPECT_FALSE(writable.caps.unified_memory);
    EXPECT_TRUE(writable.caps.host_writable_device_memory);
    const DevicePlan closed = plan_device(lavapipe(), {{"unified_memory", "bar_upload"}});
    EXPECT_FALSE(closed.caps.host_writable_device_memory);
}

TEST(DevicePlan, SmallHostVisibleWindowIsNotUsedForBuffers) {
    DeviceOffer offer = big_gpu();
    offer.memory_heaps.push_back({256ULL << 20, true});
    offer.memory_types[4].heap = 2;
    const DevicePlan plan = plan_device(offer, {});
    EXPECT_EQ(plan.device_memory_type, 1U);
    EXPECT_EQ(plan.caps.device_memory, 141ULL << 30);
}

TEST(DevicePlan, ComputeFamilyWithoutTimestampsLosesToGraphicsFamilyWithThem) {
    DeviceOffer offer = big_gpu();
    offer.queue_families[2].timestamp_bits = 0;
    const DevicePlan plan = plan_device(offer, {});
    EXPECT_EQ(plan.queue_family, 0U);
    EXPECT_TRUE(plan.caps.timestamps);
}

TEST(DevicePlan, IntegratedGpuUsesCachedSharedMemory) {
    const DevicePlan plan = plan_device(integrated_gpu(), {});
    EXPECT_EQ(plan.device_memory_type, 2U);
    EXPECT_TRUE(plan.caps.unified_memory);
    EXPECT_FALSE(plan.caps.is_cpu);
}

TEST(DevicePlan, CooperativeMatrixKeepsShapesOfSubgroupScope) {
    const DevicePlan plan = plan_device(big_gpu(), {});
    EXPECT_TRUE(plan.caps.cooperative_matrix);
    ASSERT_EQ(plan.caps.matrix_shapes.size(), 1U);
    EXPECT_TRUE(plan.caps.matrix_shapes[0].subgroup_scope);
    EXPECT_TRUE(uses_extension(plan, "VK_KHR_cooperative_matrix"));
}

TEST(DevicePlan, CooperativeMatrixNeedsMemoryModelExtensionAndShapes) {
    DeviceOffer without_model = big_gpu();
    without_model.vulkan_memory_model = false;
    DeviceOffer without_extension = big_gpu();
    without_extension.extensions.clear();
    DeviceOffer without_shapes = big_gpu();
    without_shapes.matrix_shapes.erase(without_shapes.matrix_shapes.begin());
    for (const DeviceOffer& offer : {without_model, without_extension, without_shapes}) {
        const DevicePlan plan = plan_device(offer, {});
        EXPECT_TRUE(plan.usable);
        EXPECT_FALSE(plan.caps.cooperative_matrix);
        EXPECT_FALSE(uses_extension(plan, "VK_KHR_cooperative_matrix"));
        EXPECT_FALSE(note_about(plan, "cooperative matrix").used);
        EXPECT_FALSE(note_about(plan, "cooperative matrix").why.empty());
    }
}

TEST(DevicePlan, EnvironmentSwitchesFeaturesOffAndTheNoteSaysSo) {
    const DevicePlan plan = plan_device(big_gpu(), {{"fp16", "cooperative_matrix", "memory_budget", "compute_queue"}});
    EXPECT_FALSE(plan.caps.fp16_storage);
    EXPECT_FALSE(plan.caps.fp16_arithmetic);
    EXPECT_FALSE(plan.caps.cooperative_matrix);
    EXPECT_FALSE(plan.caps.memory_budget);
    EXPECT_TRUE(plan.extensions.empty());
    EXPECT_EQ(plan.queue_family, 0U);
    EXPECT_NE(note_about(plan, "fp16 arithmetic").why.find("TENSORVK_DISABLE"), std::string::npos);
}

TEST(DevicePlan, UnusableDevicesSayWhy) {
    struct Case {
        const char* what;
        void (*damage)(DeviceOffer&);
        const char* sentence;
    };
    const Case cases[] = {
        {"Vulkan 1.1", [](DeviceOffer& o) { o.api_version = (1U << 22) | (1U << 12); }, "Vulkan 1.1"},
        {"no timeline", [](DeviceOffer& o) { o.timeline_semaphore = false; }, "timeline"},
        {"a GPU without compute",
         [](DeviceOffer& o) {
             o.type = DeviceType::kIntegrated;
             o.queue_families[0].compute = false;
         },
         "compute"},
        {"no queue at all", [](DeviceOffer& o) { o.queue_families.clear(); }, "compute"},
        {"no device memory", [](DeviceOffer& o) { o.memory_types[0].device_local = false; }, "device-local"},
        {"no host memory", [](DeviceOffer& o) { o.memory_types[0].host_coherent = false; }, "coherent"},
    };
    for (const Case& c : cases) {
        DeviceOffer offer = lavapipe();
        c.damage(offer);
        const DevicePlan plan = plan_device(offer, {});
        EXPECT_FALSE(plan.usable) << c.what;
        EXPECT_NE(plan.why_not.find(c.sentence), std::string::npos) << c.what << ": " << plan.why_not;
    }
}

TEST(DevicePlan, CpuDeviceThatOnlyCopiesLeavesTheWorkToTheHost) {
    DeviceOffer offer = lavapipe();
    offer.queue_families = {{false, false, true, 1, 64}};
    const DevicePlan plan = plan_device(offer, {});
    ASSERT_TRUE(plan.usable) << plan.why_not;
    EXPECT_FALSE(plan.caps.shaders);
    EXPECT_TRUE(plan.caps.host_kernels);
    EXPECT_FALSE(note_about(plan, "shaders").used);
    offer.queue_families.push_back({false, true, true, 1, 0});
    EXPECT_TRUE(plan_device(offer, {}).caps.shaders) << "a family that computes is preferred, also without timestamps";
    EXPECT_TRUE(plan_device(lavapipe(), {}).caps.shaders);
    EXPECT_TRUE(plan_device(big_gpu(), {}).caps.shaders);
}

TEST(DevicePlan, CopiesTakeAFamilyThatCopiesAlone) {
    const DevicePlan plan = plan_device(big_gpu(), {});
    EXPECT_EQ(plan.copy_queue_family, 1U);
    EXPECT_EQ(plan.copy_queue_count, 2U) << "uploads and downloads";
    EXPECT_TRUE(note_about(plan, "transfer queue").used);
    DeviceOffer one = big_gpu();
    one.queue_families[1].count = 1;
    EXPECT_EQ(plan_device(one, {}).copy_queue_count, 1U);
    DeviceOffer many = big_gpu();
    many.queue_families[1].count = 5;
    EXPECT_EQ(plan_device(many, {}).copy_queue_count, 2U);
    DeviceOffer none = big_gpu();
    none.queue_families.erase(none.queue_families.begin() + 1);
    EXPECT_EQ(plan_device(none, {}).copy_queue_count, 0U);
    EXPECT_FALSE(note_about(plan_device(none, {}), "transfer queue").used);
    EXPECT_EQ(plan_device(big_gpu(), {{"transfer_queue"}}).copy_queue_count, 0U);
    DeviceOffer host = lavapipe();
    host.queue_families.push_back({false, false, true, 1, 64});
    EXPECT_EQ(plan_device(host, {}).copy_queue_count, 0U) << "the host's cores copy";
}

TEST(DevicePlan, SubmissionsAreShortWhereADisplayIsDriven) {
    const auto limit = [](const DeviceOffer& offer, const char* wish = "") {
        PlanEnvironment environment;
        environment.submission_limit = wish;
        return plan_device(offer, environment).caps.submission_limit;
    };
    using std::chrono::microseconds;
    using std::chrono::milliseconds;
    DeviceOffer desktop = big_gpu();
    desktop.displays = 2;
    EXPECT_EQ(limit(big_gpu()), milliseconds(0));
    EXPECT_EQ(limit(desktop), milliseconds(100));
    EXPECT_EQ(limit(integrated_gpu()), milliseconds(100)) << "whether or not its driver tells of displays";
    EXPECT_EQ(limit(lavapipe()), milliseconds(0)) << "the host's cores are not reset";
    EXPECT_EQ(limit(desktop, "0"), milliseconds(0));
    EXPECT_EQ(limit(big_gpu(), "100"), milliseconds(100));
    EXPECT_EQ(limit(lavapipe(), "0.5"), microseconds(500));
    EXPECT_FALSE(note_about(plan_device(big_gpu(), {}), "short submissions").used);
    EXPECT_NE(note_about(plan_device(desktop, {}), "short submissions").why.find("displays connected: 2"), std::string::npos);
}

TEST(Environment, ALimitOfSubmissionsIsANumberOfMilliseconds) {
    PlanEnvironment environment;
    for (const char* good : {"", "0", "100", "0.5", "3600000"}) {
        environment.submission_limit = good;
        EXPECT_NO_THROW(refuse_unknown_features(environment)) << good;
    }
    for (const char* bad : {"-1", "100ms", "yes", "3600001", "nan", " 1", "1e2"}) {
        environment.submission_limit = bad;
        EXPECT_THROW(refuse_unknown_features(environment), InvalidArgument) << bad;
    }
}

TEST(DeviceChoice, DiscreteComesFirstAndCpuLast) {
    const std::vector<DeviceOffer> offers{lavapipe(), integrated_gpu(), big_gpu()};
    EXPECT_EQ(order_devices(offers), (std::vector<std::size_t>{2, 1, 0}));
    EXPECT_EQ(choose_device(offers, ""), 2U);
}

TEST(DeviceChoice, ByIndexByPartOfNameAndByCpu) {
    const std::vector<DeviceOffer> offers{lavapipe(), integrated_gpu(), big_gpu()};
    EXPECT_EQ(choose_device(offers, "1"), 1U);
    EXPECT_EQ(choose_device(offers, "2"), 0U);
    EXPECT_EQ(choose_device(offers, "h200"), 2U);
    EXPECT_EQ(choose_device(offers, "UHD"), 1U);
    EXPECT_EQ(choose_device(offers, "CPU"), 0U);
}

TEST(DeviceChoice, FirstUsableOneWithoutAWish) {
    DeviceOffer old = big_gpu();
    old.timeline_semaphore = false;
    EXPECT_EQ(choose_device({old, lavapipe()}, ""), 1U);
    EXPECT_EQ(choose_device({old, lavapipe()}, "0"), 0U) << "a wish is obeyed; opening it says why it cannot be used";
}

TEST(DeviceChoice, UnknownWishListsTheDevices) {
    try {
        (void)choose_device({lavapipe(), big_gpu()}, "radeon");
        FAIL();
    } catch (const InvalidArgument& e) {
        const std::string message = e.what();
        EXPECT_NE(message.find("radeon"), std::string::npos);
        EXPECT_NE(message.find("0 = NVIDIA H200"), std::string::npos);
        EXPECT_NE(message.find("1 = llvmpipe"), std::string::npos);
    }
    EXPECT_THROW((void)choose_device({lavapipe()}, "7"), InvalidArgument);
    EXPECT_THROW((void)choose_device({}, ""), DeviceUnavailable);
}

TEST(Environment, AMisspeltFeatureIsRefusedWithTheNamesThatThereAre) {
    PlanEnvironment environment;
    environment.disabled = {"fp16", "host_kernels"};
    EXPECT_NO_THROW(refuse_unknown_features(environment));
    environment.disabled = {"fp16", "host_kernel", "vulcan"};
    EXPECT_EQ(environment.unknown(), (std::vector<std::string>{"host_kernel", "vulcan"}));
    try {
        refuse_unknown_features(environment);
        FAIL() << "it throws";
    } catch (const InvalidArgument& e) {
        EXPECT_NE(std::string(e.what()).find("names 'host_kernel'"), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("host_import, host_kernels, int16"), std::string::npos) << e.what();
    }
}

TEST(Profile, LowersLimitsAndHidesFeatures) {
    DeviceOffer offer = big_gpu();
    offer.storage_16bit = offer.shader_float16 = offer.storage_8bit = offer.subgroup_arithmetic = true;
    offer.limits.max_shared_memory = 49152;
    offer.limits.max_workgroup_invocations = 1024;
    offer.limits.max_storage_range = (1ULL << 32) - 1;
    offer.limits.storage_offset_alignment = 16;
    const DevicePlan full = plan_device(offer, {});
    PlanEnvironment environment;
    environment.profile = "bare";
    const DevicePlan bare = plan_device(offer, environment);
    ASSERT_TRUE(bare.usable);
    EXPECT_TRUE(full.caps.cooperative_matrix && full.caps.fp16_storage && full.caps.subgroup_arithmetic);
    EXPECT_FALSE(bare.caps.cooperative_matrix || bare.caps.fp16_storage || bare.caps.subgroup_arithmetic || bare.caps.int8_storage);
    EXPECT_EQ(bare.caps.limits.max_shared_memory, 16384U);
    EXPECT_EQ(bare.caps.limits.max_workgroup_invocations, 256U);
    EXPECT_EQ(bare.caps.limits.max_storage_range, 1ULL << 30);
    EXPECT_EQ(bare.caps.limits.storage_offset_alignment, full.caps.limits.storage_offset_alignment) << "which it says nothing of";
    const auto note = std::ranges::find(bare.notes, "fp16 storage", &PlanNote::feature);
    ASSERT_NE(note, bare.notes.end());
    EXPECT_NE(note->why.find("TENSORVK_DEVICE_PROFILE"), std::string::npos) << note->why;
}

TEST(Profile, EachHidesOnlyWhatThePlanKnowsAndLeavesADeviceUsable) {
    for (const char* name : {"amd", "intel", "mobile", "bare"}) {
        SCOPED_TRACE(name);
        const DeviceProfile* profile = find_profile(name);
        ASSERT_NE(profile, nullptr);
        PlanEnvironment hidden;
        for (const std::string_view feature : profile->hidden) hidden.disabled.emplace_back(feature);
        EXPECT_EQ(hidden.unknown(), std::vector<std::string>{});
        PlanEnvironment environment;
        environment.profile = name;
        const DevicePlan plan = plan_device(big_gpu(), environment);
        EXPECT_TRUE(plan.usable);
        EXPECT_FALSE(plan.caps.cooperative_matrix);
        EXPECT_LE(plan.caps.limits.max_shared_memory, profile->most.max_shared_memory);
    }
}

TEST(Profile, HidesArithmeticOrStorageAlone) {
    DeviceOffer offer = big_gpu();
    offer.storage_16bit = offer.shader_float16 = offer.storage_8bit = offer.shader_int8 = true;
    PlanEnvironment environment;
    environment.profile = "amd";
    const DevicePlan amd = plan_device(offer, environment);
    EXPECT_TRUE(amd.caps.fp16_storage && !amd.caps.fp16_arithmetic && amd.caps.int8_storage);
    environment.profile = "mobile";
    const DevicePlan mobile = plan_device(offer, environment);
    EXPECT_TRUE(mobile.caps.fp16_arithmetic && mobile.caps.int8_arithmetic && !mobile.caps.int8_storage);
}

TEST(Profile, KernelsAreChosenForItsSubgroups) {
    struct Case {
        const char* profile;
        std::uint32_t usual, min, max;
    };
    DeviceOffer offer = big_gpu();
    offer.subgroup_size_control = offer.compute_full_subgroups = true;
    ASSERT_TRUE(plan_device(offer, {}).caps.subgroup_size_control);
    for (const Case& c : {Case{"amd", 64, 64, 64}, Case{"intel", 32, 8, 32}, Case{"mobile", 64, 64, 64}, Case{"bare", 16, 16, 16}}) {
        PlanEnvironment environment;
        environment.profile = c.profile;
        const DevicePlan plan = plan_device(offer, environment);
        EXPECT_EQ(plan.caps.subgroup_size, c.usual) << c.profile;
        EXPECT_EQ(plan.caps.min_subgroup_size, c.min) << c.profile;
        EXPECT_EQ(plan.caps.max_subgroup_size, c.max) << c.profile;
        EXPECT_FALSE(plan.caps.subgroup_size_control) << c.profile << ": a device that has subgroups of 32 alone cannot give others";
        EXPECT_FALSE(note_about(plan, "subgroup size control").used);
        EXPECT_NE(note_about(plan, "subgroups").why.find("the device's own have 32"), std::string::npos);
    }
    offer.min_subgroup_size = 4;
    offer.max_subgroup_size = 64;
    PlanEnvironment environment;
    environment.profile = "intel";
    EXPECT_TRUE(plan_device(offer, environment).caps.subgroup_size_control) << "it has all that is played";
}

TEST(Profile, ADeviceThatHasLessKeepsIt) {
    DeviceOffer small = big_gpu();
    small.limits.max_shared_memory = 8192;
    PlanEnvironment environment;
    environment.profile = "bare";
    EXPECT_EQ(plan_device(small, environment).caps.limits.max_shared_memory, 8192U);
}

TEST(Profile, AnUnknownOneIsRefusedWithThoseThatThereAre) {
    PlanEnvironment environment;
    environment.profile = "phone";
    try {
        refuse_unknown_features(environment);
        FAIL() << "it throws";
    } catch (const InvalidArgument& e) {
        EXPECT_NE(std::string(e.what()).find("'phone'"), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("'bare' (the VideoCore VII"), std::string::npos) << e.what();
    }
}

} // namespace
} // namespace tensorvk::vulkan
