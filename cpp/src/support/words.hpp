// Lists in settings.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace tensorvk {

//! "a,b,,c" -> {"a", "b", "c"}.
[[nodiscard]] inline std::vector<std::string> comma_separated(std::string_view list) {
    std::vector<std::string> words;
    for (std::size_t begin = 0; begin < list.size();) {
        const std::size_t end = std::min(list.find(',', begin), list.size());
        if (end > begin) words.emplace_back(list.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

} // namespace tensorvk
