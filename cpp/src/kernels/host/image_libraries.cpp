// PNG and JPEG by libpng and libjpeg(-turbo), where CMake found them. Both report errors by longjmp: no object with a destructor may live
// between setjmp and the calls, so the functions in between take plain structs.
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>

#include "kernels/host/image.hpp"

#ifdef TENSORVK_HAS_PNG
#include <png.h>
#endif
#ifdef TENSORVK_HAS_JPEG
#include <jpeglib.h>
#endif

namespace tensorvk::kernels::host {

namespace {

[[maybe_unused]] constexpr std::size_t kLongestMessage = 200;

} // namespace

#ifdef TENSORVK_HAS_PNG

namespace {

struct PngSource {
    Encoded rest;
    char message[kLongestMessage] = {};
};

void png_take(png_structp png, png_bytep to, png_size_t count) {
    auto* source = static_cast<PngSource*>(png_get_io_ptr(png));
    if (count > source->rest.size()) {
        png_error(png, "the file ends too early");
    }
    std::memcpy(to, source->rest.data(), count);
    source->rest = source->rest.subspan(count);
}

[[noreturn]] void png_fail(png_structp png, png_const_charp message) {
    auto* source = static_cast<PngSource*>(png_get_error_ptr(png));
    std::snprintf(source->message, kLongestMessage, "%s", message);
    png_longjmp(png, 1);
}

void png_ignore(png_structp, png_const_charp) {}

//! The header, and the transformations that make every PNG 8-bit RGB. False: see the source's message.
bool png_begin(png_structp png, png_infop info, PngSource* source) {
    if (setjmp(png_jmpbuf(png)) != 0) { // NOLINT(cert-err52-cpp): libpng's way
        return false;
    }
    png_set_read_fn(png, source, png_take);
    png_read_info(png, info);
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
    (void)png_set_interlace_handling(png);
    png_read_update_info(png, info);
    return true;
}

bool png_rows(png_structp png, png_bytepp rows) {
    if (setjmp(png_jmpbuf(png)) != 0) { // NOLINT(cert-err52-cpp)
        return false;
    }
    png_read_image(png, rows);
    return true;
}

//! libpng's structs, freed however the decoding ends.
struct PngReader {
    PngSource source;
    png_structp png = nullptr;
    png_infop info = nullptr;

    explicit PngReader(Encoded bytes) : source{bytes} {
        png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, png_fail, png_ignore);
        info = png == nullptr ? nullptr : png_create_info_struct(png);
    }
    PngReader(const PngReader&) = delete;
    PngReader& operator=(const PngReader&) = delete;
    ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

} // namespace

Picture decode_png(Encoded bytes) {
    PngReader reader(bytes);
    if (reader.info == nullptr || !png_begin(reader.png, reader.info, &reader.source)) {
        bad_image("is a PNG that libpng does not read: ", reader.source.message, ".");
    }
    Picture picture(png_get_image_height(reader.png, reader.info), png_get_image_width(reader.png, reader.info));
    if (png_get_rowbytes(reader.png, reader.info) != static_cast<std::size_t>(picture.width) * 3) {
        bad_image("is a PNG whose pixels libpng does not make RGB.");
    }
    std::vector<png_bytep> rows;
    for (std::int64_t row = 0; row < picture.height; ++row) {
        rows.push_back(picture.at(row, 0));
    }
    if (!png_rows(reader.png, rows.data())) {
        bad_image("is a PNG that libpng does not read: ", reader.source.message, ".");
    }
    return picture;
}

#else

Picture decode_png(Encoded) {
    bad_image("is a PNG, and this build has no libpng; build TensorVK where Debian's libpng-dev is installed.");
}

#endif

#ifdef TENSORVK_HAS_JPEG

namespace {

struct JpegErrors {
    jpeg_error_mgr manager; // first: libjpeg knows nothing else
    std::jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
};

void jpeg_fail(j_common_ptr jpeg) {
    auto* errors = reinterpret_cast<JpegErrors*>(jpeg->err);
    jpeg->err->format_message(jpeg, errors->message);
    std::longjmp(errors->jump, 1); // NOLINT(cert-err52-cpp): libjpeg's way
}

void jpeg_ignore(j_common_ptr) {}

//! The header. False: see the errors' message.
bool jpeg_begin(jpeg_decompress_struct* jpeg, JpegErrors* errors, Encoded bytes) {
    if (setjmp(errors->jump) != 0) { // NOLINT(cert-err52-cpp)
        return false;
    }
    jpeg_mem_src(jpeg, bytes.data(), static_cast<unsigned long>(bytes.size()));
    (void)jpeg_read_header(jpeg, TRUE);
    return true;
}

bool jpeg_rows(jpeg_decompress_struct* jpeg, JpegErrors* errors, std::uint8_t* pixels) {
    if (setjmp(errors->jump) != 0) { // NOLINT(cert-err52-cpp)
        return false;
    }
    jpeg->out_color_space = JCS_RGB;
    (void)jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = pixels + static_cast<std::size_t>(jpeg->output_scanline) * jpeg->output_width * 3;
        (void)jpeg_read_scanlines(jpeg, &row, 1);
    }
    (void)jpeg_finish_decompress(jpeg);
    return true;
}

struct JpegReader {
    JpegErrors errors{};
    jpeg_decompress_struct jpeg{};

    JpegReader() {
        jpeg.err = jpeg_std_error(&errors.manager);
        errors.manager.error_exit = jpeg_fail;
        errors.manager.output_message = jpeg_ignore;
        jpeg_create_decompress(&jpeg);
    }
    JpegReader(const JpegReader&) = delete;
    JpegReader& operator=(const JpegReader&) = delete;
    ~JpegReader() { jpeg_destroy_decompress(&jpeg); }
};

} // namespace

Picture decode_jpeg(Encoded bytes) {
    JpegReader reader;
    if (!jpeg_begin(&reader.jpeg, &reader.errors, bytes)) {
        bad_image("is a JPEG that libjpeg does not read: ", reader.errors.message, ".");
    }
    if (reader.jpeg.num_components != 1 && reader.jpeg.num_components != 3) {
        bad_image("is a JPEG with ", reader.jpeg.num_components, " components; grey and colour pictures with 1 and 3 are offered.");
    }
    Picture picture(reader.jpeg.image_height, reader.jpeg.image_width);
    if (!jpeg_rows(&reader.jpeg, &reader.errors, picture.pixels.data())) {
        bad_image("is a JPEG that libjpeg does not read: ", reader.errors.message, ".");
    }
    return picture;
}

#else

Picture decode_jpeg(Encoded) {
    bad_image("is a JPEG, and this build has no libjpeg; build TensorVK where Debian's libjpeg-dev is installed.");
}

#endif

} // namespace tensorvk::kernels::host
