// Constants: every encoding of TensorProto, and external data that stays inside the model's folder.
#include "onnx/weights.hpp"

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "onnx/models.hpp"
#include "support/error.hpp"

namespace tensorvk::onnx {
namespace {

namespace fs = std::filesystem;
using onnx_pb::TensorProto;

TensorProto typed(int type, const Numbers& dims) {
    TensorProto out;
    out.set_name("w");
    out.set_data_type(type);
    for (const std::int64_t dim : dims) out.add_dims(dim);
    return out;
}

std::vector<double> numbers(const TensorProto& tensor) {
    return to_doubles(read_tensor(tensor, nullptr, {}).weights);
}

TEST(Weights, EveryFieldIsRead) {
    EXPECT_EQ(numbers(tensor("w", {2}, {1.5f, -2.0f})), (std::vector{1.5, -2.0}));
    EXPECT_EQ(numbers(int_tensor("w", {2}, {7, -8})), (std::vector{7.0, -8.0}));
    TensorProto raw = typed(kFloat, {1});
    const float value = 0.25f;
    raw.set_raw_data(&value, sizeof value);
    EXPECT_EQ(numbers(raw), std::vector{0.25});
    TensorProto half = typed(10, {1});
    half.add_int32_data(0x3c00);
    EXPECT_EQ(numbers(half), std::vector{1.0});
    TensorProto flags = typed(kBool, {2});
    flags.add_int32_data(1);
    flags.add_int32_data(0);
    EXPECT_EQ(numbers(flags), (std::vector{1.0, 0.0}));
    TensorProto bytes = typed(3, {2});
    bytes.add_int32_data(-5);
    bytes.add_int32_data(6);
    EXPECT_EQ(numbers(bytes), (std::vector{-5.0, 6.0}));
}

TEST(Weights, DoublesAreRoundedWithAWarning) {
    TensorProto doubles = typed(11, {1});
    doubles.add_double_data(0.1);
    const ConstantData data = read_tensor(doubles, nullptr, {});
    EXPECT_EQ(data.weights.type, DataType::kFLOAT);
    EXPECT_EQ(to_doubles(data.weights)[0], static_cast<double>(0.1f));
    EXPECT_FALSE(data.warning.empty());
}

TEST(Weights, RawFloatsAreNotCopied) {
    TensorProto raw = typed(kFloat, {64});
    raw.set_raw_data(std::string(256, '\0'));
    EXPECT_EQ(static_cast<const void*>(read_tensor(raw, nullptr, {}).weights.data),
              static_cast<const void*>(raw.raw_data().data()));
}

TEST(Weights, WrongCountsAndTypesAreRefused) {
    EXPECT_THROW((void)numbers(tensor("w", {3}, {1.0f})), InvalidModel);
    EXPECT_THROW((void)numbers(tensor("w", {-1}, {1.0f})), InvalidModel);
    EXPECT_THROW((void)numbers(typed(8, {1})), Error) << "strings";
    EXPECT_THROW((void)numbers(typed(kFloat, {INT64_MAX, 2})), Error) << "the volume overflows";
    for (const int narrow : {17, 21, 22}) {
        EXPECT_THROW((void)numbers(typed(narrow, {INT64_MAX})), InvalidModel) << "the bytes are counted without overflow";
    }
    TensorProto raw = typed(kFloat, {2});
    raw.set_raw_data("1234567");
    EXPECT_THROW((void)numbers(raw), InvalidModel);
}

class ExternalData : public testing::Test {
  protected:
    void SetUp() override {
        folder = fs::temp_directory_path() / ("tensorvk_external_" + std::to_string(::getpid()));
        fs::create_directories(folder / "inside");
        fs::create_directories(folder / "inside" / "sub");
        write(folder / "inside" / "weights.bin");
        write(folder / "inside" / "sub" / "weights.bin");
        write(folder / "outside.bin");
    }
    void TearDown() override { fs::remove_all(folder); }

    static void write(const fs::path& file) {
        const float values[] = {1.0f, 2.0f, 3.0f, 4.0f};
        std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(values), sizeof values);
    }
    std::string read(const std::string& location, std::int64_t offset = 0, std::int64_t length = 8) {
        TensorProto external = typed(kFloat, {2});
        external.set_data_location(1);
        const auto entry = [&](const std::string& key, const std::string& value) {
            auto* added = external.add_external_data();
            added->set_key(key);
            added->set_value(value);
        };
        entry("location", location);
        entry("offset", std::to_string(offset));
        entry("length", std::to_string(length));
        try {
            const std::vector<double> values =
                to_doubles(read_tensor(external, nullptr, folder / "inside" / "model.onnx").weights);
            return std::to_string(static_cast<int>(values[0])) + " " + std::to_string(static_cast<int>(values[1]));
        } catch (const Error& error) {
            return error.what();
        }
    }

    fs::path folder;
};

TEST_F(ExternalData, IsReadFromTheModelsFolder) {
    EXPECT_EQ(read("weights.bin"), "1 2");
    EXPECT_EQ(read("weights.bin", 8), "3 4");
    EXPECT_EQ(read("sub/weights.bin", 4), "2 3");
}

TEST_F(ExternalData, NeverLeavesTheFolder) {
    fs::create_symlink(folder / "outside.bin", folder / "inside" / "link.bin");
    fs::create_directory_symlink(folder, folder / "inside" / "folder_link");
    fs::create_hard_link(folder / "outside.bin", folder / "inside" / "hard.bin");
    EXPECT_NE(read("../outside.bin").find("climbs out"), std::string::npos);
    EXPECT_NE(read((folder / "inside" / "weights.bin").string()).find("absolute path"), std::string::npos);
    EXPECT_NE(read("link.bin").find("leads out of the folder"), std::string::npos);
    EXPECT_NE(read("folder_link/outside.bin").find("leads out of the folder"), std::string::npos);
    EXPECT_NE(read("hard.bin").find("hard links"), std::string::npos);
    EXPECT_NE(read("sub").find("no regular file"), std::string::npos);
    EXPECT_NE(read("missing.bin").find("does not exist"), std::string::npos);
    EXPECT_NE(read("").find("no file name"), std::string::npos);
}

TEST_F(ExternalData, SizesAreCheckedBeforeReading) {
    EXPECT_NE(read("weights.bin", 12).find("which has 16"), std::string::npos);
    EXPECT_NE(read("weights.bin", 0, 12).find("ask for 8"), std::string::npos);
    EXPECT_NE(read("weights.bin", -1).find("a number of bytes is needed"), std::string::npos);
    EXPECT_NE(read("weights.bin", INT64_MAX).find("which has 16"), std::string::npos);
}

} // namespace
} // namespace tensorvk::onnx
