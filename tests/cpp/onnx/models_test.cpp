// Real models, when they are at hand: each imports, and its outputs have the shapes of the reference data.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <gtest/gtest.h>

#include "graph/network.hpp"
#include "onnx/importer.hpp"
#include "onnx/onnx.pb.h"

namespace {

namespace fs = std::filesystem;
using tensorvk::graph::Network;
using tensorvk::graph::Tensor;

fs::path models_folder() {
    const char* given = std::getenv("TENSORVK_MODELS");
    return given != nullptr ? fs::path(given) : fs::path(TENSORVK_SOURCE_DIR) / ".." / "shared" / "models";
}

std::vector<std::string> model_names() {
    return {"brain_unet",        "resnet20_cifar10", "mnist_cntk",        "squeezenet_winml", "ultraface_rfb320",
            "yunet_s_320",       "fastestdet",       "nanodet_m_416",     "agllnet_256",      "super_resolution",
            "hand_keypoint_mlp", "ppocr_cls_v2",     "lw_person_detector"};
}

using Dims = std::vector<std::int64_t>;

//! Shapes of input_*.pb or output_*.pb by tensor name.
std::map<std::string, Dims> shapes_in(const fs::path& folder, const std::string& prefix) {
    std::map<std::string, Dims> shapes;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (!entry.path().filename().string().starts_with(prefix)) {
            continue;
        }
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), {}};
        tensorvk::onnx_pb::TensorProto tensor;
        EXPECT_TRUE(tensor.ParseFromString(bytes)) << entry.path();
        shapes[tensor.name()] = Dims(tensor.dims().begin(), tensor.dims().end());
    }
    return shapes;
}

//! What the network says about its outputs once its inputs have the given shapes.
void expect_output_shapes(Network& network, const fs::path& data_set) {
    const auto inputs = shapes_in(data_set, "input_");
    std::vector<std::int64_t> symbols(network.exprs().symbols().size(), -1);
    for (const Tensor* input : network.inputs()) {
        const Dims& given = inputs.at(input->name);
        ASSERT_EQ(given.size(), input->dims.size()) << input->name;
        for (std::size_t axis = 0; axis < given.size(); ++axis) {
            const auto& node = network.exprs().node(input->dims[axis]);
            if (node.op == tensorvk::shape::ExprOp::kSYMBOL) {
                symbols[static_cast<std::size_t>(node.value)] = given[axis];
            }
        }
    }
    const std::vector<std::int64_t> values = network.exprs().evaluate(symbols);
    const auto outputs = shapes_in(data_set, "output_");
    EXPECT_EQ(outputs.size(), network.outputs().size());
    for (const Tensor* output : network.outputs()) {
        ASSERT_TRUE(outputs.contains(output->name)) << output->name;
        Dims dims;
        for (const auto e : output->dims) {
            dims.push_back(values[static_cast<std::size_t>(e.id)]);
        }
        EXPECT_EQ(dims, outputs.at(output->name)) << output->name << " " << network.describe_dims(*output);
    }
}

class Models : public testing::TestWithParam<std::string> {};

TEST_P(Models, ImportWithTheShapesOfTheirReferenceData) {
    const fs::path folder = models_folder() / GetParam();
    if (!fs::exists(folder / "model.onnx")) {
        GTEST_SKIP() << "no model in " << folder << "; set TENSORVK_MODELS";
    }
    Network network;
    const auto result = tensorvk::onnx::import_file(folder / "model.onnx", network);
    for (const auto& error : result.errors) {
        ADD_FAILURE() << tensorvk::onnx::describe(error);
    }
    ASSERT_TRUE(result.ok());
    int sets = 0;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (!entry.path().filename().string().starts_with("test_data_set_")) {
            continue;
        }
        SCOPED_TRACE(entry.path().string());
        expect_output_shapes(network, entry.path());
        ++sets;
    }
    EXPECT_GT(sets, 0);
}

INSTANTIATE_TEST_SUITE_P(All, Models, testing::ValuesIn(model_names()), [](const auto& model) { return model.param; });

} // namespace
