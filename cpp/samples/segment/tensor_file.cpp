#include "tensor_file.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>

namespace segment {
namespace {

// Field numbers of onnx.TensorProto.
constexpr uint64_t kDims = 1, kDataType = 2, kFloatData = 4, kName = 8, kRawData = 9;
constexpr uint64_t kFloatType = 1;
// Wire types of protocol buffers.
constexpr uint64_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

using Bytes = std::span<const char>;

// A cursor over one protocol buffers message.
class Reader {
  public:
    explicit Reader(Bytes bytes) : rest_(bytes) {}
    [[nodiscard]] bool done() const { return rest_.empty(); }

    uint64_t varint() {
        uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const auto byte = static_cast<unsigned char>(take(1)[0]);
            value |= static_cast<uint64_t>(byte & 0x7FU) << shift;
            if ((byte & 0x80U) == 0) return value;
        }
        throw std::runtime_error("a number is longer than ten bytes");
    }

    Bytes take(std::size_t count) {
        if (count > rest_.size()) throw std::runtime_error("the file ends in the middle of a field");
        const Bytes part = rest_.first(count);
        rest_ = rest_.subspan(count);
        return part;
    }

    void skip(uint64_t wireType) {
        if (wireType == kVarint) {
            varint();
        } else if (wireType == kBytes) {
            take(varint());
        } else if (wireType == kFixed32 || wireType == kFixed64) {
            take(wireType == kFixed32 ? 4 : 8);
        } else {
            throw std::runtime_error("a field has an unknown wire type");
        }
    }

  private:
    Bytes rest_;
};

void appendFloats(std::vector<float>& values, Bytes bytes) {
    if (bytes.size() % sizeof(float) != 0) throw std::runtime_error("its data is no whole number of floats");
    const std::size_t before = values.size();
    values.resize(before + bytes.size() / sizeof(float));
    if (!bytes.empty()) std::memcpy(values.data() + before, bytes.data(), bytes.size());
}

void readDims(Tensor& tensor, Reader& reader, uint64_t wireType) {
    if (wireType == kVarint) {
        tensor.dims.push_back(static_cast<int64_t>(reader.varint()));
        return;
    }
    Reader packed(reader.take(reader.varint()));
    while (!packed.done()) tensor.dims.push_back(static_cast<int64_t>(packed.varint()));
}

Tensor parse(Bytes bytes) {
    Tensor tensor;
    uint64_t type = 0;
    for (Reader reader(bytes); !reader.done();) {
        const uint64_t key = reader.varint();
        const uint64_t field = key >> 3U, wireType = key & 7U;
        if (field == kDims && (wireType == kVarint || wireType == kBytes)) {
            readDims(tensor, reader, wireType);
        } else if (field == kDataType && wireType == kVarint) {
            type = reader.varint();
        } else if ((field == kFloatData || field == kRawData) && wireType == kBytes) {
            appendFloats(tensor.values, reader.take(reader.varint()));
        } else if (field == kName && wireType == kBytes) {
            const Bytes name = reader.take(reader.varint());
            tensor.name.assign(name.begin(), name.end());
        } else {
            reader.skip(wireType);
        }
    }
    if (type != kFloatType) throw std::runtime_error("it does not hold float32 data");
    int64_t count = 1;
    for (const int64_t dim : tensor.dims) {
        if (dim < 0 || (dim > 0 && count > INT32_MAX / dim)) throw std::runtime_error("its shape is not sensible");
        count *= dim;
    }
    if (static_cast<std::size_t>(count) != tensor.values.size()) {
        throw std::runtime_error("its shape and the amount of its data differ");
    }
    return tensor;
}

}  // namespace

Tensor readTensor(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot open the tensor file " + path.string());
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    try {
        return parse(bytes);
    } catch (const std::runtime_error& error) {
        throw std::runtime_error(path.string() + " is no ONNX tensor file as needed: " + error.what());
    }
}

}  // namespace segment
