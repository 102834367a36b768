// TensorProto -> weights, without a copy where the message already holds the bytes as the network needs them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "graph/attributes.hpp"
#include "onnx/onnx.pb.h"

namespace tensorvk::onnx {

struct ConstantData {
    std::vector<std::int64_t> dims;
    graph::Weights weights;
    std::string warning; // not empty: a type was narrowed
    std::int32_t narrow = 0; // the file's type, where it is one that only constants have (narrow_types.hpp)
};

//! `owner` keeps the message alive. Throws InvalidModel or NodeFailure.
[[nodiscard]] ConstantData read_tensor(const onnx_pb::TensorProto& tensor, const std::shared_ptr<const void>& owner,
                                       const std::filesystem::path& model_file);

//! New weights from numbers.
template <typename T>
[[nodiscard]] graph::Weights make_weights(DataType type, std::vector<T> values) {
    auto owner = std::make_shared<const std::vector<T>>(std::move(values));
    return {type, reinterpret_cast<const std::byte*>(owner->data()), static_cast<std::int64_t>(owner->size()), owner};
}
//! Any numeric or bool weights as doubles (integers above 2^53 lose digits).
[[nodiscard]] std::vector<double> to_doubles(const graph::Weights& weights);
//! Doubles as weights of any numeric or bool type.
[[nodiscard]] graph::Weights from_doubles(DataType type, const std::vector<double>& values);

} // namespace tensorvk::onnx
