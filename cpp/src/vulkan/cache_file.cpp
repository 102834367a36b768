#include "vulkan/cache_file.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "support/files.hpp"
#include "support/hash.hpp"

namespace tensorvk::vulkan {
namespace {

constexpr CacheMagic kPipelines{'T', 'V', 'K', 'P', 'I', 'P', 'E', '1'};

// Headers are written as they lie in memory: the files never leave the machine.
struct PipelineHeader {
    CacheMagic magic{};
    std::array<std::uint8_t, 16> device_uuid{};
    std::array<std::uint8_t, 16> driver_uuid{};
    std::uint32_t vendor_id = 0;
    std::uint32_t device_id = 0;
    std::uint32_t driver_version = 0;
    std::uint32_t api_version = 0;
    std::uint64_t size = 0;
    std::uint64_t checksum = 0;

    bool operator==(const PipelineHeader&) const = default;
};

struct Header {
    CacheMagic magic{};
    std::uint64_t size = 0;
    std::uint64_t checksum = 0;

    bool operator==(const Header&) const = default;
};

PipelineHeader header_for(const DeviceOffer& offer, std::span<const std::byte> bytes) {
    return {kPipelines,      offer.uuid,           offer.driver_uuid, offer.vendor_id,
            offer.device_id, offer.driver_version, offer.api_version, bytes.size(),
            hash64(bytes)};
}

Header header_for(const CacheMagic& magic, std::span<const std::byte> bytes) {
    return {magic, bytes.size(), hash64(bytes)};
}

// The bytes behind a header that is the right one for them and `what`; else none.
template <typename H, typename What>
std::vector<std::byte> read_behind(const std::filesystem::path& path, const What& what) {
    constexpr std::uintmax_t kMost = 1U << 28; // bytes; whatever is larger was not written here, and is not read to find that out
    std::optional<std::vector<std::byte>> bytes = read_file(path, kMost);
    if (!bytes || bytes->size() < sizeof(H)) return {};
    H header;
    std::memcpy(&header, bytes->data(), sizeof(H));
    bytes->erase(bytes->begin(), bytes->begin() + sizeof(H));
    return header == header_for(what, *bytes) ? std::move(*bytes) : std::vector<std::byte>();
}

template <typename What>
bool write_behind(const std::filesystem::path& path, const What& what, std::span<const std::byte> bytes) noexcept {
    const auto header = header_for(what, bytes);
    return replace_file(path, {std::as_bytes(std::span(&header, 1)), bytes});
}

} // namespace

std::filesystem::path cache_directory() {
    const char* off = std::getenv("TENSORVK_CACHE");
    if (off != nullptr && std::strcmp(off, "0") == 0) return {};
    const char* xdg = std::getenv("XDG_CACHE_HOME");
    if (xdg != nullptr && *xdg == '/') return std::filesystem::path(xdg) / "tensorvk";
    const char* home = std::getenv("HOME");
    if (home != nullptr && *home == '/') return std::filesystem::path(home) / ".cache" / "tensorvk";
    return {};
}

std::string cache_file_name(const DeviceOffer& offer) {
    std::vector<std::byte> identity;
    const auto append = [&](const auto& value) {
        const auto bytes = std::as_bytes(std::span(&value, 1));
        identity.insert(identity.end(), bytes.begin(), bytes.end());
    };
    append(offer.uuid);
    append(offer.driver_uuid);
    append(offer.driver_version);
    return "pipelines-" + to_hex(digest128(identity)) + ".bin";
}

std::vector<std::byte> read_cache_file(const std::filesystem::path& path, const DeviceOffer& offer) {
    return read_behind<PipelineHeader>(path, offer);
}

bool write_cache_file(const std::filesystem::path& path, const DeviceOffer& offer,
                      std::span<const std::byte> bytes) noexcept {
    return write_behind(path, offer, bytes);
}

std::vector<std::byte> read_cache_bytes(const std::filesystem::path& path, const CacheMagic& magic) {
    return read_behind<Header>(path, magic);
}

bool write_cache_bytes(const std::filesystem::path& path, const CacheMagic& magic,
                       std::span<const std::byte> bytes) noexcept {
    return write_behind(path, magic, bytes);
}

} // namespace tensorvk::vulkan
