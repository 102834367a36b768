#include <array>
#include <cstdio>
#include <ctime>
#include <string>

#include "tensorvk/interfaces.h"

namespace tensorvk {

void Logger::log(Severity severity, const char* message) {
    if (severity > min_) {
        return;
    }
    static constexpr std::array kLetters{"F", "E", "W", "I", "V"};
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    std::array<char, 32> stamp{};
    std::strftime(stamp.data(), stamp.size(), "%m/%d/%Y-%H:%M:%S", &local);
    // One write for the whole line, so that lines of several threads stay whole.
    const std::string line = "[" + std::string(stamp.data()) + "] [TRT] [" +
                             kLetters.at(static_cast<std::size_t>(severity)) + "] " + message + "\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
}

} // namespace tensorvk
