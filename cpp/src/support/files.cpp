#include "support/files.hpp"

#include <atomic>
#include <exception>
#include <fstream>
#include <system_error>
#include <thread>
#include <utility>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/error.hpp"

namespace tensorvk {

namespace {

namespace fs = std::filesystem;

bool write_parts(const fs::path& path, std::initializer_list<std::span<const std::byte>> parts) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    for (const std::span<const std::byte> part : parts) {
        file.write(reinterpret_cast<const char*>(part.data()), static_cast<std::streamsize>(part.size()));
    }
    file.close();
    return static_cast<bool>(file);
}

//! Whether the open file is still the one at `path`: who held the lock before may have replaced it.
bool is_at(int file, const fs::path& path) {
    struct stat opened{}, there{};
    return fstat(file, &opened) == 0 && stat(path.c_str(), &there) == 0 && opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

} // namespace

fs::path own_folder() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return {};
    return fs::path(info.dli_fname).parent_path();
}

std::optional<std::vector<std::byte>> read_file(const fs::path& path, std::uintmax_t most) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) return std::nullopt;
    const std::uintmax_t size = fs::file_size(path, error);
    if (error || size > most) return std::nullopt;
    std::ifstream file(path, std::ios::binary);
    std::vector<std::byte> bytes(size);
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return file ? std::optional(std::move(bytes)) : std::nullopt;
}

bool replace_file(const fs::path& path, std::initializer_list<std::span<const std::byte>> parts) noexcept {
    static std::atomic<unsigned> count = 0; // threads may write the same file
    try {
        if (path.has_parent_path()) fs::create_directories(path.parent_path());
        const fs::path part = path.string() + text(".", getpid(), "-", count++, ".part");
        std::error_code error;
        const bool written = write_parts(part, parts);
        if (const fs::file_status old = fs::status(path, error); written && fs::exists(old)) fs::permissions(part, old.permissions(), error);
        error.clear();
        if (written) fs::rename(part, path, error);
        if (!written || error) {
            std::error_code ignored;
            fs::remove(part, ignored);
        }
        return written && !error;
    } catch (const std::exception&) {
        return false;
    }
}

std::optional<FileLock> FileLock::take(const fs::path& path, std::chrono::milliseconds patience) {
    constexpr std::chrono::milliseconds kPause{5};
    for (const auto begin = std::chrono::steady_clock::now();; std::this_thread::sleep_for(kPause)) {
        const int opened = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666); // a pipe would wait for its other end
        if (opened < 0) return std::nullopt;
        FileLock lock(opened);
        struct stat kind{};
        if (fstat(opened, &kind) != 0 || !S_ISREG(kind.st_mode)) return std::nullopt;
        if (flock(opened, LOCK_EX | LOCK_NB) == 0 && is_at(opened, path)) return lock;
        if (std::chrono::steady_clock::now() - begin > patience) return std::nullopt;
    }
}

FileLock::~FileLock() {
    if (file_ >= 0) close(file_);
}

FileLock::FileLock(FileLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

} // namespace tensorvk
