#include "kernels/host/copy.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "kernels/host/index.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::host {

namespace {

std::int64_t modulo(std::int64_t p, std::int64_t n) { return (p % n + n) % n; }

std::int64_t mirror(std::int64_t p, std::int64_t n) {
    const std::int64_t period = std::max<std::int64_t>(2 * (n - 1), 1);
    const std::int64_t at = modulo(p, period);
    return at < n ? at : period - at;
}

// The index that stands for p, or nullopt where the fill value does.
std::optional<std::int64_t> inside_of(std::int64_t p, std::int64_t n, SampleMode mode) {
    if (p >= 0 && p < n) {
        return p;
    }
    switch (mode) {
    case SampleMode::kFILL: return std::nullopt;
    case SampleMode::kCLAMP: return std::clamp<std::int64_t>(p, 0, n - 1);
    case SampleMode::kWRAP: return modulo(p, n);
    case SampleMode::kREFLECT: return mirror(p, n);
    case SampleMode::kSTRICT_BOUNDS: break;
    }
    throw InvalidArgument(text("A slice reads index ", p, " of an axis with ", n, " elements; change its start, size or stride, or let it pad."));
}

// Offset of the source element for one index of the region, or nullopt.
std::optional<std::int64_t> source_offset(const Tensor& source, const CopyRegion& region, const std::vector<std::int64_t>& strides,
                                          const std::vector<std::int64_t>& index) {
    std::vector<std::int64_t> position = region.start;
    for (std::size_t o = 0; o < index.size(); ++o) {
        if (region.axis_of[o] >= 0) {
            position[static_cast<std::size_t>(region.axis_of[o])] += region.stride[o] * index[o];
        }
    }
    std::int64_t offset = 0;
    for (std::size_t a = 0; a < position.size(); ++a) {
        const auto at = inside_of(position[a], source.dims[a], region.outside);
        if (!at) {
            return std::nullopt;
        }
        offset += *at * strides[a];
    }
    return offset;
}

} // namespace

void copy_region(const Tensor& source, const CopyRegion& region, Tensor& target, const std::vector<std::int64_t>& offset) {
    const std::size_t size = dtype_size(source.dtype);
    const std::vector<std::int64_t> from = row_major_strides(source.dims);
    const std::vector<std::int64_t> to = row_major_strides(target.dims);
    Tensor fill(source.dtype, {1});
    fill.set(0, region.fill);
    std::int64_t base = 0;
    for (std::size_t a = 0; a < offset.size(); ++a) {
        base += offset[a] * to[a];
    }
    for (Odometer i(region.extent); i.valid(); i.next()) {
        const auto at = source_offset(source, region, from, i.index());
        const std::byte* element = at ? &source.data[static_cast<std::size_t>(*at) * size] : fill.data.data();
        std::memcpy(&target.data[static_cast<std::size_t>(base + i.offset(to)) * size], element, size);
    }
}

Tensor copy_region(const Tensor& source, const CopyRegion& region) {
    Tensor target(source.dtype, region.extent);
    copy_region(source, region, target, std::vector<std::int64_t>(region.extent.size(), 0));
    return target;
}

Tensor gather(const Tensor& data, const Tensor& indices, std::int64_t axis) {
    const auto at = static_cast<std::size_t>(axis);
    std::vector<std::int64_t> dims(data.dims.begin(), data.dims.begin() + axis);
    dims.insert(dims.end(), indices.dims.begin(), indices.dims.end());
    dims.insert(dims.end(), data.dims.begin() + axis + 1, data.dims.end());
    Tensor out(data.dtype, dims);
    const std::int64_t extent = data.dims[at];
    const std::span<const std::int64_t> all(data.dims);
    const std::int64_t outer = checked_volume(all.first(at));
    const auto run = static_cast<std::size_t>(checked_volume(all.subspan(at + 1))) * dtype_size(data.dtype);
    std::byte* to = out.data.data();
    for (std::int64_t o = 0; o < outer; ++o) {
        for (std::int64_t k = 0; k < indices.volume(); ++k) {
            const std::int64_t given = indices.get_integer(k);
            const std::int64_t index = given < 0 ? given + extent : given;
            if (index < 0 || index >= extent) {
                throw InvalidArgument(text("Gather reads index ", given, " of axis ", axis, ", which has ", extent, " elements."));
            }
            if (run > 0) {
                std::memcpy(to, &data.data[static_cast<std::size_t>(o * extent + index) * run], run);
            }
            to += run;
        }
    }
    return out;
}

} // namespace tensorvk::kernels::host
