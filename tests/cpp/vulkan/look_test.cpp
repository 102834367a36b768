// What is remembered of the last look at the machine's devices, and what makes it be forgotten.
#include "vulkan/late/look.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "vulkan/late/last_look.hpp"
#include "vulkan/late/late_device.hpp"
#include "vulkan/late/surroundings.hpp"

namespace tensorvk::vulkan {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kVersion13 = (1U << 22) | (3U << 12);

DeviceOffer lavapipe() {
    DeviceOffer offer;
    offer.name = "llvmpipe (LLVM 15.0.6, 256 bits)";
    offer.driver_name = "llvmpipe";
    offer.driver_info = "Mesa 22.3.6";
    offer.type = DeviceType::kCpu;
    offer.vendor_id = 0x10005;
    offer.driver_version = 7;
    offer.api_version = kVersion13;
    offer.uuid[3] = 9;
    offer.driver_uuid[15] = 11;
    offer.extensions = {"VK_EXT_external_memory_host", "VK_EXT_memory_budget"};
    offer.queue_families = {{true, true, true, 1, 64}};
    offer.memory_types = {{0, true, true, true, true}};
    offer.memory_heaps = {{2ULL << 30, true}};
    offer.matrix_shapes = {{16, 8, 4, MatrixType::kFloat16, MatrixType::kInt8, MatrixType::kInt32, MatrixType::kOther, true, false}};
    offer.limits.max_storage_range = 1ULL << 27;
    offer.limits.max_group_count = {1, 2, 3};
    offer.limits.host_import_alignment = 4096;
    offer.limits.timestamp_period_ns = 1.0F;
    offer.subgroup_size = 8;
    offer.timeline_semaphore = offer.shader_int64 = offer.vulkan_memory_model = true;
    return offer;
}

DeviceOffer gpu() {
    DeviceOffer offer = lavapipe();
    offer.name = "GeForce";
    offer.type = DeviceType::kDiscrete;
    return offer;
}

Look example() {
    Look look;
    look.environment[0] = 1;
    look.surroundings[1] = 2;
    look.libraries = {"/usr/lib/libvulkan.so.1", ""};
    look.offers = {lavapipe(), DeviceOffer{}};
    return look;
}

TEST(Look, ComesBackFromItsBytes) {
    const Look look = example();
    const std::vector<std::byte> bytes = look_bytes(look);
    const std::optional<Look> back = read_look(bytes);
    ASSERT_TRUE(back);
    EXPECT_EQ(look_bytes(*back), bytes);
    EXPECT_EQ(back->environment, look.environment);
    EXPECT_EQ(back->surroundings, look.surroundings);
    EXPECT_EQ(back->libraries, look.libraries);
    ASSERT_EQ(back->offers.size(), 2U);
    const DeviceOffer& offer = back->offers[0];
    EXPECT_EQ(offer.name, "llvmpipe (LLVM 15.0.6, 256 bits)");
    EXPECT_EQ(offer.type, DeviceType::kCpu);
    EXPECT_EQ(offer.driver_uuid[15], 11);
    EXPECT_EQ(offer.extensions, look.offers[0].extensions);
    EXPECT_EQ(offer.queue_families.at(0).timestamp_bits, 64U);
    EXPECT_EQ(offer.memory_heaps.at(0).size, 2ULL << 30);
    EXPECT_EQ(offer.matrix_shapes, look.offers[0].matrix_shapes);
    EXPECT_EQ(offer.limits, look.offers[0].limits);
    EXPECT_TRUE(offer.shader_int64 && offer.vulkan_memory_model && !offer.shader_int8);
}

TEST(Look, CutOrLongerBytesAreRefused) {
    std::vector<std::byte> bytes = look_bytes(example());
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(read_look(std::span(bytes).first(size))) << size;
    bytes.push_back({});
    EXPECT_FALSE(read_look(bytes));
}

// The checksum finds what happens by itself; nothing that somebody writes there may lead outside the bytes or the enumerations.
TEST(Look, NoChangedByteLeadsAstray) {
    const std::vector<std::byte> bytes = look_bytes(example());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        for (const int value : {0x02, 0x7F, 0xFF}) {
            std::vector<std::byte> changed = bytes;
            changed[i] = static_cast<std::byte>(value);
            const std::optional<Look> look = read_look(changed);
            if (!look) continue;
            EXPECT_EQ(look_bytes(*look), changed) << "byte " << i;
            for (const DeviceOffer& offer : look->offers) EXPECT_NE(to_string(offer.type), nullptr);
        }
    }
}

class Remembered : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "tensorvk-look-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        root_ = name;
        keep("XDG_CACHE_HOME", root_ / "cache");
        keep("XDG_CONFIG_HOME", root_ / "config");
        keep("XDG_DATA_HOME", root_ / "data");
        keep("VK_DRIVER_FILES", std::nullopt);
        library_ = write("usr/lib/libvulkan.so.1", "one");
        write("usr/share/vulkan/icd.d/lvp_icd.json", "{}");
        libraries_ = {library_.string()};
    }
    void TearDown() override {
        for (const auto& [name, value] : kept_) {
            if (value) setenv(name.c_str(), value->c_str(), 1);
            else unsetenv(name.c_str());
        }
        fs::remove_all(root_);
    }

    void keep(const std::string& name, const std::optional<std::string>& value) {
        const char* before = getenv(name.c_str());
        kept_.emplace_back(name, before == nullptr ? std::nullopt : std::optional<std::string>(before));
        if (value) setenv(name.c_str(), value->c_str(), 1);
        else unsetenv(name.c_str());
    }
    fs::path write(const fs::path& name, const std::string& content) const {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << content;
        return root_ / name;
    }
    std::string surroundings() const { return driver_surroundings(libraries_, root_); }
    fs::path file() const {
        fs::path found;
        for (const auto& entry : fs::directory_iterator(root_ / "cache/tensorvk")) found = entry.path();
        return found;
    }

    fs::path root_, library_;
    std::vector<std::string> libraries_;
    std::vector<std::pair<std::string, std::optional<std::string>>> kept_;
};

TEST_F(Remembered, SurroundingsStayTheSameUntilSomethingChanges) {
    std::string before = surroundings();
    EXPECT_EQ(surroundings(), before);
    const auto changed = [&] { return std::exchange(before, surroundings()) != before; };
    write("usr/share/vulkan/icd.d/nvidia_icd.json", "{}");
    EXPECT_TRUE(changed()) << "a manifest came";
    write("usr/share/vulkan/icd.d/nvidia_icd.json", "{ }");
    EXPECT_TRUE(changed()) << "a manifest changed";
    fs::remove(root_ / "usr/share/vulkan/icd.d/nvidia_icd.json");
    EXPECT_TRUE(changed()) << "a manifest went";
    for (const char* name : {"etc/vulkan/icd.d/a.json", "etc/xdg/vulkan/icd.d/b.json", "usr/local/share/vulkan/implicit_layer.d/c.json",
                             "config/vulkan/icd.d/d.json", "data/vulkan/icd.d/e.json"}) {
        write(name, "{}");
        EXPECT_TRUE(changed()) << name;
    }
    write("dev/dri/renderD128", "");
    EXPECT_TRUE(changed()) << "a GPU came";
    write("dev/nvidia0", "");
    EXPECT_TRUE(changed()) << "another one came";
    write("dev/tty77", "");
    EXPECT_FALSE(changed()) << "no GPU";
    write("usr/lib/libvulkan.so.1", "another");
    EXPECT_TRUE(changed()) << "the loader changed";
    write("etc/ld.so.cache", "libraries");
    EXPECT_TRUE(changed()) << "packages were installed";
    fs::remove(library_);
    EXPECT_TRUE(changed()) << "the loader went";
}

TEST_F(Remembered, VariablesOfDriversCountAndOthersDoNot) {
    const std::string before = driver_environment();
    for (const char* name : {"VK_DRIVER_FILES", "VK_LOADER_LAYERS_ENABLE", "LP_NUM_THREADS", "MESA_VK_DEVICE_SELECT", "GALLIVM_DEBUG",
                             "TENSORVK_VULKAN_LIBRARY", "LD_LIBRARY_PATH"}) {
        keep(name, "something");
        EXPECT_NE(driver_environment(), before) << name;
        unsetenv(name);
    }
    for (const char* name : {"TENSORVK_DEVICE", "TENSORVK_DISABLE", "LANG", "PWD"}) {
        keep(name, "something");
        EXPECT_EQ(driver_environment().find(std::string(name) + "="), std::string::npos) << name;
    }
}

TEST_F(Remembered, IsThereUntilForgotten) {
    EXPECT_FALSE(last_look());
    const std::vector<DeviceOffer> offers{lavapipe(), gpu()};
    remember_look(offers, libraries_);
    const auto found = last_look();
    ASSERT_TRUE(found);
    EXPECT_EQ(look_bytes({{}, {}, {}, *found}), look_bytes({{}, {}, {}, offers}));
    forget_look();
    EXPECT_FALSE(last_look());
    forget_look(); // of nothing
}

TEST_F(Remembered, ChangedLibraryOrEnvironmentOrNoCacheIsAMiss) {
    remember_look(std::vector{lavapipe()}, libraries_);
    keep("VK_DRIVER_FILES", "/somewhere.json");
    EXPECT_FALSE(last_look()) << "another environment has a memory of its own";
    unsetenv("VK_DRIVER_FILES");
    keep("TENSORVK_CACHE", "0");
    EXPECT_FALSE(last_look());
    unsetenv("TENSORVK_CACHE");
    EXPECT_TRUE(last_look());
    write("usr/lib/libvulkan.so.1", "another");
    EXPECT_FALSE(last_look());
}

TEST_F(Remembered, DamagedFileIsAMiss) {
    remember_look(std::vector{lavapipe()}, libraries_);
    const fs::path path = file();
    std::ifstream in(path, std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(in), {}};
    ASSERT_GT(whole.size(), 100U);
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
        std::ofstream(path, std::ios::binary) << damaged;
        EXPECT_FALSE(last_look()) << "byte " << i;
    }
    std::ofstream(path, std::ios::binary) << whole.substr(0, whole.size() / 2);
    EXPECT_FALSE(last_look());
    remember_look(std::vector{lavapipe()}, libraries_);
    EXPECT_TRUE(last_look()) << "written again";
}

TEST_F(Remembered, DevicesAreOpenedLateWhereTheFirstIsACpuAndNobodyAsksForALook) {
    keep("TENSORVK_DEVICE", std::nullopt);
    keep("TENSORVK_DISABLE", std::nullopt);
    keep("TENSORVK_VALIDATION", std::nullopt);
    EXPECT_FALSE(late_offers()) << "nothing is remembered";
    remember_look(std::vector{lavapipe()}, libraries_);
    EXPECT_TRUE(late_offers());
    for (const auto& [name, value] : {std::pair("TENSORVK_DISABLE", "late_driver"), {"TENSORVK_DISABLE", "vulkan"}, {"TENSORVK_DISABLE", "host_kernels"},
                                      {"TENSORVK_DISABLE", "host_import"}, {"TENSORVK_VALIDATION", "core"}, {"TENSORVK_DEVICE", "GeForce"}}) {
        setenv(name, value, 1);
        EXPECT_FALSE(late_offers()) << name << "=" << value;
        unsetenv(name);
    }
    for (const char* wish : {"cpu", "0", "llvm"}) {
        setenv("TENSORVK_DEVICE", wish, 1);
        EXPECT_TRUE(late_offers()) << wish;
    }
    unsetenv("TENSORVK_DEVICE");
    remember_look(std::vector{lavapipe(), gpu()}, libraries_);
    EXPECT_FALSE(late_offers()) << "the GPU is the first";
    setenv("TENSORVK_DEVICE", "cpu", 1);
    EXPECT_TRUE(late_offers());
}

TEST(LateDevice, IsRefusedWhereItsUserWouldSeeADifference) {
    const auto late = [](const DeviceOffer& offer, const PlanEnvironment& environment = {}) {
        return can_open_late(offer, plan_device(offer, environment));
    };
    EXPECT_TRUE(late(lavapipe()));
    EXPECT_FALSE(late(gpu()));
    EXPECT_FALSE(late(lavapipe(), {{"unified_memory"}}));
    const std::vector<void (*)(DeviceOffer&)> changes{
        [](DeviceOffer& o) { o.queue_families[0].timestamp_bits = 36; }, [](DeviceOffer& o) { o.limits.timestamp_period_ns = 10; },
        [](DeviceOffer& o) { o.extensions.clear(); },                    [](DeviceOffer& o) { o.limits.host_import_alignment = 65536; },
        [](DeviceOffer& o) { o.queue_families[0].count = 2; },           [](DeviceOffer& o) { o.memory_heaps.push_back({1, false}); },
        [](DeviceOffer& o) { o.queue_families[0].compute = false; },     [](DeviceOffer& o) { o.timeline_semaphore = false; }};
    for (std::size_t i = 0; i < changes.size(); ++i) {
        DeviceOffer offer = lavapipe();
        changes[i](offer);
        EXPECT_FALSE(late(offer)) << "change " << i;
    }
}

} // namespace
} // namespace tensorvk::vulkan
