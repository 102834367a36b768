// Formats that store their pixels as they are: BMP and PNM.
#include <algorithm>
#include <array>

#include "kernels/host/image.hpp"

namespace tensorvk::kernels::host {

Picture::Picture(std::int64_t rows, std::int64_t columns) : height(rows), width(columns) {
    constexpr std::int64_t kLongest = 65536, kMostPixels = std::int64_t{1} << 28; // a broken header must not ask for all memory
    if (rows < 1 || columns < 1 || rows > kLongest || columns > kLongest || rows * columns > kMostPixels) {
        bad_image("has ", rows, " x ", columns, " pixels; allowed are 1 to ", kLongest, " along each side and ", kMostPixels, " in all.");
    }
    pixels.resize(static_cast<std::size_t>(rows * columns * 3));
}

Encoded EncodedReader::slice(std::int64_t at, std::int64_t count) const {
    const auto size = static_cast<std::int64_t>(bytes_.size());
    if (at < 0 || count < 0 || at > size || count > size - at) {
        bad_image("ends after ", size, " bytes; it needs ", count, " bytes at ", at, ".");
    }
    return bytes_.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
}

std::int64_t EncodedReader::number(std::int64_t at, std::int64_t count) const {
    std::int64_t value = 0;
    const Encoded digits = slice(at, count);
    for (std::size_t i = 0; i < digits.size(); ++i) {
        value = value * 256 + digits[big_endian_ ? i : digits.size() - 1 - i];
    }
    return value;
}

//! Rows from the bottom unless the height is negative, each a multiple of 4 bytes, blue first.
Picture decode_bmp(Encoded bytes) {
    const EncodedReader file(bytes, false);
    const auto signed_number = [&](std::int64_t at) { return static_cast<std::int64_t>(static_cast<std::int32_t>(file.number(at, 4))); };
    const std::int64_t header = file.number(14, 4);
    const std::int64_t bits = file.number(28, 2);
    const std::int64_t compression = file.number(30, 4);
    if (header < 40 || compression != 0 || (bits != 8 && bits != 24 && bits != 32)) {
        bad_image("is a BMP with a header of ", header, " bytes, ", bits, " bits per pixel and compression ", compression,
                  "; offered are headers of 40 bytes or more, 8, 24 and 32 bits, and no compression.");
    }
    const std::int64_t rows = signed_number(22);
    Picture picture(rows < 0 ? -rows : rows, signed_number(18));
    const std::int64_t pixel_bytes = bits / 8;
    const std::int64_t row_bytes = (picture.width * pixel_bytes + 3) / 4 * 4;
    const std::int64_t data = file.number(10, 4);
    for (std::int64_t row = 0; row < picture.height; ++row) {
        const std::int64_t from = data + (rows < 0 ? row : picture.height - 1 - row) * row_bytes;
        const Encoded line = file.slice(from, picture.width * pixel_bytes);
        for (std::int64_t column = 0; column < picture.width; ++column) {
            const std::uint8_t* pixel = line.data() + column * pixel_bytes;
            const Encoded color = bits == 8 ? file.slice(14 + header + 4 * *pixel, 3) : Encoded(pixel, 3);
            std::reverse_copy(color.begin(), color.end(), picture.at(row, column));
        }
    }
    return picture;
}

namespace {

//! The words of a PNM file: numbers between white space, with comments.
class PnmWords {
public:
    explicit PnmWords(Encoded bytes) : bytes_(bytes), at_(2) {}

    std::int64_t next() {
        skip();
        std::int64_t value = 0;
        const std::size_t begin = at_;
        for (; at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9' && value < 1'000'000; ++at_) {
            value = value * 10 + (bytes_[at_] - '0');
        }
        if (at_ == begin) {
            bad_image("is a PNM without a number at byte ", at_, ".");
        }
        return value;
    }
    //! One digit; those of black and white pictures need no space between them.
    std::int64_t digit() {
        skip();
        if (at_ >= bytes_.size() || (bytes_[at_] != '0' && bytes_[at_] != '1')) {
            bad_image("is a PNM without a 0 or 1 at byte ", at_, ".");
        }
        return bytes_[at_++] - '0';
    }
    //! Where the pixels begin: one white space behind the header.
    [[nodiscard]] std::int64_t data() const { return static_cast<std::int64_t>(at_) + 1; }

private:
    void skip() {
        while (at_ < bytes_.size() && (bytes_[at_] <= ' ' || bytes_[at_] == '#')) {
            const bool comment = bytes_[at_] == '#';
            for (; comment && at_ < bytes_.size() && bytes_[at_] != '\n'; ++at_) {
            }
            at_ += comment ? 0 : 1;
        }
    }

    Encoded bytes_;
    std::size_t at_;
};

} // namespace

//! P1 to P6: black and white, grey, colour; as digits or as bytes.
Picture decode_pnm(Encoded bytes) {
    const EncodedReader file(bytes, true);
    const int kind = file.byte(1) - '0';
    PnmWords words(bytes);
    const std::int64_t width = words.next();
    Picture picture(words.next(), width);
    const bool bits = kind == 1 || kind == 4;
    const std::int64_t largest = bits ? 1 : words.next();
    if (largest < 1 || largest > 255) {
        bad_image("is a PNM with values up to ", largest, "; 1 to 255 are offered.");
    }
    const std::int64_t channels = kind == 3 || kind == 6 ? 3 : 1;
    const std::int64_t row_bytes = bits ? (width + 7) / 8 : width * channels;
    const std::int64_t data = words.data();
    const auto value = [&](std::int64_t row, std::int64_t place) {
        if (kind <= 3) {
            return bits ? 1 - words.digit() : words.next();
        }
        return bits ? 1 - (file.byte(data + row * row_bytes + place / 8) >> (7 - place % 8) & 1)
                    : static_cast<std::int64_t>(file.byte(data + row * row_bytes + place));
    };
    for (std::int64_t row = 0; row < picture.height; ++row) {
        for (std::int64_t place = 0; place < width * channels; ++place) {
            const auto shade = static_cast<std::uint8_t>(std::min(value(row, place), largest) * 255 / largest);
            std::uint8_t* pixel = picture.at(row, place / channels);
            std::fill_n(pixel + place % channels, channels == 1 ? 3 : 1, shade);
        }
    }
    return picture;
}

} // namespace tensorvk::kernels::host
