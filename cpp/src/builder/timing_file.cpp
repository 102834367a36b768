#include "builder/timing_file.hpp"

#include <exception>
#include <optional>
#include <system_error>
#include <utility>

#include "support/error.hpp"
#include "support/files.hpp"

namespace tensorvk::builder {

TimingFile::TimingFile(std::filesystem::path path, LogSink& log) : path_(std::move(path)), log_(log) {
    std::error_code error;
    if (std::filesystem::is_symlink(path_, error)) { // what it names is replaced, not the link; a circle of links names nothing, as read() will say
        const std::filesystem::path named = std::filesystem::weakly_canonical(path_, error);
        if (!error) path_ = named;
    }
    cache_ = read();
    if (cache_ == nullptr) cache_ = std::make_shared<TimingCache>();
}

void TimingFile::warn(const std::string& sentence) {
    if (!std::exchange(warned_, true)) log_.log(Severity::kWARNING, sentence);
}

//! Null where it must not be written.
std::shared_ptr<TimingCache> TimingFile::read() {
    constexpr std::uintmax_t kMost = std::uintmax_t{1} << 28; // bytes: eleven million entries
    std::error_code error;
    if (path_.empty() || !std::filesystem::exists(path_, error)) return std::make_shared<TimingCache>();
    const std::optional<std::vector<std::byte>> bytes = read_file(path_, kMost);
    if (!bytes) {
        warn(text("The timing cache '", path_.string(), "' cannot be read, or is no file of at most ", kMost, " bytes; this build goes on without it."));
        return nullptr;
    }
    if (!bytes->empty() && !TimingCache::has_name(*bytes)) {
        warn(text("'", path_.string(), "' is no timing cache of TensorVK; this build goes on without it and leaves it as it is."));
        return nullptr;
    }
    try {
        return TimingCache::from_bytes(*bytes);
    } catch (const InvalidArgument& damaged) {
        warn(text("The timing cache '", path_.string(), "' is damaged or of another version, and counts as empty."));
        return std::make_shared<TimingCache>();
    }
}

void TimingFile::merge(const TimingCache& entries) noexcept {
    constexpr std::chrono::milliseconds kPatience{10'000}; // writing takes a thousandth of it
    if (path_.empty()) return;
    try {
        if (const std::filesystem::path folder = path_.parent_path(); !folder.empty() && !std::filesystem::exists(folder)) {
            if (entries.size() == 0) return;
            std::filesystem::create_directories(folder);
            log_.log(Severity::kINFO, text("The folder '", folder.string(), "' was made, because the timing cache '", path_.string(), "' shall lie in it."));
        }
        const std::optional<FileLock> lock = FileLock::take(path_, kPatience);
        if (!lock) return warn(text("The timing cache '", path_.string(), "' cannot be written, or is locked by another process; what this build timed is not kept in it."));
        const std::shared_ptr<TimingCache> now = read();
        if (now == nullptr) return;
        if (now->combine(entries) && !replace_file(path_, {now->bytes()})) {
            warn(text("The timing cache '", path_.string(), "' could not be written; what this build timed is not kept in it."));
        }
    } catch (const std::exception& error) {
        warn(text("The timing cache '", path_.string(), "' could not be written: ", error.what(), "."));
    }
}

} // namespace tensorvk::builder
