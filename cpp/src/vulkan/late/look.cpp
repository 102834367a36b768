#include "vulkan/late/look.hpp"

#include <cstring>
#include <string>
#include <type_traits>

namespace tensorvk::vulkan {
namespace {

// One list of fields for both directions. The bindings name every member: a new one does not compile until it is here.
template <typename Archive>
void fields(Archive& archive, QueueFamily& value) {
    auto& [graphics, compute, transfer, count, timestamp_bits] = value;
    archive(graphics, compute, transfer, count, timestamp_bits);
}

template <typename Archive>
void fields(Archive& archive, MemoryType& value) {
    auto& [heap, device_local, host_visible, host_coherent, host_cached] = value;
    archive(heap, device_local, host_visible, host_coherent, host_cached);
}

template <typename Archive>
void fields(Archive& archive, MemoryHeap& value) {
    auto& [size, device_local] = value;
    archive(size, device_local);
}

template <typename Archive>
void fields(Archive& archive, MatrixShape& value) {
    auto& [m, n, k, a, b, c, result, saturating, subgroup_scope] = value;
    archive(m, n, k, a, b, c, result, saturating, subgroup_scope);
}

template <typename Archive>
void fields(Archive& archive, DeviceLimits& value) {
    auto& [storage_range, push_bytes, shared_memory, invocations, group_size, group_count, bindings, offset_alignment, texels,
           allocation, import_alignment, timestamp_period] = value;
    archive(storage_range, push_bytes, shared_memory, invocations, group_size, group_count, bindings, offset_alignment, texels,
            allocation, import_alignment, timestamp_period);
}

template <typename Archive>
void fields(Archive& archive, DeviceOffer& value) {
    auto& [name, driver_name, driver_info, type, vendor_id, device_id, driver_version, api_version, uuid, driver_uuid,
           extensions, queue_families, memory_types, memory_heaps, matrix_shapes, limits, subgroup_size,
           min_subgroup_size, max_subgroup_size, displays, timeline_semaphore, float16, int8, int16, int64, storage_16bit,
           storage_8bit, size_control, full_subgroups, arithmetic, shuffle, dot_product, cooperative_matrix,
           memory_model] = value;
    archive(name, driver_name, driver_info, type, vendor_id, device_id, driver_version, api_version, uuid, driver_uuid,
            extensions, queue_families, memory_types, memory_heaps, matrix_shapes, limits, subgroup_size,
            min_subgroup_size, max_subgroup_size, displays, timeline_semaphore, float16, int8, int16, int64, storage_16bit,
            storage_8bit, size_control, full_subgroups, arithmetic, shuffle, dot_product, cooperative_matrix,
            memory_model);
}

template <typename Archive>
void fields(Archive& archive, Look& value) {
    auto& [environment, surroundings, libraries, offers] = value;
    archive(environment, surroundings, libraries, offers);
}

template <typename T>
constexpr bool is_plain = std::is_arithmetic_v<T>;

class Writer {
  public:
    template <typename... T>
    void operator()(T&... values) {
        (put(values), ...);
    }
    std::vector<std::byte> bytes;

  private:
    template <typename T>
    void put(T& value) {
        if constexpr (is_plain<T>) {
            const auto raw = std::as_bytes(std::span(&value, 1));
            bytes.insert(bytes.end(), raw.begin(), raw.end());
        } else if constexpr (std::is_enum_v<T>) {
            auto number = static_cast<std::uint32_t>(value);
            put(number);
        } else {
            fields(*this, value);
        }
    }
    template <typename T, std::size_t N>
    void put(std::array<T, N>& values) {
        for (T& value : values) put(value);
    }
    template <typename T>
    void put(std::vector<T>& values) {
        std::uint64_t count = values.size();
        put(count);
        for (T& value : values) put(value);
    }
    void put(std::string& value) {
        std::vector<char> letters(value.begin(), value.end());
        put(letters);
    }
};

constexpr std::uint32_t most_of(DeviceType) {
    return static_cast<std::uint32_t>(DeviceType::kCpu);
}
constexpr std::uint32_t most_of(MatrixType) {
    return static_cast<std::uint32_t>(MatrixType::kOther);
}

// After the first thing that does not fit everything else is left as it is.
class Reader {
  public:
    explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

    template <typename... T>
    void operator()(T&... values) {
        (get(values), ...);
    }
    [[nodiscard]] bool complete() const { return !failed_ && rest_.empty(); }

  private:
    template <typename T>
    void get(T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            std::uint8_t number = 0;
            get(number);
            failed_ = failed_ || number > 1;
            value = number == 1;
        } else if constexpr (is_plain<T>) {
            failed_ = failed_ || rest_.size() < sizeof(T);
            if (failed_) return;
            std::memcpy(&value, rest_.data(), sizeof(T));
            rest_ = rest_.subspan(sizeof(T));
        } else if constexpr (std::is_enum_v<T>) {
            std::uint32_t number = 0;
            get(number);
            failed_ = failed_ || number > most_of(value);
            if (!failed_) value = static_cast<T>(number);
        } else {
            fields(*this, value);
        }
    }
    template <typename T, std::size_t N>
    void get(std::array<T, N>& values) {
        for (T& value : values) get(value);
    }
    template <typename T>
    void get(std::vector<T>& values) {
        std::uint64_t count = 0;
        get(count);
        failed_ = failed_ || count > rest_.size(); // each has a byte at least
        for (std::uint64_t i = 0; i < count && !failed_; ++i) {
            values.emplace_back();
            get(values.back());
        }
    }
    void get(std::string& value) {
        std::vector<char> letters;
        get(letters);
        value.assign(letters.begin(), letters.end());
    }

    std::span<const std::byte> rest_;
    bool failed_ = false;
};

} // namespace

std::vector<std::byte> look_bytes(const Look& look) {
    Look copy = look;
    Writer writer;
    fields(writer, copy);
    return std::move(writer.bytes);
}

std::optional<Look> read_look(std::span<const std::byte> bytes) {
    Look look;
    Reader reader(bytes);
    fields(reader, look);
    return reader.complete() ? std::optional(std::move(look)) : std::nullopt;
}

} // namespace tensorvk::vulkan
