// Plans from strangers: whatever the bytes, read_plan() returns a plan that can be written and read again, or throws
// InvalidPlan.
//
// Digests would stop every mutation at the door, so the mutator puts them right again; what is fuzzed is all that lies
// behind.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "plan/file.hpp"
#include "plan/layout.hpp"
#include "support/error.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using namespace tensorvk;

// y = scale * x of one dynamic dimension, one constant, one prepacked buffer: every kind of record is there.
plan::Plan small_plan() {
    plan::Plan made;
    made.name = "small";
    plan::Program& program = made.portable;
    const shape::Expr n = program.exprs.symbol("x:0");
    const shape::Expr bytes = program.exprs.mul(n, program.exprs.constant(4));
    const shape::Expr four = program.exprs.constant(4);
    const shape::Expr one = program.exprs.constant(1);
    program.io = {{"x", DataType::kFLOAT, TensorIOMode::kINPUT, {n}, 0},
                  {"y", DataType::kFLOAT, TensorIOMode::kOUTPUT, {n}, 1}};
    program.buffers = {{"x", plan::BufferKind::kINPUT, bytes, 0},
                       {"y", plan::BufferKind::kOUTPUT, bytes, 0},
                       {"scale", plan::BufferKind::kCONSTANT, four, 0},
                       {"packed", plan::BufferKind::kDERIVED, four, 0},
                       {"middle", plan::BufferKind::kARENA, bytes, 0}};
    const auto step = [&](std::int32_t from, std::int32_t to, std::int32_t group) {
        plan::Step made_step;
        made_step.layer = "layer";
        made_step.kernel = "family/kernel:f32";
        made_step.kernel_hash = 7;
        made_step.spec = {{plan::kSpecLocalSize, 64}};
        made_step.params = {n};
        made_step.groups = {program.exprs.ceil_div(n, program.exprs.constant(64)), one, one};
        made_step.bindings = {{from, false}, {to, true}};
        made_step.group = group;
        return made_step;
    };
    program.init = {step(2, 3, 0)};
    program.init[0].params.clear();
    program.init[0].groups = {one, one, one};
    program.steps = {step(0, 4, 0), step(4, 1, 1)};
    made.profiles = {{{{{1}, {8}, {64}}}}};
    made.tuned = {{{"device", 1, 2, 3}, program}};
    made.report_json = "{}";
    made.weights.resize(4);
    return made;
}

void seal(std::span<std::byte> bytes) {
    plan::FileHeader header;
    if (bytes.size() < sizeof(header)) return;
    std::memcpy(&header, bytes.data(), sizeof(header));
    header.total_size = bytes.size();
    header.digest = {};
    const std::size_t table = sizeof(header) + header.section_count * sizeof(plan::SectionEntry);
    const std::uint64_t first = plan::align_section(table);
    if (header.section_count > plan::kMaxSections || first > bytes.size()) return;
    for (std::uint32_t i = 0; i < header.section_count; ++i) {
        std::byte* const place = bytes.data() + sizeof(header) + i * sizeof(plan::SectionEntry);
        plan::SectionEntry entry;
        std::memcpy(&entry, place, sizeof(entry));
        const bool inside = entry.offset <= bytes.size() && entry.size <= bytes.size() - entry.offset &&
                            plan::align_section(entry.size) <= bytes.size() - entry.offset;
        if (!inside) continue;
        entry.digest = digest128(bytes.subspan(entry.offset, plan::align_section(entry.size)));
        std::memcpy(place, &entry, sizeof(entry));
    }
    std::memcpy(bytes.data(), &header, sizeof(header));
    header.digest = digest128(bytes.first(first));
    std::memcpy(bytes.data(), &header, sizeof(header));
}

std::vector<std::byte> rewritten(std::span<const std::byte> bytes) {
    plan::StoredPlan stored = plan::read_plan(bytes);
    stored.plan.weights.assign(stored.weights.begin(), stored.weights.end());
    return plan::write_plan(stored.plan);
}

} // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
    static const std::vector<std::byte> plan = plan::write_plan(small_plan());
    if (size < sizeof(plan::FileHeader) && plan.size() <= max_size) {
        std::memcpy(data, plan.data(), plan.size());
        size = plan.size();
    }
    size = LLVMFuzzerMutate(data, size, max_size);
    // One in eight stays broken, so that the digests themselves are tried too.
    if (seed % 8 != 0) seal(std::as_writable_bytes(std::span(data, size)));
    return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const std::vector<std::byte> once = rewritten(std::as_bytes(std::span(data, size)));
        if (rewritten(once) != once) std::abort();
    } catch (const InvalidPlan&) {
        return 0;
    }
    return 0;
}
