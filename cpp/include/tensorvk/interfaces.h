// What the user implements (logger, profiler, error recorder, progress monitor) and the small things that pass between
// user and library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tensorvk/enums.h"
#include "tensorvk/types.h"

namespace tensorvk {

//! Constant data of a layer: `count` elements of `type`, row-major. Null values mean "none".
struct Weights {
    DataType type = DataType::kFLOAT;
    const void* values = nullptr;
    int64_t count = 0;
    //! Keeps `values` alive for as long as a network needs them; when empty, the caller does.
    std::shared_ptr<const void> owner = {};
};

//! Receives messages; any thread may call it, also several at once. Overrides may be noexcept or not; what they throw
//! is dropped.
class ILogger {
  public:
    using Severity = tensorvk::Severity;
    ILogger() = default;
    virtual ~ILogger() = default;
    virtual void log(Severity severity, const char* message) = 0;

  protected:
    ILogger(const ILogger&) = default;
    ILogger& operator=(const ILogger&) = default;
};

//! Prints "[MM/DD/YYYY-HH:MM:SS] [TRT] [E] message" to standard output, for messages at least as serious as
//! `minSeverity`.
class Logger : public ILogger {
  public:
    explicit Logger(Severity minSeverity = Severity::kWARNING) : min_(minSeverity) {}
    void log(Severity severity, const char* message) override;
    [[nodiscard]] Severity minSeverity() const noexcept { return min_; }
    void setMinSeverity(Severity severity) noexcept { min_ = severity; }

  private:
    Severity min_;
};

//! Collects errors of the objects that it is given to. Thread-safe implementations only.
class IErrorRecorder {
  public:
    using ErrorDesc = const char*;
    using RefCount = int32_t;
    static constexpr size_t kMAX_DESC_LENGTH = 127;

    IErrorRecorder() = default;
    virtual ~IErrorRecorder() = default;
    virtual int32_t getNbErrors() const = 0;
    virtual ErrorCode getErrorCode(int32_t index) const = 0;
    virtual ErrorDesc getErrorDesc(int32_t index) const = 0;
    virtual bool hasOverflowed() const = 0;
    virtual void clear() = 0;
    //! `description` is one sentence and is not cut at kMAX_DESC_LENGTH. The result is ignored.
    virtual bool reportError(ErrorCode code, ErrorDesc description) = 0;
    virtual RefCount incRefCount() { return 1; }
    virtual RefCount decRefCount() { return 1; }

  protected:
    IErrorRecorder(const IErrorRecorder&) = default;
    IErrorRecorder& operator=(const IErrorRecorder&) = default;
};

//! Is told the time of every layer after each run of a context that it is set on.
class IProfiler {
  public:
    IProfiler() = default;
    virtual ~IProfiler() = default;
    virtual void reportLayerTime(const char* layerName, float milliseconds) = 0;

  protected:
    IProfiler(const IProfiler&) = default;
    IProfiler& operator=(const IProfiler&) = default;
};

//! Follows a build. Phases may nest; `stepComplete` returning false cancels the build.
class IProgressMonitor {
  public:
    IProgressMonitor() = default;
    virtual ~IProgressMonitor() = default;
    virtual void phaseStart(const char* phaseName, const char* parentPhase, int32_t steps) = 0;
    virtual bool stepComplete(const char* phaseName, int32_t step) = 0;
    virtual void phaseFinish(const char* phaseName) = 0;

  protected:
    IProgressMonitor(const IProgressMonitor&) = default;
    IProgressMonitor& operator=(const IProgressMonitor&) = default;
};

//! Gives memory for an output of an execution context when its size is known: before the run, or while it is on its way where the size
//! depends on data.
class IOutputAllocator {
  public:
    IOutputAllocator() = default;
    virtual ~IOutputAllocator() = default;
    //! At least `size` bytes of device (or pinned host) memory; null makes the run fail. `currentMemory`, the address that the tensor has, may
    //! be given again where it is large enough.
    virtual void* reallocateOutput(const char* /*tensorName*/, void* /*currentMemory*/, uint64_t /*size*/, uint64_t /*alignment*/) {
        return nullptr;
    }
    //! What the library calls: the same with the stream of the run (TensorRT >= 10).
    virtual void* reallocateOutputAsync(const char* tensorName, void* currentMemory, uint64_t size, uint64_t alignment, void* /*stream*/) {
        return reallocateOutput(tensorName, currentMemory, size, alignment);
    }
    //! Called after reallocateOutput and before enqueueV3 returns.
    virtual void notifyShape(const char* tensorName, const Dims& dims) = 0;

  protected:
    IOutputAllocator(const IOutputAllocator&) = default;
    IOutputAllocator& operator=(const IOutputAllocator&) = default;
};

//! Bytes that the library made: a plan, a timing cache. Lives on its own.
class IHostMemory {
  public:
    virtual ~IHostMemory() = default;
    [[nodiscard]] virtual void* data() const noexcept = 0;
    [[nodiscard]] virtual std::size_t size() const noexcept = 0; //!< bytes
    [[nodiscard]] virtual DataType type() const noexcept = 0;
    void destroy() noexcept { delete this; }

  protected:
    IHostMemory() = default;
    IHostMemory(const IHostMemory&) = default;
    IHostMemory& operator=(const IHostMemory&) = default;
};

//! The latest error sentence of the calling thread; empty when there was none.
[[nodiscard]] const char* lastError() noexcept;

//! With true, calls that fail throw std::runtime_error with the sentence after logging it; with false (TensorRT's way,
//! the default unless the environment has TENSORVK_RAISE=1) they return null or false.
void setRaiseOnError(bool raise) noexcept;
[[nodiscard]] bool raiseOnError() noexcept;

} // namespace tensorvk
