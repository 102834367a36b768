// cpu/shape_values: integers that are known once the shapes are. The step is that of shape_values/generic.
#include <cstring>
#include <vector>

#include "kernels/cpu/catalogue.hpp"
#include "support/checked.hpp"

namespace tensorvk::kernels::cpu {

Run prepare_shape_values(const Launch& launch) {
    constexpr std::size_t kFirstValue = 2;
    const std::int64_t count = launch.param(0), first = launch.param(1);
    const bool wide = launch.geometry(0) != 0;
    const std::int64_t size = wide ? 8 : 4;
    std::vector<std::byte> bytes;
    for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t value = launch.param(kFirstValue + static_cast<std::size_t>(i)); // little endian: the low word comes first
        const auto* begin = reinterpret_cast<const std::byte*>(&value);
        bytes.insert(bytes.end(), begin, begin + size);
    }
    auto* out = launch.buffer<std::byte>(0, checked_mul(checked_add(first, count), size));
    if (bytes.empty() || first < 0) return [] {};
    return [=, bytes = std::move(bytes)] { std::memcpy(out + first * size, bytes.data(), bytes.size()); };
}

} // namespace tensorvk::kernels::cpu
