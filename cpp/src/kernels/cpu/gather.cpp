// cpu/gather: out[o, k, i] = data[o, indices[k], i] in units of neighbouring bytes. The step is that of gather/generic; an index outside is moved
// to the nearest one inside, as there.
#include <algorithm>
#include <cstring>

#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/workers.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

struct Task {
    std::int64_t outer = 0, count = 0, extent = 0, bytes = 0; // indices, of the gathered axis, behind the axis
    bool wide = false;
    const std::byte* data = nullptr;
    const std::byte* indices = nullptr;
    std::byte* out = nullptr;

    [[nodiscard]] std::int64_t index(std::int64_t k) const {
        std::int64_t at = 0;
        if (wide) {
            std::memcpy(&at, indices + 8 * k, 8);
        } else {
            std::int32_t narrow = 0;
            std::memcpy(&narrow, indices + 4 * k, 4);
            at = narrow;
        }
        return std::clamp<std::int64_t>(at < 0 ? at + extent : at, 0, extent - 1);
    }
};

Run prepare(const Launch& launch, std::int64_t unit) {
    Task task;
    const std::int64_t units = launch.param(0), inner = launch.param(1);
    task.count = launch.param(2);
    task.extent = launch.param(3);
    task.wide = launch.geometry(0) != 0;
    if (units == 0) return [] {};
    if (units < 0 || inner < 1 || task.count < 1 || task.extent < 1 || units % checked_mul(inner, task.count) != 0) {
        throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan gathers ", units, " units in rows of ", inner, ": rebuild the plan."));
    }
    task.outer = units / (inner * task.count);
    task.bytes = checked_mul(inner, unit);
    task.data = launch.buffer<const std::byte>(0, checked_mul(checked_mul(task.outer, task.extent), task.bytes));
    task.indices = launch.buffer<const std::byte>(1, checked_mul(task.count, task.wide ? 8 : 4));
    task.out = launch.buffer<std::byte>(2, checked_mul(units, unit));
    return [task] {
        spread(task.outer * task.count, std::max<std::int64_t>(16384 / task.bytes, 1), [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t row = first; row < last; ++row) {
                const std::int64_t at = row / task.count * task.extent + task.index(row % task.count);
                std::memcpy(task.out + row * task.bytes, task.data + at * task.bytes, static_cast<std::size_t>(task.bytes));
            }
        });
    };
}

} // namespace

Run prepare_gather_1(const Launch& launch) { return prepare(launch, 1); }
Run prepare_gather_2(const Launch& launch) { return prepare(launch, 2); }
Run prepare_gather_4(const Launch& launch) { return prepare(launch, 4); }
Run prepare_gather_8(const Launch& launch) { return prepare(launch, 8); }
Run prepare_gather_16(const Launch& launch) { return prepare(launch, 16); }

} // namespace tensorvk::kernels::cpu
