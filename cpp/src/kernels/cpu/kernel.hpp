// Kernels that are functions of this library instead of shaders, for devices whose memory is the host's. A step names one as it names a
// shader, by an id that begins with "cpu/", and hands it the same parameters, constants and buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "kernels/pointwise_program.hpp"
#include "plan/program.hpp"

namespace tensorvk::kernels::cpu {

inline constexpr std::string_view kPrefix = "cpu/";

//! What a step made of its weights: shared by all executions of the loaded program, gone with it. Any thread may ask.
class Keep {
public:
    //! The object of that key, made by the first who asks.
    template <typename T, typename Make>
    [[nodiscard]] std::shared_ptr<T> get(const std::string& key, Make make) {
        const std::lock_guard lock(mutex_);
        std::shared_ptr<void>& kept = objects_[key];
        if (!kept) kept = std::shared_ptr<T>(make());
        return std::static_pointer_cast<T>(kept);
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<void>> objects_;
};

//! A step with its expressions evaluated and its buffers found. What a plan says is checked here: a parameter or a byte that is not there
//! throws InvalidPlan with the layer's name.
class Launch {
public:
    Launch(const plan::Step& step, std::span<const std::int64_t> params, std::span<const std::span<std::byte>> memory, Keep& keep)
        : step_(step), params_(params), memory_(memory), keep_(keep) {}

    [[nodiscard]] std::int64_t param(std::size_t index) const;
    //! Geometry constant `index` of the step; 0 where it has none.
    [[nodiscard]] std::int32_t geometry(std::uint32_t index) const;
    //! The pointwise program, which reads at most `operands` operands.
    [[nodiscard]] PointwiseProgram program(std::size_t operands) const { return decode(step_.spec, operands); }
    //! The first `elements` elements of binding `index`, as `T`s: const ones, unless the plan says that the step writes there. Null where there are none.
    template <typename T>
    [[nodiscard]] T* buffer(std::size_t index, std::int64_t elements) const {
        return reinterpret_cast<T*>(bytes(index, elements, sizeof(T), !std::is_const_v<T>));
    }
    [[nodiscard]] Keep& keep() const noexcept { return keep_; }
    [[nodiscard]] const std::string& layer() const noexcept { return step_.layer; }

private:
    [[nodiscard]] std::byte* bytes(std::size_t index, std::int64_t elements, std::size_t size, bool written) const;

    const plan::Step& step_;
    std::span<const std::int64_t> params_;
    std::span<const std::span<std::byte>> memory_;
    Keep& keep_;
};

//! Does the work of a launch, as often as it is called, by one thread at a time. Throws std::bad_alloc, and OutOfMemory where no thread is to be had.
using Run = std::function<void()>;
[[nodiscard]] inline Run then(Run first, Run second) {
    return [first = std::move(first), second = std::move(second)] {
        first();
        second();
    };
}
//! Called when shapes or addresses change, for several steps at once. The run may point into the launch's memory, not at the launch.
using Prepare = Run (*)(const Launch& launch);

struct Kernel {
    std::string_view id;
    std::uint64_t version = 1; // raise it when the same parameters give other numbers
    Prepare prepare = nullptr;
    bool makes_code = false; // prepare() compiles machine code: worth a thread
};

//! Null when this library has no kernel of that id.
[[nodiscard]] const Kernel* find(std::string_view id);

[[nodiscard]] inline bool is_cpu_kernel(std::string_view id) noexcept { return id.starts_with(kPrefix); }

} // namespace tensorvk::kernels::cpu
