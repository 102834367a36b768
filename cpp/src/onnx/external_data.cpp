#include "onnx/external_data.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "support/error.hpp"

namespace tensorvk::onnx {

namespace {

namespace fs = std::filesystem;

std::int64_t number(const onnx_pb::TensorProto& tensor, const std::string& value, const char* key) {
    std::int64_t out = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
    if (error != std::errc() || end != value.data() + value.size() || out < 0) {
        throw InvalidModel(text("Tensor '", tensor.name(), "' has external data with the ", key, " '", value,
                                "'; a number of bytes is needed."));
    }
    return out;
}

//! The file, once it is certain that it lies in the model's folder.
fs::path checked_location(const onnx_pb::TensorProto& tensor, const fs::path& model_file, const std::string& location) {
    const auto refuse = [&](const char* why) {
        throw InvalidModel(text("Tensor '", tensor.name(), "' keeps its data in '", location, "', which ", why,
                                "; external data is read only from regular files inside the model's folder."));
    };
    if (model_file.empty()) {
        refuse("cannot be found for a model that was parsed from memory without its path");
    }
    const fs::path relative(location);
    if (location.empty() || location.find('\0') != std::string::npos) {
        refuse("is no file name");
    }
    if (relative.is_absolute()) {
        refuse("is an absolute path");
    }
    if (std::find(relative.begin(), relative.end(), fs::path("..")) != relative.end()) {
        refuse("climbs out of the folder with '..'");
    }
    std::error_code error;
    const fs::path folder = fs::canonical(fs::absolute(model_file).parent_path(), error);
    if (error) {
        refuse("lies in a folder that does not exist");
    }
    const fs::path file = fs::canonical(folder / relative, error);
    if (error) {
        refuse("does not exist");
    }
    const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
    if (end != folder.end()) {
        refuse("is a link that leads out of the folder");
    }
    if (!fs::is_regular_file(file, error)) {
        refuse("is no regular file");
    }
    if (fs::hard_link_count(file, error) > 1) {
        refuse("has further hard links, so that it may be another file's data");
    }
    return file;
}

} // namespace

ExternalData read_external(const onnx_pb::TensorProto& tensor, const fs::path& model_file, std::int64_t expected) {
    std::string location;
    std::int64_t offset = 0;
    std::int64_t length = expected;
    for (const auto& entry : tensor.external_data()) {
        if (entry.key() == "location") {
            location = entry.value();
        } else if (entry.key() == "offset") {
            offset = number(tensor, entry.value(), "offset");
        } else if (entry.key() == "length") {
            length = number(tensor, entry.value(), "length");
        }
    }
    const fs::path file = checked_location(tensor, model_file, location);
    const auto size = static_cast<std::int64_t>(fs::file_size(file));
    if (length != expected) {
        throw InvalidModel(text("Tensor '", tensor.name(), "' has ", length,
                                " bytes of external data, but its shape and type ask for ", expected, "."));
    }
    if (offset > size || length > size - offset) {
        throw InvalidModel(text("Tensor '", tensor.name(), "' asks for ", length, " bytes from byte ", offset,
                                " on of '", location, "', which has ", size, "; the file is incomplete."));
    }
    auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(length));
    std::ifstream in(file, std::ios::binary);
    in.seekg(offset);
    if (!in.read(reinterpret_cast<char*>(bytes->data()), length)) {
        throw InvalidModel(text("The file '", location, "' of tensor '", tensor.name(),
                                "' could not be read; check its permissions."));
    }
    return {bytes, std::span<const std::byte>(*bytes)};
}

} // namespace tensorvk::onnx
