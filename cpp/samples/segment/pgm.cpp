#include "pgm.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <stdexcept>
#include <string>

namespace segment {

void writePgm(const std::filesystem::path& path, std::span<const float> values, std::size_t height, std::size_t width) {
    std::string grey;
    grey.reserve(values.size());
    for (const float value : values) {
        grey.push_back(static_cast<char>(std::lround(std::clamp(value, 0.0F, 1.0F) * 255.0F)));
    }
    std::ofstream file(path, std::ios::binary);
    file << "P5\n" << width << ' ' << height << "\n255\n" << grey;
    file.flush();
    if (!file) throw std::runtime_error("cannot write the picture " + path.string());
}

}  // namespace segment
