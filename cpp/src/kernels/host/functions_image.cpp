// ImageDecoder.
#include <algorithm>
#include <array>
#include <string_view>

#include "kernels/host/functions.hpp"
#include "kernels/host/image.hpp"

namespace tensorvk::kernels::host {

namespace {

struct Format {
    std::string_view name;
    std::string_view begin; // of the file; '?' is any byte
    Picture (*decode)(Encoded bytes); // null: not offered
};

using namespace std::string_view_literals;

constexpr std::array kFormats{
    Format{"BMP", "BM", decode_bmp},
    Format{"JPEG", "\xff\xd8\xff", decode_jpeg},
    Format{"PNG", "\x89PNG\r\n\x1a\n", decode_png},
    Format{"TIFF", "II*\0"sv, decode_tiff},
    Format{"TIFF", "MM\0*"sv, decode_tiff},
    Format{"PNM", "P1", decode_pnm}, Format{"PNM", "P2", decode_pnm}, Format{"PNM", "P3", decode_pnm},
    Format{"PNM", "P4", decode_pnm}, Format{"PNM", "P5", decode_pnm}, Format{"PNM", "P6", decode_pnm},
    Format{"WebP", "RIFF????WEBP", nullptr},
    Format{"JPEG 2000", "\0\0\0\x0cjP  "sv, nullptr},
    Format{"JPEG 2000", "\xff\x4f\xff\x51", nullptr},
};

bool begins(Encoded bytes, std::string_view begin) {
    return bytes.size() >= begin.size() && std::equal(begin.begin(), begin.end(), bytes.begin(), [](char expected, std::uint8_t byte) {
               return expected == '?' || static_cast<std::uint8_t>(expected) == byte;
           });
}

Picture decode(const Call& call, Encoded bytes) {
    const auto* format = std::ranges::find_if(kFormats, [&](const Format& f) { return begins(bytes, f.begin); });
    if (format == kFormats.end() || format->decode == nullptr) {
        call.fail("is given an image of ", format == kFormats.end() ? "an unknown format"sv : format->name,
                  "; BMP, JPEG, PNG, PNM and uncompressed TIFF are offered.");
    }
    try {
        return format->decode(bytes);
    } catch (const InvalidArgument& error) {
        call.fail("cannot decode its input. ", error.what());
    }
}

//! ITU-R 601: the weights of red, green and blue in 65536ths.
std::uint8_t luma(const std::uint8_t* pixel) {
    return static_cast<std::uint8_t>((pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 32768) >> 16);
}

void image_decoder(Call& call) {
    const Tensor& encoded = call.input(0);
    const std::string pixels = call.attributes().text("pixel_format", "RGB");
    if (pixels != "RGB" && pixels != "BGR" && pixels != "Grayscale") {
        call.fail("has the pixel format '", pixels, "'; RGB, BGR and Grayscale are allowed.");
    }
    const Picture picture = decode(call, encoded.as<std::uint8_t>());
    const bool grey = pixels == "Grayscale";
    const auto out = call.output(0, DataType::kUINT8, {picture.height, picture.width, grey ? 1 : 3}).as<std::uint8_t>();
    for (std::size_t i = 0; i < picture.pixels.size() / 3; ++i) {
        const std::uint8_t* pixel = picture.pixels.data() + 3 * i;
        if (grey) {
            out[i] = luma(pixel);
            continue;
        }
        for (std::size_t c = 0; c < 3; ++c) {
            out[3 * i + c] = pixel[pixels == "BGR" ? 2 - c : c];
        }
    }
}

constexpr std::array kFunctions{Function{"ImageDecoder", image_decoder}};

} // namespace

std::span<const Function> image_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
