#include "plan/memory_plan.hpp"

#include <algorithm>

#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::plan {
namespace {

struct Block {
    std::size_t buffer = 0;
    std::int64_t size = 0;
    std::int64_t offset = 0;
};

std::vector<Block> arena_blocks(const Program& program, std::span<const std::int64_t> values,
                                std::span<const Lifetime> lives, std::int64_t alignment) {
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < program.buffers.size(); ++i) {
        const Buffer& buffer = program.buffers[i];
        const std::int64_t bytes = values[static_cast<std::size_t>(buffer.bytes.id)];
        if (bytes < 0) {
            throw InvalidArgument(
                text("Buffer '", buffer.name, "' would have ", bytes, " bytes for these input shapes."));
        }
        if (buffer.kind == BufferKind::kARENA && lives[i].used() && bytes > 0) {
            blocks.push_back({i, checked_mul(checked_add(bytes, alignment - 1) / alignment, alignment), 0});
        }
    }
    std::stable_sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) { return a.size > b.size; });
    return blocks;
}

// `neighbours` are occupied at the same time and sorted by offset.
std::int64_t best_gap(const std::vector<Block>& neighbours, std::int64_t size) {
    std::int64_t best = -1;
    std::int64_t best_room = INT64_MAX;
    std::int64_t end = 0;
    for (const Block& block : neighbours) {
        const std::int64_t room = block.offset - end;
        if (room >= size && room < best_room) {
            best = end;
            best_room = room;
        }
        end = std::max(end, checked_add(block.offset, block.size));
    }
    return best >= 0 ? best : end;
}

} // namespace

std::vector<Lifetime> lifetimes(const Program& program) {
    std::vector<Lifetime> lives(program.buffers.size());
    for (const Step& step : program.steps) {
        for (const Binding& binding : step.bindings) {
            Lifetime& life = lives[static_cast<std::size_t>(program.holder(binding.buffer))];
            life.first = std::min(life.first, step.group);
            life.last = std::max(life.last, step.group);
        }
    }
    return lives;
}

MemoryPlan plan_memory(const Program& program, std::span<const std::int64_t> values, std::uint64_t alignment) {
    const std::vector<Lifetime> lives = lifetimes(program);
    MemoryPlan out;
    out.offsets.assign(program.buffers.size(), MemoryPlan::kNowhere);
    std::vector<Block> placed; // sorted by offset
    std::vector<Block> neighbours;
    for (Block block : arena_blocks(program, values, lives, static_cast<std::int64_t>(alignment))) {
        neighbours.clear();
        std::copy_if(placed.begin(), placed.end(), std::back_inserter(neighbours),
                     [&](const Block& other) { return lives[other.buffer].overlaps(lives[block.buffer]); });
        block.offset = best_gap(neighbours, block.size);
        out.offsets[block.buffer] = block.offset;
        out.total = std::max(out.total, static_cast<std::uint64_t>(checked_add(block.offset, block.size)));
        placed.insert(std::upper_bound(placed.begin(), placed.end(), block,
                                       [](const Block& a, const Block& b) { return a.offset < b.offset; }),
                      block);
    }
    return out;
}

} // namespace tensorvk::plan
