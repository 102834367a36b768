#include "kernels/cpu/kernel.hpp"

#include <algorithm>

#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/component.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

std::int64_t Launch::param(std::size_t index) const {
    if (index >= params_.size()) {
        throw InvalidPlan(text("Layer '", step_.layer, "' of the plan gives kernel '", step_.kernel, "' ", params_.size(), " parameters, it reads number ",
                               index, ": rebuild the plan."));
    }
    return params_[index];
}

std::int32_t Launch::geometry(std::uint32_t index) const {
    const std::uint32_t id = plan::kSpecGeometry + index;
    const auto found = std::ranges::find(step_.spec, id, &plan::SpecConstant::id);
    return found == step_.spec.end() ? 0 : found->value;
}

std::byte* Launch::bytes(std::size_t index, std::int64_t elements, std::size_t size, bool written) const {
    const std::uint64_t there = index < memory_.size() ? memory_[index].size() : 0;
    if (elements < 0 || static_cast<std::uint64_t>(elements) > there / size) {
        throw InvalidPlan(text("Layer '", step_.layer, "' of the plan lets kernel '", step_.kernel, "' use ", elements, " elements of ", size,
                               " bytes of buffer ", index, ", which has ", there, " bytes: rebuild the plan."));
    }
    if (elements == 0) return nullptr;
    if (written && index < step_.bindings.size() && !step_.bindings[index].written) {
        throw InvalidPlan(text("Layer '", step_.layer, "' of the plan does not say that kernel '", step_.kernel, "' writes buffer ", index, ": rebuild the plan."));
    }
    return memory_[index].data();
}

const Kernel* find(std::string_view id) {
    if (!is_cpu_kernel(id)) return nullptr;
    for (const std::span<const Kernel> all : {catalogue(), component().kernels}) {
        const auto found = std::ranges::find(all, id, &Kernel::id);
        if (found != all.end()) return &*found;
    }
    return nullptr;
}

} // namespace tensorvk::kernels::cpu
