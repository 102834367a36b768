#include "onnx/reader.hpp"

#include <array>
#include <fstream>
#include <limits>
#include <string_view>
#include <system_error>

#include <google/protobuf/io/coded_stream.h>

#include "support/error.hpp"

namespace tensorvk::onnx {

namespace {

constexpr int kDeepestNesting = 256; // of messages, three for each graph inside a graph; more is an attack on the stack
constexpr std::int64_t kNewestIrVersion = 1000;

//! What people pass by mistake.
std::string_view known_beginning(std::span<const std::byte> bytes) {
    struct Beginning {
        std::string_view prefix, meaning;
    };
    static constexpr std::array kBeginnings{
        Beginning{"PK\x03\x04",
                  "it is a ZIP archive, as PyTorch's .pt files are; export the model with torch.onnx.export"},
        Beginning{"version https://git-lfs", "it is a Git LFS pointer; fetch the real file with 'git lfs pull'"},
        Beginning{"<", "it is text in HTML or XML; the download may have failed"},
        Beginning{"{", "it is JSON text; ONNX is a binary format"},
        Beginning{"\x1f\x8b", "it is compressed with gzip; unpack it first"},
        Beginning{"\x89HDF", "it is an HDF5 file, as Keras writes; convert it with tf2onnx"},
    };
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (const Beginning& beginning : kBeginnings) {
        if (text.starts_with(beginning.prefix)) {
            return beginning.meaning;
        }
    }
    return {};
}

[[noreturn]] void refuse(std::span<const std::byte> bytes, std::string_view otherwise) {
    const std::string_view known = known_beginning(bytes);
    throw InvalidModel(
        text("These ", bytes.size(), " bytes are no ONNX model: ", known.empty() ? otherwise : known, "."));
}

} // namespace

std::shared_ptr<const onnx_pb::ModelProto> read_model(std::span<const std::byte> bytes) {
    if (bytes.empty()) {
        throw InvalidModel("The model is empty: 0 bytes were given.");
    }
    if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
        throw InvalidModel(text("The model has ", bytes.size(),
                                " bytes, but ONNX messages end at 2 GiB; save its weights as external data."));
    }
    auto model = std::make_shared<onnx_pb::ModelProto>();
    const auto size = static_cast<int>(bytes.size());
    google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()), size);
    stream.SetRecursionLimit(kDeepestNesting);
    stream.SetTotalBytesLimit(size);
    if (!model->ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
        refuse(bytes, text("they end too early, are damaged or hold messages more than ", kDeepestNesting, " levels deep"));
    }
    if (!model->has_graph() || model->ir_version() < 1 || model->ir_version() > kNewestIrVersion) {
        refuse(bytes, "they hold no graph or no format version");
    }
    return model;
}

std::vector<std::byte> read_file(const std::filesystem::path& file) {
    std::error_code error;
    if (std::filesystem::exists(file, error) && !std::filesystem::is_regular_file(file, error)) {
        throw InvalidModel(text("'", file.string(), "' is no regular file; check the path to the model."));
    }
    if (!std::filesystem::is_regular_file(file, error)) {
        throw InvalidModel(text("There is no file '", file.string(), "'; check the path to the model."));
    }
    const auto size = std::filesystem::file_size(file, error);
    if (error || size > static_cast<std::uintmax_t>(std::numeric_limits<int>::max())) {
        throw InvalidModel(text(
            "The file '", file.string(), "' cannot be read as one ONNX message",
            error ? text(": ", error.message())
                  : text(": it has ", size, " bytes, but messages end at 2 GiB; save its weights as external data"),
            "."));
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    std::ifstream in(file, std::ios::binary);
    if (!in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()))) {
        throw InvalidModel(text("The file '", file.string(), "' could not be read; check its permissions."));
    }
    return bytes;
}

} // namespace tensorvk::onnx
