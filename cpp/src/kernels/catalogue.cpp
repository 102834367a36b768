#include "kernels/catalogue.hpp"

#include <algorithm>

#include "kernels/embedded.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels {
namespace {

// Walks the instructions for OpDecorate <id> Binding <n>.
std::uint32_t count_bindings(std::span<const std::uint32_t> spirv) {
    constexpr std::size_t kHeaderWords = 5;
    constexpr std::uint32_t kOpDecorate = 71;
    constexpr std::uint32_t kBinding = 33;
    std::uint32_t bindings = 0;
    for (std::size_t at = kHeaderWords; at < spirv.size();) {
        const std::uint32_t words = spirv[at] >> 16;
        const std::uint32_t op = spirv[at] & 0xFFFFU;
        if (op == kOpDecorate && words == 4 && spirv[at + 2] == kBinding) {
            bindings = std::max(bindings, spirv[at + 3] + 1);
        }
        at += std::max(words, 1U);
    }
    return bindings;
}

} // namespace

bool contains(std::string_view id) noexcept {
    return find_embedded(id) != nullptr;
}

Kernel find(std::string_view id) {
    const EmbeddedKernel* kernel = find_embedded(id);
    if (kernel == nullptr) {
        throw InvalidArgument(
            text("This TensorVK has no kernel '", id, "' (it has ", embedded_kernels().size(), " others)."));
    }
    const std::span<const std::uint32_t> spirv = embedded_spirv(*kernel);
    return {kernel->id, kernel->content_hash, spirv, count_bindings(spirv), kernel->subgroup_size};
}

} // namespace tensorvk::kernels
