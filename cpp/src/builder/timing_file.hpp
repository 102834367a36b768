// A timing cache in a file that several processes use, even at once. Its bytes are those of a serialized timing cache.
#pragma once

#include <filesystem>
#include <memory>

#include "builder/timing_cache.hpp"
#include "support/log.hpp"

namespace tensorvk::builder {

//! What goes wrong costs time only: one warning says it, and the build goes on.
class TimingFile {
public:
    //! Reads it. No path: there is none.
    TimingFile(std::filesystem::path path, LogSink& log);

    //! What was in it; empty where nothing could be had.
    [[nodiscard]] const std::shared_ptr<TimingCache>& cache() const noexcept { return cache_; }
    //! Adds the entries to those that the file has by now, which keep their times: what others chose by them stays the same. A file that is no timing cache
    //! stays as it is. Its folders are made where there is something to keep, and that is said.
    void merge(const TimingCache& entries) noexcept;

private:
    [[nodiscard]] std::shared_ptr<TimingCache> read();
    void warn(const std::string& sentence);

    std::filesystem::path path_; // empty: there is none
    LogSink& log_;
    bool warned_ = false;
    std::shared_ptr<TimingCache> cache_;
};

} // namespace tensorvk::builder
