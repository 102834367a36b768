#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tensorvk::kernels {

/// One compiled shader variant of this library.
struct EmbeddedKernel {
    const char* id;             ///< "<family>/<name>:<variant>", for example "conv/direct:f32"
    std::uint64_t content_hash; ///< hash of the SPIR-V: two libraries with the same hash run the same code
    std::uint32_t offset;       ///< bytes into the decompressed archive, a multiple of 4
    std::uint32_t size;         ///< bytes of SPIR-V, a multiple of 4
    std::uint32_t subgroup_size; ///< invocations of the subgroups that it is made for; 0: any
};

/// All kernels compressed together, since variants of one shader differ little.
struct EmbeddedArchive {
    std::span<const char> compressed; ///< one zstd frame
    std::uint32_t size;               ///< bytes when decompressed
};

/// Every embedded kernel, ascending by id.
[[nodiscard]] std::span<const EmbeddedKernel> embedded_kernels() noexcept;

[[nodiscard]] EmbeddedArchive embedded_archive() noexcept;

/// The kernel of that id, or nullptr when this library has none.
[[nodiscard]] const EmbeddedKernel* find_embedded(std::string_view id) noexcept;

/// The kernel's SPIR-V words, valid until the process ends. The first call decompresses the archive (a few
/// milliseconds); calls from several threads are safe. Throws std::bad_alloc when memory runs out.
[[nodiscard]] std::span<const std::uint32_t> embedded_spirv(const EmbeddedKernel& kernel);

} // namespace tensorvk::kernels
