// CPU kernels in a shared library of their own, beside this one: they need oneDNN, which not every machine has. Opened at the first use.
#pragma once

#include <array>
#include <span>
#include <string>

#include "kernels/cpu/kernel.hpp"
#include "kernels/cpu/workers.hpp"

namespace tensorvk::kernels::cpu {

inline constexpr const char* kComponentFile = "libtensorvk_onednn.so";
inline constexpr const char* kComponentSymbol = "tensorvk_cpu_component";

//! What the component says of itself.
struct Component {
    std::span<const Kernel> kernels;
    const char* version = ""; // TensorVK's: kernels of another one are not used
    const char* library = "";
    std::array<int, 3> library_version{};
};
using ComponentFunction = bool (*)(const Workers& workers, Component* out) noexcept;

//! The component, without kernels where there is none. Any thread may ask; the first one opens it.
[[nodiscard]] const Component& component();
//! Why there is none, in words; empty where there is one.
[[nodiscard]] const std::string& component_absence();

} // namespace tensorvk::kernels::cpu
