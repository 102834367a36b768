// Files that several processes read and write.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

namespace tensorvk {

//! Of the library or program that this code is in; empty where that cannot be told.
[[nodiscard]] std::filesystem::path own_folder();

//! All of a regular file of at most `most` bytes; nothing where it cannot be had.
[[nodiscard]] std::optional<std::vector<std::byte>> read_file(const std::filesystem::path& path, std::uintmax_t most);

//! Writes the parts, one behind the other, beside `path` and renames that over it: others see the old file or the new one, also those who come after a
//! process that was killed. Makes the folders that it takes. False when it failed; the old file is then as it was.
bool replace_file(const std::filesystem::path& path, std::initializer_list<std::span<const std::byte>> parts) noexcept;

//! Keeps others who take the lock of the same file away, threads as well as processes, while it lives. The file may be replaced meanwhile.
class FileLock {
public:
    //! Makes an empty file where there is none. Nothing when others hold it all the time, or it cannot be opened for writing.
    [[nodiscard]] static std::optional<FileLock> take(const std::filesystem::path& path, std::chrono::milliseconds patience);
    ~FileLock();
    FileLock(FileLock&& other) noexcept;
    FileLock& operator=(FileLock&&) = delete;

private:
    explicit FileLock(int file) : file_(file) {}
    int file_ = -1;
};

} // namespace tensorvk
