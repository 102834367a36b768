// Pictures from encoded bytes. BMP, PNM and uncompressed TIFF are read here; PNG and JPEG by libpng and libjpeg where the build has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "support/error.hpp"

namespace tensorvk::kernels::host {

using Encoded = std::span<const std::uint8_t>;

//! Rows from the top, pixels as red, green, blue.
struct Picture {
    std::int64_t height = 0, width = 0;
    std::vector<std::uint8_t> pixels;

    //! Black. Throws InvalidArgument for sizes that no picture has.
    Picture(std::int64_t rows, std::int64_t columns);
    [[nodiscard]] std::uint8_t* at(std::int64_t row, std::int64_t column) noexcept {
        return pixels.data() + static_cast<std::size_t>((row * width + column) * 3);
    }
};

//! Numbers of a file, checked against its end.
class EncodedReader {
public:
    EncodedReader(Encoded bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

    //! `count` (1 to 4) bytes from `at` as one number.
    [[nodiscard]] std::int64_t number(std::int64_t at, std::int64_t count) const;
    [[nodiscard]] std::uint8_t byte(std::int64_t at) const { return slice(at, 1)[0]; }
    [[nodiscard]] Encoded slice(std::int64_t at, std::int64_t count) const;

private:
    Encoded bytes_;
    bool big_endian_;
};

template <typename... Parts>
[[noreturn]] void bad_image(const Parts&... parts) {
    throw InvalidArgument(text("The image ", parts...));
}

[[nodiscard]] Picture decode_bmp(Encoded bytes);
[[nodiscard]] Picture decode_pnm(Encoded bytes);
[[nodiscard]] Picture decode_tiff(Encoded bytes);
[[nodiscard]] Picture decode_png(Encoded bytes);
[[nodiscard]] Picture decode_jpeg(Encoded bytes);

} // namespace tensorvk::kernels::host
