// A network becomes a plan, the plan runs, and both can be repeated.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include <unistd.h>

#include "builder/builder.hpp"
#include "builder/shipped_timings.hpp"
#include "builder/timing_key.hpp"
#include "compiler/networks.hpp"
#include "runtime/context.hpp"
#include "stream/copy.hpp"
#include "stream/memory.hpp"
#include "support/error.hpp"
#include "support/files.hpp"

namespace tensorvk::builder {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests

//! Runs an engine with one input and one output on host data.
std::vector<float> run(runtime::Context& context, const std::vector<float>& x, const std::vector<std::int64_t>& dims, std::size_t outputs) {
    const auto stream = stream::Stream::from_handle(0);
    const auto device = context.engine()->device();
    context.set_input_shape("x", dims);
    const std::uint64_t in = stream::allocate_device(device, x.size() * sizeof(float));
    const std::uint64_t out = stream::allocate_device(device, outputs * sizeof(float));
    std::vector<float> y(outputs);
    stream::copy(in, reinterpret_cast<std::uint64_t>(x.data()), x.size() * sizeof(float), stream::CopyKind::kHostToDevice, *stream);
    context.set_tensor_address(0, in);
    context.set_tensor_address(1, out);
    context.enqueue(*stream);
    stream::copy(reinterpret_cast<std::uint64_t>(y.data()), out, outputs * sizeof(float), stream::CopyKind::kDeviceToHost, *stream);
    stream::free_device(in);
    stream::free_device(out);
    return y;
}

void residual_block(graph::Network& network, std::int64_t batch) {
    auto* x = input(network, {batch, 2, 3, 3});
    auto* conv = conv1x1(network, x, 2, {1, -1, 0.5f, 2}, {0.25f, -0.5f});
    network.mark_output(relu(network, elementwise(network, conv, x, ElementWiseOperation::kSUM)));
}

std::vector<float> residual_reference(const std::vector<float>& x, std::size_t batch) {
    std::vector<float> y(x.size());
    for (std::size_t n = 0; n < batch; ++n) {
        for (std::size_t p = 0; p < 9; ++p) {
            const float a = x[n * 18 + p];
            const float b = x[n * 18 + 9 + p];
            y[n * 18 + p] = std::max(a - b + 0.25f + a, 0.0f);
            y[n * 18 + 9 + p] = std::max(0.5f * a + 2 * b - 0.5f + b, 0.0f);
        }
    }
    return y;
}

std::vector<float> ramp(std::size_t count) {
    std::vector<float> x(count);
    std::iota(x.begin(), x.end(), -static_cast<float>(count) / 2);
    return x;
}

void expect_near(const std::vector<float>& actual, const std::vector<float>& expected) {
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
        ASSERT_NEAR(actual[i], expected[i], 1e-4f) << "element " << i; // three terms up to 50: a few roundings of 2^-24 each
    }
}

TEST(Build, AResidualBlockGivesItsNumbers) {
    graph::Network network;
    residual_block(network, 1);
    const auto plan = build_plan(network, {}, null_log());
    runtime::Context context(runtime::Engine::load(vulkan::Device::current(), plan, null_log()));
    expect_near(run(context, ramp(18), {1, 2, 3, 3}, 18), residual_reference(ramp(18), 1));
}

TEST(Build, ADynamicBatchServesEverySizeOfItsProfile) {
    graph::Network network;
    residual_block(network, -1);
    Options options;
    options.profiles = {{{{"x", {{{1, 2, 3, 3}, {2, 2, 3, 3}, {5, 2, 3, 3}}}}}}};
    runtime::Context context(runtime::Engine::load(vulkan::Device::current(), build_plan(network, options, null_log()), null_log()));
    for (const std::size_t batch : {1u, 5u, 3u}) {
        const auto n = static_cast<std::int64_t>(batch);
        expect_near(run(context, ramp(18 * batch), {n, 2, 3, 3}, 18 * batch), residual_reference(ramp(18 * batch), batch));
    }
}

TEST(Build, TheSameTimingCacheGivesTheSameBytes) {
    graph::Network network;
    residual_block(network, 1);
    Options options;
    options.timing_cache = std::make_shared<TimingCache>();
    const auto first = build_plan(network, options, null_log());
    EXPECT_GT(options.timing_cache->size(), 0u);
    options.error_on_cache_miss = true;
    const auto second = build_plan(network, options, null_log());
    options.timing_cache = TimingCache::from_bytes(options.timing_cache->bytes());
    const auto third = build_plan(network, options, null_log());
    EXPECT_EQ(second, third);
    // The first plan's report says "measured" where the others say "from the cache"; what runs is the same.
    const auto program = [](const std::vector<std::byte>& bytes) { return runtime::Engine::load(vulkan::Device::current(), bytes, null_log())->layers(); };
    EXPECT_EQ(program(first), program(second));
}

TEST(Build, AnEmptyTimingCacheWithErrorOnMissIsRefused) {
    graph::Network network;
    residual_block(network, 1);
    Options options;
    options.error_on_cache_miss = true;
    EXPECT_THROW((void)build_plan(network, options, null_log()), InvalidState);
}

//! At which shaders are tried beside kernels of the host.
constexpr int kLevelOfAll = 4;

//! A product whose fast candidates reorder an operand into scratch memory first.
std::string report_of_product(std::uint64_t workspace_bytes, const std::shared_ptr<TimingCache>& cache, int level = kLevelOfAll) {
    graph::Network network;
    network.mark_output(network.add_layer(LayerType::kMATRIX_MULTIPLY, {input(network, {64, 130}, "a"), input(network, {130, 65}, "b")},
                                          graph::MatrixMultiplyAttributes{})->outputs[0]);
    Options options;
    options.workspace_bytes = workspace_bytes;
    options.timing_cache = cache;
    options.optimization_level = level;
    return runtime::Engine::load(vulkan::Device::current(), build_plan(network, options, null_log()), null_log())->report_json();
}

TEST(Build, AWorkspaceLimitHoldsWithAndWithoutATimingCacheAndLeavesNoTraceInIt) {
    const auto refused = [](const std::string& report) { return report.find("bytes of workspace; the limit is 0") != std::string::npos; };
    const auto wrong = [](const std::string& report) { return report.find("dropped") != std::string::npos; };
    const auto of_small = std::make_shared<TimingCache>();
    const auto of_large = std::make_shared<TimingCache>();
    EXPECT_TRUE(refused(report_of_product(0, of_small)));
    EXPECT_FALSE(refused(report_of_product(UINT64_MAX, of_large)));
    EXPECT_TRUE(refused(report_of_product(0, of_large)));
    const std::string large = report_of_product(UINT64_MAX, of_small);
    EXPECT_FALSE(refused(large) || wrong(large)) << large;
}

TEST(Build, ShadersAreTriedBesideHostKernelsAtHighLevelsAlone) {
    const vulkan::DeviceCaps& caps = vulkan::Device::current()->caps();
    if (!caps.host_kernels || !caps.shaders) GTEST_SKIP() << "this device has one of the two alone";
    const auto left_out = [](const std::string& report) { return report.find("not tried beside a kernel of the host") != std::string::npos; };
    EXPECT_TRUE(left_out(report_of_product(UINT64_MAX, std::make_shared<TimingCache>(), kLevelOfAll - 1)));
    EXPECT_FALSE(left_out(report_of_product(UINT64_MAX, std::make_shared<TimingCache>())));
}

TEST(Build, TimesOfAnotherDriverSaveTimingThemHere) {
    graph::Network network;
    residual_block(network, 1);
    Options options;
    options.optimization_level = 5;
    options.timing_cache = std::make_shared<TimingCache>();
    (void)build_plan(network, options, null_log());
    const auto replayed = build_plan(network, options, null_log());
    const TimingCache any = TimingKeys(*vulkan::Device::current()).for_any_driver(*options.timing_cache);

    options.error_on_cache_miss = true;
    options.timing_cache = TimingCache::from_bytes(any.bytes());
    EXPECT_EQ(build_plan(network, options, null_log()), replayed) << "the same times";

    // The same in a folder of such caches, by the device's name.
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("tensorvk-shipped-" + std::to_string(getpid()));
    options.timing_cache = std::make_shared<TimingCache>();
    EXPECT_THROW((void)build_plan(network, options, null_log()), InvalidState);
    ASSERT_TRUE(replace_file(folder / shipped_timings_name(vulkan::Device::current()->offer()), {any.bytes()}));
    options.shipped_timings = folder;
    EXPECT_EQ(build_plan(network, options, null_log()), replayed);
    options.shipped_timings.clear();
    EXPECT_EQ(build_plan(network, options, null_log()), replayed) << "what was taken from there is in the build's own";
    std::filesystem::remove_all(folder);
}

//! The same entries, all of them marked wrong.
std::shared_ptr<TimingCache> all_wrong(const TimingCache& cache) {
    std::vector<std::byte> bytes = cache.bytes();
    constexpr std::size_t kMagic = 8;
    constexpr std::size_t kRecord = 24;
    constexpr std::size_t kCorrect = 20; // within a record
    const std::size_t end = bytes.size() - sizeof(Digest128);
    for (std::size_t at = kMagic; at < end; at += kRecord) {
        bytes[at + kCorrect] = std::byte{0};
    }
    const Digest128 digest = digest128(std::span(bytes).first(end));
    std::memcpy(bytes.data() + end, digest.data(), digest.size());
    return TimingCache::from_bytes(bytes);
}

TEST(Build, ATimingCacheThatLeavesNobodyToChooseIsMeasuredAnew) {
    graph::Network network;
    residual_block(network, 1);
    Options options;
    options.timing_cache = std::make_shared<TimingCache>();
    (void)build_plan(network, options, null_log());
    options.timing_cache = all_wrong(*options.timing_cache);
    runtime::Context context(runtime::Engine::load(vulkan::Device::current(), build_plan(network, options, null_log()), null_log()));
    expect_near(run(context, ramp(18), {1, 2, 3, 3}, 18), residual_reference(ramp(18), 1));
    options.error_on_cache_miss = true;
    EXPECT_NO_THROW((void)build_plan(network, options, null_log())) << "the new times are in the cache";
    options.timing_cache = all_wrong(*options.timing_cache);
    EXPECT_THROW((void)build_plan(network, options, null_log()), InvalidState);
}

TEST(Build, TheReportGivesEveryCandidateATimeOrARefusal) {
    graph::Network network;
    residual_block(network, 1);
    const auto engine = runtime::Engine::load(vulkan::Device::current(), build_plan(network, {}, null_log()), null_log());
    EXPECT_NE(engine->report_json().find("\"Candidates\""), std::string::npos);
    EXPECT_NE(engine->report_json().find("\"Milliseconds\""), std::string::npos);
}

TEST(Build, AScalarHasAPlanToo) {
    graph::Network network;
    network.mark_output(relu(network, input(network, {})));
    runtime::Context context(runtime::Engine::load(vulkan::Device::current(), build_plan(network, {}, null_log()), null_log()));
    expect_near(run(context, {2.5f}, {}, 1), {2.5f});
}

TEST(Build, ANetworkWithoutOutputIsRefused) {
    graph::Network network;
    (void)relu(network, input(network, {1, 2}));
    EXPECT_THROW((void)build_plan(network, {}, null_log()), InvalidModel);
}

TEST(Build, AProgressMonitorCanCancel) {
    graph::Network network;
    residual_block(network, 1);
    Options options;
    options.progress = [](const char*, int, int) { return false; };
    EXPECT_THROW((void)build_plan(network, options, null_log()), InvalidState);
}

} // namespace
} // namespace tensorvk::builder
