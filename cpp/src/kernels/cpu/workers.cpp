#include "kernels/cpu/workers.hpp"

#include "kernels/cpu/component.hpp"

namespace tensorvk::kernels::cpu {

namespace {
const Workers* own = nullptr;
}

const Workers& workers() noexcept { return own != nullptr ? *own : component().workers; }
void use_workers(const Workers* workers) noexcept { own = workers; }

} // namespace tensorvk::kernels::cpu
