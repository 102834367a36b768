// TIFF as far as cameras of tests write it: the first picture, strips of 8-bit pixels without compression.
#include <algorithm>
#include <map>

#include "kernels/host/image.hpp"

namespace tensorvk::kernels::host {

namespace {

enum Tag : std::int64_t {
    kWidth = 256, kHeight = 257, kBits = 258, kCompression = 259, kPhotometric = 262, kStrips = 273, kChannels = 277, kRows = 278, kPlanar = 284,
    kTileWidth = 322,
};

//! The fields of the first directory, by tag.
class Fields {
public:
    explicit Fields(const EncodedReader& file) : file_(file) {
        const std::int64_t directory = file.number(4, 4);
        const std::int64_t count = file.number(directory, 2);
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t entry = directory + 2 + 12 * i;
            entries_[file.number(entry, 2)] = entry;
        }
    }
    [[nodiscard]] bool has(std::int64_t tag) const { return entries_.contains(tag); }
    [[nodiscard]] std::int64_t count(std::int64_t tag) const { return has(tag) ? file_.number(entries_.at(tag) + 4, 4) : 0; }
    //! Value `index` of a field of 16- or 32-bit numbers.
    [[nodiscard]] std::int64_t get(std::int64_t tag, std::int64_t otherwise, std::int64_t index = 0) const {
        if (!has(tag) || index >= count(tag)) {
            return otherwise;
        }
        const std::int64_t entry = entries_.at(tag);
        const std::int64_t size = file_.number(entry + 2, 2) == 3 ? 2 : 4;
        const bool inside = count(tag) * size <= 4; // short fields stand in the directory itself
        return file_.number((inside ? entry + 8 : file_.number(entry + 8, 4)) + index * size, size);
    }

private:
    const EncodedReader& file_;
    std::map<std::int64_t, std::int64_t> entries_;
};

void check(const Fields& fields, std::int64_t channels) {
    const std::int64_t compression = fields.get(kCompression, 1);
    const std::int64_t photometric = fields.get(kPhotometric, -1);
    const bool colour = photometric == 2 && channels >= 3;
    const bool grey = (photometric == 0 || photometric == 1) && channels >= 1;
    if (compression != 1 || fields.get(kBits, 1) != 8 || fields.get(kPlanar, 1) != 1 || fields.has(kTileWidth) || (!colour && !grey)) {
        bad_image("is a TIFF with compression ", compression, ", ", fields.get(kBits, 1), " bits and photometric interpretation ", photometric,
                  "; offered are strips of 8-bit grey or RGB pixels without compression.");
    }
}

} // namespace

Picture decode_tiff(Encoded bytes) {
    const EncodedReader file(bytes, bytes[0] == 'M');
    const Fields fields(file);
    const std::int64_t channels = fields.get(kChannels, 1);
    check(fields, channels);
    Picture picture(fields.get(kHeight, 0), fields.get(kWidth, 0));
    const std::int64_t rows = std::max<std::int64_t>(fields.get(kRows, picture.height), 1);
    const std::int64_t photometric = fields.get(kPhotometric, 2);
    for (std::int64_t row = 0; row < picture.height; ++row) {
        const std::int64_t strip = fields.get(kStrips, -1, row / rows);
        if (strip < 0) {
            bad_image("is a TIFF without a strip for row ", row, ".");
        }
        const Encoded line = file.slice(strip + row % rows * picture.width * channels, picture.width * channels);
        for (std::int64_t column = 0; column < picture.width; ++column) {
            const std::uint8_t* pixel = line.data() + column * channels;
            for (std::int64_t c = 0; c < 3; ++c) {
                const std::uint8_t value = pixel[photometric == 2 ? c : 0];
                picture.at(row, column)[c] = photometric == 0 ? static_cast<std::uint8_t>(255 - value) : value; // 0: white is zero
            }
        }
    }
    return picture;
}

} // namespace tensorvk::kernels::host
