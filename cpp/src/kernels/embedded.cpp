#include "kernels/embedded.hpp"

#include <algorithm>
#include <new>
#include <vector>

#include <zstd.h>

namespace tensorvk::kernels {
namespace {

std::vector<std::uint32_t> decompress() {
    const EmbeddedArchive archive = embedded_archive();
    std::vector<std::uint32_t> words(archive.size / sizeof(std::uint32_t));
    const std::size_t bytes =
        ZSTD_decompress(words.data(), archive.size, archive.compressed.data(), archive.compressed.size());
    // The archive is a constant of this library, so the only thing that can be missing is memory.
    if (bytes != archive.size) throw std::bad_alloc();
    return words;
}

} // namespace

const EmbeddedKernel* find_embedded(std::string_view id) noexcept {
    const std::span<const EmbeddedKernel> all = embedded_kernels();
    const auto found = std::lower_bound(all.begin(), all.end(), id, [](const EmbeddedKernel& kernel, auto wanted) {
        return std::string_view(kernel.id) < wanted;
    });
    return found != all.end() && found->id == id ? &*found : nullptr;
}

std::span<const std::uint32_t> embedded_spirv(const EmbeddedKernel& kernel) {
    static const std::vector<std::uint32_t> words = decompress();
    return std::span(words).subspan(kernel.offset / sizeof(std::uint32_t), kernel.size / sizeof(std::uint32_t));
}

} // namespace tensorvk::kernels
