#include "runtime/engine.hpp"

#include <gtest/gtest.h>

#include "plan/file.hpp"
#include "runtime/context.hpp"
#include "runtime/device_key.hpp"
#include "runtime/device_memory.hpp"
#include "runtime/programs.hpp"
#include "support/error.hpp"

namespace tensorvk::runtime {
namespace {

class Messages : public LogSink {
  public:
    void log(Severity severity, const std::string& message) noexcept override {
        if (severity <= Severity::kINFO) {
            lines.push_back(message);
        }
    }
    [[nodiscard]] bool contain(const std::string& part) const {
        return std::any_of(lines.begin(), lines.end(),
                           [&](const std::string& line) { return line.find(part) != std::string::npos; });
    }
    std::vector<std::string> lines;
};

class Engines : public testing::Test {
  protected:
    std::shared_ptr<vulkan::Device> device = vulkan::Device::current();
    Messages messages;

    [[nodiscard]] std::shared_ptr<Engine> load(const plan::Plan& plan) {
        return Engine::load(device, plan::write_plan(plan), messages);
    }
    static void set_rows(Context& context, std::int64_t rows) {
        context.set_input_shape("x", std::vector<std::int64_t>{rows, 3});
    }
};

TEST_F(Engines, DescribeTheirTensors) {
    const auto engine = load(programs::dynamic_plan());
    EXPECT_EQ(engine->name(), "dynamic");
    ASSERT_EQ(engine->tensors().size(), 2U);
    EXPECT_EQ(engine->tensors()[0].name, "x");
    EXPECT_EQ(engine->tensors()[0].mode, TensorIOMode::kINPUT);
    EXPECT_EQ(engine->tensors()[0].dims, (Shape{-1, 3}));
    EXPECT_EQ(engine->tensors()[1].dims, (Shape{-1, 3}));
    EXPECT_EQ(engine->profile_count(), 2);
    EXPECT_EQ(engine->profile_shape("x", 0, OptProfileSelector::kMAX), (Shape{16, 3}));
    EXPECT_EQ(engine->profile_shape("x", 1, OptProfileSelector::kMIN), (Shape{0, 3}));
    EXPECT_EQ(engine->profile_shape("y", 0, OptProfileSelector::kMAX), (Shape{16, 3}));
    EXPECT_EQ(engine->profile_shape("y", 1, OptProfileSelector::kMIN), (Shape{0, 3}));
    EXPECT_EQ(engine->layers(), (std::vector<std::string>{"layer 0", "layer 1", "layer 2"}));
    EXPECT_EQ(engine->report_json(), "{}");
}

TEST_F(Engines, TakeASectionOfTheHostsFunctionsMadeOnAnotherDevice) {
    if (!device->caps().host_kernels) GTEST_SKIP() << "this device's memory is not the host's";
    plan::Plan plan = programs::weighted_plan();
    plan.tuned.push_back({{"another CPU", 1, 2, 3}, programs::host_weighted_program(false)});
    const auto engine = load(plan);
    EXPECT_TRUE(engine->tuned());
    EXPECT_TRUE(messages.contain("section for another CPU serves"));
    EXPECT_EQ(engine->layers(), (std::vector<std::string>{"host layer"}));
    plan.tuned[0].program = programs::host_weighted_program(true);
    if (!device->caps().shaders) return;
    EXPECT_FALSE(load(plan)->tuned()) << "a section with shaders is for its own device";
}

TEST_F(Engines, RefuseShadersWithTheLayerWhereThereAreNone) {
    if (device->caps().shaders) GTEST_SKIP() << "this device runs shaders";
    try {
        (void)load(programs::dynamic_plan());
        FAIL() << "it was loaded";
    } catch (const Unsupported& error) {
        EXPECT_NE(std::string(error.what()).find("Layer 'layer "), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find("is a shader"), std::string::npos) << error.what();
    }
}

TEST_F(Engines, TellHowMuchMemoryTheyNeed) {
    const auto engine = load(programs::dynamic_plan());
    EXPECT_EQ(engine->device_memory_size(0), 512U);        // two buffers of 192 bytes, 256-aligned
    EXPECT_EQ(engine->device_memory_size(1), 2U * 12032U); // two of 12000
    EXPECT_EQ(engine->device_memory_size(), 2U * 12032U);
    EXPECT_EQ(engine->max_output_size("y", 0), 192U);
    EXPECT_EQ(engine->max_output_size("y", 1), 12000U);
}

TEST_F(Engines, SerializeToTheBytesTheyWereMadeOf) {
    const std::vector<std::byte> bytes = plan::write_plan(programs::weighted_plan());
    const auto engine = Engine::load(device, bytes, messages);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), engine->serialize().begin(), engine->serialize().end()));
}

TEST_F(Engines, WithoutASectionForTheDeviceSayThatTheyRunUntuned) {
    const auto engine = load(programs::weighted_plan());
    EXPECT_FALSE(engine->tuned());
    EXPECT_TRUE(messages.contain("holds no section for " + device->offer().name));
}

TEST_F(Engines, RunTheSectionOfTheirDevice) {
    plan::Plan plan = programs::dynamic_plan();
    plan::TunedProgram& tuned = plan.tuned.emplace_back();
    tuned.device = device_key(*device);
    tuned.program = programs::dynamic_program();
    tuned.program.steps[0].layer = "tuned layer";
    const auto engine = load(plan);
    EXPECT_TRUE(engine->tuned());
    EXPECT_EQ(engine->layers()[0], "tuned layer");
    EXPECT_TRUE(messages.lines.empty());
}

TEST_F(Engines, FallBackWhenTheTunedSectionNeedsAKernelOfTheFuture) {
    plan::Plan plan = programs::dynamic_plan();
    plan::TunedProgram& tuned = plan.tuned.emplace_back();
    tuned.device = device_key(*device);
    tuned.program = programs::dynamic_program();
    tuned.program.steps[0].kernel = "future/kernel:f32";
    const auto engine = load(plan);
    EXPECT_FALSE(engine->tuned());
    EXPECT_TRUE(messages.contain("future/kernel:f32"));
    EXPECT_EQ(engine->layers()[0], "layer 0");
}

TEST_F(Engines, RefuseDamagedBytes) {
    std::vector<std::byte> bytes = plan::write_plan(programs::weighted_plan());
    bytes[bytes.size() / 2] ^= std::byte{4};
    EXPECT_THROW((void)Engine::load(device, bytes, messages), InvalidPlan);
}

TEST_F(Engines, NameTheTensorsTheyHaveWhenAskedForAnother) {
    const auto engine = load(programs::dynamic_plan());
    EXPECT_EQ(refusal<InvalidArgument>([&] { (void)engine->tensor_index("z"); }),
              "The engine has no input or output 'z'; it has: x, y.");
    EXPECT_NE(refusal<InvalidArgument>([&] { (void)engine->profile_shape("z", 0, OptProfileSelector::kMIN); }), "");
    EXPECT_NE(refusal<InvalidArgument>([&] { (void)engine->profile_shape("x", 2, OptProfileSelector::kMIN); }), "");
}

TEST_F(Engines, ContextsRunThemAndKeepThemAlive) {
    Context context(load(programs::weighted_plan()));
    EXPECT_TRUE(context.all_shapes_known());
    const DeviceFloats x(device, counting(5));
    const DeviceFloats y(device, std::vector<float>(5));
    context.execute(std::vector<std::uint64_t>{x.address(), y.address()});
    EXPECT_EQ(y.read(), (std::vector<float>{2, 5, 8, 11, 14}));
}

TEST_F(Engines, ContextsComputeShapes) {
    Context context(load(programs::dynamic_plan()));
    EXPECT_EQ(context.missing_shapes(), std::vector<std::string>{"x"});
    EXPECT_EQ(context.tensor_shape("y"), (Shape{-1, 3}));
    EXPECT_EQ(context.tensor_strides("y"), (Shape{3, 1}));
    EXPECT_THROW((void)context.tensor_bytes("y"), InvalidState);
    set_rows(context, 7);
    EXPECT_TRUE(context.missing_shapes().empty());
    EXPECT_EQ(context.tensor_shape("x"), (Shape{7, 3}));
    EXPECT_EQ(context.tensor_shape("y"), (Shape{7, 3}));
    EXPECT_EQ(context.tensor_bytes("y"), 84U);
    EXPECT_EQ(context.max_output_size("y"), 192U);
}

TEST_F(Engines, ContextsCheckShapesAgainstTheProfile) {
    Context context(load(programs::dynamic_plan()));
    const std::string above = refusal<InvalidArgument>([&] { set_rows(context, 17); });
    EXPECT_NE(above.find("Dimension 0 of input 'x' is given as 17, optimization profile 0 allows 1 to 16"),
              std::string::npos)
        << above;
    EXPECT_NE(refusal<InvalidArgument>([&] { set_rows(context, -1); }), "");
    const std::vector<std::int64_t> rank_one{3};
    EXPECT_NE(refusal<InvalidArgument>([&] { context.set_input_shape("x", rank_one); }), "");
    EXPECT_NE(refusal<InvalidArgument>([&] { context.set_input_shape("y", rank_one); }), "");
    context.set_active_profile(1);
    EXPECT_NO_THROW(set_rows(context, 17));
    context.set_active_profile(0);
    EXPECT_FALSE(context.all_shapes_known()) << "another profile forgets the shapes";
    EXPECT_THROW(context.set_active_profile(2), InvalidArgument);
}

TEST_F(Engines, ShapesThatMustAgreeAreSetOneByOne) {
    Context context(load(programs::two_inputs_plan()));
    const DeviceFloats a(device, counting(4));
    const DeviceFloats y(device, std::vector<float>(4));
    const std::vector<std::uint64_t> addresses{a.address(), a.address(), y.address()};
    const auto set = [&](const char* name, std::int64_t size) {
        context.set_input_shape(name, std::vector<std::int64_t>{size});
    };
    set("a", 2);
    set("b", 2);
    context.execute(addresses);
    set("a", 4);
    EXPECT_EQ(context.tensor_shape("y"), Shape{-1}) << "4 and 2 do not go together yet";
    EXPECT_NE(refusal<InvalidArgument>([&] { context.execute(addresses); }).find("layer 0"), std::string::npos);
    set("b", 4);
    EXPECT_EQ(context.tensor_shape("y"), Shape{4});
    context.execute(addresses);
    EXPECT_EQ(y.read(), (std::vector<float>{2, 4, 6, 8}));
}

TEST_F(Engines, ContextsRefuseToRunWithoutShapes) {
    Context context(load(programs::dynamic_plan()));
    const auto stream = stream::Stream::default_of(device);
    EXPECT_NE(refusal<InvalidState>([&] { context.enqueue(*stream); }).find("'x'"), std::string::npos);
    EXPECT_NE(refusal<InvalidArgument>([&] { context.execute({}); }).find("0 addresses"), std::string::npos);
}

TEST_F(Engines, ContextsOfOneEngineRunSideBySide) {
    const auto engine = load(programs::dynamic_plan());
    Context first(engine);
    Context second(engine);
    const DeviceFloats x(device, counting(12));
    const DeviceFloats a(device, std::vector<float>(12));
    const DeviceFloats b(device, std::vector<float>(3));
    set_rows(first, 4);
    set_rows(second, 1);
    const auto stream = stream::Stream::create(device);
    first.set_tensor_address("x", x.address());
    first.set_tensor_address("y", a.address());
    second.set_tensor_address("x", x.address() + 36);
    second.set_tensor_address("y", b.address());
    first.enqueue(*stream);
    second.enqueue(*stream);
    stream->synchronize();
    EXPECT_EQ(a.read()[11], programs::dynamic_result(12.0F));
    EXPECT_EQ(b.read()[2], programs::dynamic_result(12.0F));
    stream::Stream::destroy(stream->handle());
}

TEST_F(Engines, LayersAreTimedByName) {
    Context context(load(programs::weighted_plan()));
    const DeviceFloats x(device, counting(5));
    const DeviceFloats y(device, std::vector<float>(5));
    context.set_tensor_address("x", x.address());
    context.set_tensor_address("y", y.address());
    const std::vector<LayerTime> times = context.time_layers(*stream::Stream::default_of(device));
    ASSERT_EQ(times.size(), 1U);
    EXPECT_EQ(times[0].layer, "layer 0");
    EXPECT_GE(times[0].milliseconds, 0.0F);
}

} // namespace
} // namespace tensorvk::runtime
