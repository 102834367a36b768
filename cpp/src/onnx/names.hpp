// The names of a model, checked before anything is read: usable ones, and each defined once.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "onnx/importer.hpp"
#include "onnx/onnx.pb.h"

namespace tensorvk::onnx {

//! Longer than any exporter writes; with what layers and fused kernels add to it, a plan can still hold it.
inline constexpr std::size_t kLongestName = 4096;

//! A name as sentences show it: a long one is cut, bytes that would end a line or a C string or are not UTF-8
//! become '?'.
[[nodiscard]] std::string shown(std::string_view name);

//! Adds an error for every name that cannot be used. C strings end at a zero byte, so names must not have any.
void check_names(const onnx_pb::ModelProto& model, ImportResult& result);

//! Adds an error for every name that a second node or graph input defines: ONNX gives each name one meaning. Of several
//! initializers of one name the last one counts, as with ONNX Runtime; that is a warning.
void check_definitions(const onnx_pb::ModelProto& model, ImportResult& result);

} // namespace tensorvk::onnx
