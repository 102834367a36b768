#include "plan/file.hpp"

#include <gtest/gtest.h>

#include "plan/layout.hpp"
#include "plan/samples.hpp"
#include "support/error.hpp"

namespace tensorvk::plan {
namespace {

// The sentence that reading ends with; empty when it works.
std::string refusal(std::span<const std::byte> bytes) {
    try {
        (void)read_plan(bytes);
        return "";
    } catch (const InvalidPlan& error) {
        return error.what();
    }
}

bool is_sentence(const std::string& message) {
    return message.size() > 20 && (message.back() == '.' || message.back() == '!') &&
           std::isupper(static_cast<unsigned char>(message.front()));
}

std::vector<std::byte> with_header(std::vector<std::byte> bytes, void (*change)(FileHeader&)) {
    FileHeader header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    change(header);
    std::memcpy(bytes.data(), &header, sizeof(header));
    return bytes;
}

void expect_equal(const Program& a, const Program& b) {
    EXPECT_EQ(a.exprs.symbols(), b.exprs.symbols());
    ASSERT_EQ(a.exprs.size(), b.exprs.size());
    for (std::size_t i = 0; i < a.exprs.size(); ++i) {
        const shape::Expr e{static_cast<std::int32_t>(i)};
        EXPECT_EQ(a.exprs.node(e), b.exprs.node(e));
    }
    ASSERT_EQ(a.io.size(), b.io.size());
    for (std::size_t i = 0; i < a.io.size(); ++i) {
        EXPECT_EQ(a.io[i].name, b.io[i].name);
        EXPECT_EQ(a.io[i].dtype, b.io[i].dtype);
        EXPECT_EQ(a.io[i].mode, b.io[i].mode);
        EXPECT_EQ(a.io[i].dims, b.io[i].dims);
        EXPECT_EQ(a.io[i].buffer, b.io[i].buffer);
    }
    ASSERT_EQ(a.buffers.size(), b.buffers.size());
    for (std::size_t i = 0; i < a.buffers.size(); ++i) {
        EXPECT_EQ(a.buffers[i].name, b.buffers[i].name);
        EXPECT_EQ(a.buffers[i].kind, b.buffers[i].kind);
        EXPECT_EQ(a.buffers[i].bytes, b.buffers[i].bytes);
        EXPECT_EQ(a.buffers[i].constant_offset, b.buffers[i].constant_offset);
    }
    for (const auto list : {&Program::init, &Program::steps}) {
        ASSERT_EQ((a.*list).size(), (b.*list).size());
        for (std::size_t i = 0; i < (a.*list).size(); ++i) {
            const Step& s = (a.*list)[i];
            const Step& t = (b.*list)[i];
            EXPECT_EQ(s.layer, t.layer);
            EXPECT_EQ(s.kernel, t.kernel);
            EXPECT_EQ(s.kernel_hash, t.kernel_hash);
            EXPECT_EQ(s.spec, t.spec);
            EXPECT_EQ(s.params, t.params);
            EXPECT_EQ(s.groups, t.groups);
            EXPECT_EQ(s.group, t.group);
            ASSERT_EQ(s.bindings.size(), t.bindings.size());
            for (std::size_t b_i = 0; b_i < s.bindings.size(); ++b_i) {
                EXPECT_EQ(s.bindings[b_i].buffer, t.bindings[b_i].buffer);
                EXPECT_EQ(s.bindings[b_i].written, t.bindings[b_i].written);
            }
        }
    }
}

TEST(PlanFile, HoldsEverythingOfAPlan) {
    const Plan plan = samples::dynamic_plan();
    const std::vector<std::byte> bytes = write_plan(plan);
    const StoredPlan stored = read_plan(bytes);
    EXPECT_EQ(stored.plan.name, plan.name);
    EXPECT_EQ(stored.plan.report_json, plan.report_json);
    EXPECT_EQ(stored.plan.builder_flags, plan.builder_flags);
    EXPECT_EQ(stored.plan.profiling_verbosity, plan.profiling_verbosity);
    ASSERT_EQ(stored.plan.profiles.size(), 1U);
    EXPECT_EQ(stored.plan.profiles[0].inputs.at(0).max, plan.profiles[0].inputs[0].max);
    expect_equal(stored.plan.portable, plan.portable);
    ASSERT_EQ(stored.plan.tuned.size(), 1U);
    EXPECT_EQ(stored.plan.tuned[0].device, plan.tuned[0].device);
    expect_equal(stored.plan.tuned[0].program, plan.tuned[0].program);
    EXPECT_TRUE(std::equal(stored.weights.begin(), stored.weights.end(), plan.weights.begin(), plan.weights.end()));
}

TEST(PlanFile, HoldsWhereViewsLie) {
    Plan plan = samples::dynamic_plan();
    shape::ExprPool& exprs = plan.portable.exprs;
    plan.portable.buffers.push_back({.name = "view", .kind = BufferKind::kVIEW, .bytes = exprs.constant(4), .whole = 2, .offset = exprs.constant(8)});
    const StoredPlan stored = read_plan(write_plan(plan));
    const Buffer& view = stored.plan.portable.buffers.back();
    EXPECT_EQ(view.kind, BufferKind::kVIEW);
    EXPECT_EQ(view.whole, 2);
    EXPECT_EQ(stored.plan.portable.exprs.value(view.offset), 8);
    EXPECT_EQ(stored.plan.portable.holder(5), 2);
    EXPECT_EQ(stored.plan.portable.holder(4), 4);
}

TEST(PlanFile, WeightsAreReadInPlaceAndAligned) {
    const std::vector<std::byte> bytes = write_plan(samples::dynamic_plan());
    const StoredPlan stored = read_plan(bytes);
    const std::ptrdiff_t offset = stored.weights.data() - bytes.data();
    EXPECT_GT(offset, 0);
    EXPECT_LT(offset, static_cast<std::ptrdiff_t>(bytes.size()));
    EXPECT_EQ(offset % 256, 0);
    EXPECT_TRUE(stored.plan.weights.empty());
}

TEST(PlanFile, EqualPlansGiveEqualBytes) {
    EXPECT_EQ(write_plan(samples::dynamic_plan()), write_plan(samples::dynamic_plan()));
}

TEST(PlanFile, MayLieAtAnyAddress) {
    const std::vector<std::byte> bytes = write_plan(samples::dynamic_plan());
    std::vector<std::byte> shifted(bytes.size() + 1);
    std::copy(bytes.begin(), bytes.end(), shifted.begin() + 1);
    expect_equal(read_plan(std::span(shifted).subspan(1)).plan.portable, samples::dynamic_plan().portable);
}

TEST(PlanFile, EveryFlippedByteIsRefusedWithASentence) {
    std::vector<std::byte> bytes = write_plan(samples::dynamic_plan());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        for (const std::byte mask : {std::byte{0x01}, std::byte{0x80}, std::byte{0xFF}}) {
            bytes[i] ^= mask;
            const std::string message = refusal(bytes);
            EXPECT_TRUE(is_sentence(message)) << "byte " << i << ": '" << message << "'";
            bytes[i] ^= mask;
        }
    }
    EXPECT_EQ(refusal(bytes), "");
}

TEST(PlanFile, EveryTruncationIsRefusedWithASentence) {
    const std::vector<std::byte> bytes = write_plan(samples::dynamic_plan());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const std::string message = refusal(std::span(bytes).first(size));
        EXPECT_TRUE(is_sentence(message)) << size << " bytes: '" << message << "'";
    }
}

TEST(PlanFile, TruncationNamesBothSizes) {
    const std::vector<std::byte> bytes = write_plan(samples::dynamic_plan());
    const std::string message = refusal(std::span(bytes).first(300));
    EXPECT_NE(message.find("truncated: 300 bytes"), std::string::npos) << message;
    EXPECT_NE(message.find(std::to_string(bytes.size())), std::string::npos) << message;
}

TEST(PlanFile, BytesAfterTheEndAreRefused) {
    std::vector<std::byte> bytes = write_plan(samples::dynamic_plan());
    bytes.resize(bytes.size() + 1);
    EXPECT_NE(refusal(bytes).find("after its end"), std::string::npos);
}

TEST(PlanFile, OtherFilesAreNotPlans) {
    const std::string text = "this is an ONNX model, perhaps, and longer than a header of a plan would ever have to be";
    EXPECT_NE(refusal(std::as_bytes(std::span(text))).find("not a TensorVK plan"), std::string::npos);
    EXPECT_NE(refusal({}).find("not a TensorVK plan"), std::string::npos);
}

TEST(PlanFile, ANewerVersionSaysWhatToDo) {
    const std::vector<std::byte> bytes = with_header(write_plan(samples::dynamic_plan()),
                                                     [](FileHeader& header) { header.version = kFormatVersion + 41; });
    const std::string message = refusal(bytes);
    EXPECT_NE(message.find(std::to_string(kFormatVersion + 41)), std::string::npos) << message;
    EXPECT_NE(message.find("rebuild the plan or update TensorVK"), std::string::npos) << message;
}

TEST(PlanFile, ADamagedSectionIsNamed) {
    std::vector<std::byte> bytes = write_plan(samples::dynamic_plan());
    bytes[bytes.size() - 300] ^= std::byte{1}; // the weights come last
    EXPECT_NE(refusal(bytes).find("weights section is damaged"), std::string::npos) << refusal(bytes);
}

TEST(PlanFile, APlanWithoutMeaningIsNotWritten) {
    Plan plan = samples::dynamic_plan();
    plan.portable.steps[0].bindings[0].buffer = 99;
    EXPECT_THROW((void)write_plan(plan), InternalError);
}

TEST(PlanFile, EmptyWeightsAndNoTunedProgramAreFine) {
    Plan plan;
    plan.profiles = {{}};
    const StoredPlan stored = read_plan(write_plan(plan));
    EXPECT_TRUE(stored.weights.empty());
    EXPECT_TRUE(stored.plan.tuned.empty());
}

} // namespace
} // namespace tensorvk::plan
