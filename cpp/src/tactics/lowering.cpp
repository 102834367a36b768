#include <algorithm>
#include <utility>

#include "tactics/family.hpp"
#include "tactics/layout.hpp"

namespace tensorvk::tactics {

namespace {

std::int32_t append_buffer(plan::Program& program, plan::Buffer buffer) {
    program.buffers.push_back(std::move(buffer));
    return static_cast<std::int32_t>(program.buffers.size() - 1);
}

} // namespace

std::int32_t Lowering::scratch(shape::Expr bytes) {
    return append_buffer(program_, {.name = "scratch", .kind = plan::BufferKind::kARENA, .bytes = bytes});
}

std::pair<std::int32_t, bool> Lowering::derived(const std::string& key, std::int64_t bytes) {
    const auto known = std::ranges::find(derived_, key, [](const auto& entry) { return entry.first; });
    if (known != derived_.end()) {
        return {known->second, false};
    }
    const std::int32_t buffer =
        append_buffer(program_, {.name = key, .kind = plan::BufferKind::kDERIVED, .bytes = exprs().constant(bytes)});
    derived_.emplace_back(key, buffer);
    return {buffer, true};
}

void Lowering::add(plan::Step step, bool same_group) {
    const std::int32_t last = program_.steps.empty() ? -1 : program_.steps.back().group;
    step.group = same_group && last >= 0 ? last : last + 1;
    program_.steps.push_back(std::move(step));
}

shape::Exprs Lowering::strides(const Value& value) { return memory_strides(exprs(), value); }

} // namespace tensorvk::tactics
