// Pictures as PGM files, which every image viewer opens.
#pragma once

#include <filesystem>
#include <span>

namespace segment {

//! Writes `values` (row-major, height x width, clamped to 0..1) as 8-bit grey. Throws std::runtime_error when it
//! cannot.
void writePgm(const std::filesystem::path& path, std::span<const float> values, std::size_t height, std::size_t width);

}  // namespace segment
