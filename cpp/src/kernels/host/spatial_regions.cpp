// Pooling over regions of interest: RoiAlign and MaxRoiPool.
#include <array>
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/host/spatial.hpp"

namespace tensorvk::kernels::host {

namespace {

//! A coordinate between two pixels of an axis, and how much of each it has; nothing beyond the pixels' own area.
struct Between {
    std::int64_t low = 0, high = 0;
    double from_low = 0.0, from_high = 0.0;

    [[nodiscard]] bool inside() const { return from_low != 0.0 || from_high != 0.0; }
};

Between between(double x, std::int64_t extent) {
    if (!(x >= -1.0 && x <= static_cast<double>(extent))) {
        return {};
    }
    x = std::max(x, 0.0);
    const auto low = static_cast<std::int64_t>(x);
    const double t = x - static_cast<double>(low);
    return low >= extent - 1 ? Between{extent - 1, extent - 1, 1.0, 0.0} : Between{low, low + 1, 1.0 - t, t};
}

//! `count` samples of the bin [start, start + size) along an axis.
std::vector<Between> samples_of(double start, double size, std::int64_t count, std::int64_t extent) {
    std::vector<Between> samples;
    for (std::int64_t i = 0; i < count; ++i) {
        samples.push_back(between(start + size * ((static_cast<double>(i) + 0.5) / static_cast<double>(count)), extent));
    }
    return samples;
}

struct Region {
    double top, left, bin_height, bin_width;
    std::int64_t rows, columns; // samples of a bin
};

//! Region `r` on the feature map. Without half-pixel coordinates it is at least one pixel large.
Region read_region(const Call& call, const Tensor& rois, std::int64_t r, std::int64_t height, std::int64_t width, bool half_pixel) {
    const double scale = call.attributes().real("spatial_scale", 1.0);
    const double shift = half_pixel ? 0.5 : 0.0;
    const auto corner = [&](std::int64_t i) { return rois.get(r * 4 + i) * scale - shift; };
    double region_width = corner(2) - corner(0);
    double region_height = corner(3) - corner(1);
    if (!half_pixel) {
        region_width = std::max(region_width, 1.0);
        region_height = std::max(region_height, 1.0);
    }
    const double bin_height = region_height / static_cast<double>(height);
    const double bin_width = region_width / static_cast<double>(width);
    const std::int64_t ratio = call.attributes().integer("sampling_ratio", 0);
    constexpr double kMost = 65536.0; // samples along an axis of a bin; more is no region of an image
    if (!(std::abs(bin_height) < kMost && std::abs(bin_width) < kMost) || ratio > static_cast<std::int64_t>(kMost)) {
        call.fail("has region ", r, " whose bins are larger than ", kMost, " pixels, or not a number.");
    }
    // A region whose corners are the wrong way round has none.
    const auto samples = [&](double bin) { return ratio > 0 ? ratio : static_cast<std::int64_t>(std::max(std::ceil(bin), 0.0)); };
    return {corner(1), corner(0), bin_height, bin_width, samples(bin_height), samples(bin_width)};
}

std::int64_t image_of(const Call& call, double image, std::int64_t batch, std::int64_t r) {
    if (!(image >= 0.0 && image < static_cast<double>(batch))) {
        call.fail("has region ", r, " in image ", image, " of ", batch, ".");
    }
    return static_cast<std::int64_t>(image);
}

//! The average of a bin's samples, or their maximum: of the weighted pixels, as ONNX has it. Samples outside count as zeros.
double pool_bin(std::span<const float> plane, std::int64_t width, const std::vector<Between>& rows, const std::vector<Between>& columns,
                bool largest) {
    const std::size_t count = rows.size() * columns.size();
    double best = largest && count > 0 ? std::numeric_limits<double>::lowest() : 0.0;
    double sum = 0.0;
    const auto add = [&](std::int64_t row, std::int64_t column, double weight) {
        const double value = weight * static_cast<double>(plane[static_cast<std::size_t>(row * width + column)]);
        best = std::max(best, value);
        sum += value;
    };
    for (const Between& row : rows) {
        for (const Between& column : columns) {
            if (!row.inside() || !column.inside()) {
                best = std::max(best, 0.0);
                continue;
            }
            add(row.low, column.low, row.from_low * column.from_low);
            add(row.low, column.high, row.from_low * column.from_high);
            add(row.high, column.low, row.from_high * column.from_low);
            add(row.high, column.high, row.from_high * column.from_high);
        }
    }
    return largest ? best : sum / static_cast<double>(std::max<std::size_t>(count, 1));
}

} // namespace

void roi_align(Call& call) {
    const Tensor& x = call.input(0);
    const Tensor& rois = call.input(1);
    const Tensor& images = call.input(2);
    if (x.dims.size() != 4 || rois.dims.size() != 2 || rois.dims[1] != 4 || images.volume() != rois.dims[0]) {
        call.fail("needs x [N, C, H, W], regions [count, 4] and the image of each region.");
    }
    const AttributeSet& a = call.attributes();
    const std::int64_t height = a.integer("output_height", 1);
    const std::int64_t width = a.integer("output_width", 1);
    const bool half_pixel = a.text("coordinate_transformation_mode", a.integer("opset", 16) < 16 ? "output_half_pixel" : "half_pixel") == "half_pixel";
    const bool largest = a.text("mode", "avg") == "max";
    const std::int64_t plane = x.dims[2] * x.dims[3];
    if (height < 1 || width < 1 || plane < 1) {
        call.fail("needs an output and an image of one pixel or more.");
    }
    const auto y = call.output(0, DataType::kFLOAT, {rois.dims[0], x.dims[1], height, width}).as<float>();
    for (std::int64_t r = 0; r < rois.dims[0]; ++r) {
        const std::int64_t image = image_of(call, images.get(r), x.dims[0], r);
        const Region region = read_region(call, rois, r, height, width, half_pixel);
        for (std::int64_t bin = 0; bin < height * width; ++bin) {
            const auto start = [](double first, double size, std::int64_t i) { return first + size * static_cast<double>(i); };
            const auto rows = samples_of(start(region.top, region.bin_height, bin / width), region.bin_height, region.rows, x.dims[2]);
            const auto columns = samples_of(start(region.left, region.bin_width, bin % width), region.bin_width, region.columns, x.dims[3]);
            for (std::int64_t c = 0; c < x.dims[1]; ++c) {
                const auto pixels = x.as<float>().subspan(static_cast<std::size_t>((image * x.dims[1] + c) * plane), static_cast<std::size_t>(plane));
                y[static_cast<std::size_t>((r * x.dims[1] + c) * height * width + bin)] =
                    static_cast<float>(pool_bin(pixels, x.dims[3], rows, columns, largest));
            }
        }
    }
}

namespace {

//! Corner `i` of region `r` in whole pixels: computed in float, where ONNX Runtime has it, because half a pixel decides.
std::int64_t corner_pixel(const Call& call, const Tensor& rois, std::int64_t r, std::int64_t i) {
    constexpr float kMost = 1e9f; // pixels; more is no region of an image
    const double given = rois.get(r * 5 + i);
    const float at = std::round(static_cast<float>(given) * static_cast<float>(call.attributes().real("spatial_scale", 1.0)));
    if (!(std::abs(at) < kMost)) {
        call.fail("has region ", r, " with the coordinate ", given, "; allowed is what lies less than ", kMost,
                  " pixels from the image's corner.");
    }
    return static_cast<std::int64_t>(at);
}

//! Pixels [begin, end) of an axis that belong to bin `i`. Regions are rounded to whole pixels, bins overlap (Girshick, "Fast R-CNN").
std::array<std::int64_t, 2> bin_pixels(std::int64_t first, std::int64_t last, std::int64_t i, std::int64_t bins, std::int64_t extent) {
    const float size = static_cast<float>(std::max<std::int64_t>(last - first + 1, 1)) / static_cast<float>(bins);
    const auto pixel = [&](float at) { return std::clamp<std::int64_t>(static_cast<std::int64_t>(at) + first, 0, extent); };
    return {pixel(std::floor(static_cast<float>(i) * size)), pixel(std::ceil(static_cast<float>(i + 1) * size))};
}

} // namespace

//! Regions are rows of image, left, top, right, bottom.
void max_roi_pool(Call& call) {
    const Tensor& x = call.input(0);
    const Tensor& rois = call.input(1);
    const std::vector<std::int64_t> shape = call.attributes().integers("pooled_shape");
    if (x.dims.size() != 4 || rois.dims.size() != 2 || rois.dims[1] != 5 || shape.size() != 2 || shape[0] < 1 || shape[1] < 1) {
        call.fail("needs x [N, C, H, W], regions [count, 5] and a 'pooled_shape' of two numbers.");
    }
    const std::int64_t height = x.dims[2];
    const std::int64_t width = x.dims[3];
    Tensor& y = call.output(0, x.dtype, {rois.dims[0], x.dims[1], shape[0], shape[1]});
    std::int64_t to = 0;
    for (std::int64_t r = 0; r < rois.dims[0]; ++r) {
        const std::int64_t image = image_of(call, rois.get(r * 5), x.dims[0], r);
        const auto corner = [&](std::int64_t i) { return corner_pixel(call, rois, r, i); };
        const std::int64_t left = corner(1), top = corner(2), right = corner(3), bottom = corner(4);
        for (std::int64_t c = 0; c < x.dims[1]; ++c) {
            const std::int64_t plane = (image * x.dims[1] + c) * height * width;
            for (std::int64_t bin = 0; bin < shape[0] * shape[1]; ++bin, ++to) {
                const auto rows = bin_pixels(top, bottom, bin / shape[1], shape[0], height);
                const auto columns = bin_pixels(left, right, bin % shape[1], shape[1], width);
                const bool empty = rows[0] >= rows[1] || columns[0] >= columns[1];
                double best = empty ? 0.0 : x.get(plane + rows[0] * width + columns[0]);
                for (std::int64_t row = rows[0]; row < rows[1]; ++row) {
                    for (std::int64_t column = columns[0]; column < columns[1]; ++column) {
                        best = std::max(best, x.get(plane + row * width + column));
                    }
                }
                y.set(to, best);
            }
        }
    }
}

} // namespace tensorvk::kernels::host
