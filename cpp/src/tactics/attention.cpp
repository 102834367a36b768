// attention/coopmat_<rows>x<keys>: in one dispatch on matrix units (shaders/attention/coopmat.comp); attention/shared_<rows>x<keys>: the same through shared
// memory and registers, for any device (shared.comp); attention/generic: as it is written down.
#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "support/error.hpp"
#include "tactics/families.hpp"
#include "tactics/layout.hpp"
#include "tactics/matrix_units.hpp"
#include "tactics/rounds.hpp"
#include "tactics/spatial.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::int32_t kLocalSize = 64, kThreads = 128;

struct Problem {
    Operation operation;
    std::array<Value, 4> values; // q, k, v, y
    std::optional<Value> mask;

    [[nodiscard]] const Attention& attention() const { return std::get<Attention>(operation.kind); }
    //! Extent of batch, head, row or column of a value.
    [[nodiscard]] shape::Expr extent(std::size_t value, std::size_t axis, shape::ExprPool& exprs) const {
        const std::int32_t at = attention().axes[value][axis];
        return at < 0 ? exprs.constant(1) : values[value].dims[static_cast<std::size_t>(at)];
    }
    //! Columns of q and k, and of v and y: always known.
    [[nodiscard]] std::int64_t columns(std::size_t value, const shape::ExprPool& exprs) const {
        return exprs.value(values[value].dims.back()).value_or(0);
    }
    [[nodiscard]] bool half() const { return values[0].dtype == DataType::kHALF; }
    //! Of a shader that stores floats or halves.
    [[nodiscard]] const char* variant() const { return half() || (mask && mask->dtype == DataType::kHALF) ? "f16" : "f32"; }
};
constexpr std::size_t kQuery = 0, kKey = 1, kValue = 2, kResult = 3;
constexpr std::size_t kBatch = 0, kHead = 1, kRow = 2;

std::int64_t fours(std::int64_t columns) { return (columns + 3) / 4; }

//! As bits, which must not be those of minus zero: they stand for a parameter that is not known.
std::int64_t number_bits(float number) { return std::bit_cast<std::int32_t>(number + 0.0f); }

//! Bits of P(24).
std::int64_t flags_of(const Problem& p) {
    const auto mask_is = [&](DataType type) { return p.mask && p.mask->dtype == type; };
    std::int64_t flags = 0, bit = 1;
    for (const bool flag : {p.mask.has_value(), mask_is(DataType::kHALF), mask_is(DataType::kBOOL), p.attention().causal.has_value(), p.attention().zeros, p.attention().hides}) {
        flags |= flag ? bit : 0;
        bit *= 2;
    }
    return flags;
}

//! The parameters of shaders/attention/problem.glsl and its constants. `count`: what the grid counts.
void add_problem(StepBuilder& step, const Problem& p, shape::Expr count, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const shape::Expr zero = exprs.constant(0);
    step.param(p.extent(kQuery, kRow, exprs)).param(p.extent(kKey, kRow, exprs));
    for (std::size_t value = 0; value < p.values.size(); ++value) {
        const shape::Exprs strides = memory_strides(exprs, p.values[value]);
        for (const std::size_t axis : {kBatch, kHead, kRow}) {
            const std::int32_t at = p.attention().axes[value][axis];
            step.param(at < 0 ? zero : strides[static_cast<std::size_t>(at)]);
        }
    }
    const std::size_t rank = p.mask ? p.mask->dims.size() : 0, scores = p.values[kResult].dims.size();
    const shape::Exprs strides = p.mask ? memory_strides(exprs, *p.mask) : shape::Exprs{};
    for (std::size_t axis = 0; axis < 4; ++axis) { // of the scores: batch, head, row, key; three axes have no heads
        const std::size_t before = scores == 4 ? axis : axis == 0 ? 0 : axis - 1; // axis of the scores as the network has them
        const bool there = (scores == 4 || axis != kHead) && before + rank >= scores;
        const std::size_t at = before + rank - scores;
        step.param(there && !exprs.is(p.mask->dims[at], 1) ? strides[at] : zero);
    }
    const Attention& attention = p.attention();
    step.param(p.extent(kQuery, kHead, exprs)).param(attention.causal.value_or(zero)).param(count);
    step.param(number_bits(attention.scale)).param(number_bits(attention.softcap)).param(attention.group).param(flags_of(p)).param(number_bits(attention.hidden));
    step.geometry(0, p.half() ? 1 : 0);
    step.geometry(3, static_cast<std::int32_t>(p.columns(kQuery, exprs))).geometry(4, static_cast<std::int32_t>(p.columns(kValue, exprs)));
}

void add_bindings(StepBuilder& step, const Problem& p) {
    for (const std::size_t value : {kQuery, kKey, kValue}) step.reads(p.values[value].buffer);
    step.reads(p.mask ? p.mask->buffer : p.values[kQuery].buffer).writes(p.values[kResult].buffer);
}

void lower_generic(const Problem& p, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, p.operation.name, text("attention/generic:", p.variant()));
    shape::Expr count = exprs.constant(fours(p.columns(kValue, exprs)));
    for (const std::size_t axis : {kBatch, kHead, kRow}) count = exprs.mul(count, p.extent(kQuery, axis, exprs));
    step.local_size(kLocalSize).flat_groups(exprs.ceil_div(count, exprs.constant(kLocalSize)));
    add_problem(step, p, count, lowering);
    add_bindings(step, p);
    lowering.add(step.take());
}

//! It computes every score again for each four columns of the result: where that takes a GPU tenths of a second, its driver may take it for hung.
std::string refuse_size(const Problem& p, shape::ExprPool& exprs) {
    constexpr double kMost = 3e10;
    double products = static_cast<double>(p.columns(kQuery, exprs) * fours(p.columns(kValue, exprs)));
    for (const auto& [value, axis] : {std::pair{kQuery, kBatch}, {kQuery, kHead}, {kQuery, kRow}, {kKey, kRow}}) {
        products *= static_cast<double>(exprs.value(p.extent(value, axis, exprs)).value_or(1));
    }
    return products > kMost ? text("it would take ", products, " products, and faster ones apply") : "";
}

Candidate generic(const Problem& p, const std::string& common, const Query& query, bool alone) {
    Candidate candidate{.name = "attention/generic", .refusal = common, .portable = true, .lower = {}};
    shape::ExprPool exprs = query.exprs; // a scratch copy: questions about expressions make new ones
    const std::int64_t keys = most_of(exprs, p.extent(kKey, kRow, exprs));
    if (candidate.applicable()) candidate.refusal = refuse_rounds(query.caps, keys * (2 + p.columns(kQuery, exprs) / 2));
    if (candidate.applicable() && !alone && !query.caps.is_cpu) candidate.refusal = refuse_size(p, exprs);
    if (candidate.applicable() && !alone && query.caps.is_cpu && !exprs.value(p.extent(kKey, kRow, exprs))) {
        candidate.refusal = "the number of keys is dynamic, and a CPU device's driver ends long loops, of which faster kernels have fewer";
    }
    if (candidate.applicable()) candidate.lower = [p](Lowering& lowering) { lower_generic(p, lowering); };
    return candidate;
}

//! What a workgroup computes, and whose invocations hold four rows each.
struct SharedTile {
    std::int64_t rows, keys, threads;
    [[nodiscard]] std::int64_t shared_bytes(std::int64_t depth, std::int64_t width) const {
        const std::int64_t stride = fours(depth) | 1;
        return 16 * (rows * stride + keys * std::max(stride, fours(width)) + keys * rows / 4 + threads);
    }
    //! Fours of the result in an invocation's registers, for each of its rows.
    [[nodiscard]] std::int64_t width_vectors(std::int64_t width) const {
        const std::int64_t lanes = 4 * threads / rows;
        return (fours(width) + lanes - 1) / lanes;
    }
    //! Of the loops of an invocation, for refuse_rounds().
    [[nodiscard]] std::int64_t rounds(std::int64_t all_keys, std::int64_t depth, std::int64_t width) const {
        const std::int64_t fetches = (keys * (fours(depth) + fours(width)) + threads - 1) / threads;
        return (all_keys + keys - 1) / keys * (fetches + fours(depth) + keys + 4 * threads / rows + 1) + rows * fours(depth) / threads + 1;
    }
};
constexpr SharedTile kSharedTiles[] = {{32, 64, 128}, {32, 32, 64}, {16, 16, 32}, {8, 16, 32}, {4, 32, 32}};

void lower_shared(const Problem& p, const SharedTile& tile, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, p.operation.name, text("attention/shared:", p.variant()));
    const shape::Expr heads = p.extent(kQuery, kHead, exprs), tiles = exprs.ceil_div(p.extent(kQuery, kRow, exprs), exprs.constant(tile.rows));
    const shape::Expr count = exprs.mul(exprs.mul(p.extent(kQuery, kBatch, exprs), heads), tiles);
    step.local_size(static_cast<std::int32_t>(tile.threads)).flat_groups(count);
    add_problem(step, p, count, lowering);
    step.geometry(5, static_cast<std::int32_t>(tile.rows)).geometry(6, static_cast<std::int32_t>(tile.keys)).geometry(7, static_cast<std::int32_t>(tile.threads));
    add_bindings(step, p);
    lowering.add(step.take());
}

std::string refuse_shared(const Problem& p, const SharedTile& tile, const Query& query) {
    constexpr std::int64_t kMostWidthVectors = 4; // 64 registers of results
    shape::ExprPool exprs = query.exprs;          // a scratch copy
    const vulkan::DeviceLimits& limits = query.caps.limits;
    const std::int64_t depth = p.columns(kQuery, exprs), width = p.columns(kValue, exprs), bytes = tile.shared_bytes(depth, width);
    const auto rows = exprs.value(p.extent(kQuery, kRow, exprs));
    if (limits.max_shared_memory < bytes) return text("the tile takes ", bytes, " bytes of shared memory, the device has ", limits.max_shared_memory);
    if (limits.max_workgroup_invocations < tile.threads) return text("the tile takes ", tile.threads, " invocations, the device has ", limits.max_workgroup_invocations);
    if (tile.width_vectors(width) > kMostWidthVectors) return text("an invocation would hold ", 16 * tile.width_vectors(width), " results, at most ", 16 * kMostWidthVectors, " are allowed");
    if (rows && tile.rows > 4 && *rows * 2 <= tile.rows) return text("there are ", *rows, " rows, more than half of the ", tile.rows, " of the tile would be padding");
    return refuse_rounds(query.caps, tile.rounds(most_of(exprs, p.extent(kKey, kRow, exprs)), depth, width));
}

std::vector<Candidate> shared(const Problem& p, const std::string& common, const Query& query) {
    std::vector<Candidate> out;
    for (const SharedTile& tile : kSharedTiles) {
        Candidate candidate{.name = text("attention/shared_", tile.rows, "x", tile.keys), .refusal = common.empty() ? refuse_shared(p, tile, query) : common, .portable = false, .lower = {}};
        if (candidate.applicable()) candidate.lower = [p, tile](Lowering& lowering) { lower_shared(p, tile, lowering); };
        out.push_back(std::move(candidate));
    }
    return out;
}

//! A workgroup's rows of q, and keys at a time. `resident`: keys whose scores stay in shared memory, or 0.
struct Tile {
    std::int64_t rows, keys, resident = 0;
    [[nodiscard]] std::int64_t shared_bytes(std::int64_t depth, std::int64_t width) const {
        const std::int64_t kept = resident > 0 ? resident : keys;
        const std::int64_t scores = std::max(kept / 4 + 1, width / 4 + 1);
        return 16 * (rows * (depth / 8 + 1) + keys * (std::max(depth, width) / 8 + 1) + rows * scores) + 8 * rows * (kept / 4 + 2);
    }
};
constexpr Tile kTiles[] = {{16, 64}, {16, 128}, {32, 64}};

void lower_coopmat(const Problem& p, const Tile& tile, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, p.operation.name, "attention/coopmat:f16");
    step.local_size(kThreads);
    const shape::Expr heads = p.extent(kQuery, kHead, exprs), tiles = exprs.ceil_div(p.extent(kQuery, kRow, exprs), exprs.constant(tile.rows));
    const shape::Expr count = exprs.mul(exprs.mul(p.extent(kQuery, kBatch, exprs), heads), tiles);
    step.flat_groups(count);
    add_problem(step, p, count, lowering);
    step.geometry(5, static_cast<std::int32_t>(tile.rows)).geometry(6, static_cast<std::int32_t>(tile.keys)).geometry(7, static_cast<std::int32_t>(tile.resident));
    add_bindings(step, p);
    lowering.add(step.take());
}

std::string refuse_coopmat(const Problem& p, const Query& query) {
    if (std::string why = refuse_half_matrices(query.caps); !why.empty()) return why;
    if (!query.caps.subgroup_shuffle) return "the device's subgroups do not shuffle";
    constexpr std::int64_t kSide = 16;
    for (const std::size_t value : {kQuery, kValue}) {
        const std::int64_t columns = p.columns(value, query.exprs);
        if (columns % kSide != 0) return text("'", p.values[value].name, "' has ", columns, " columns, not a multiple of ", kSide);
    }
    for (const Value& value : p.values) {
        if (value.dtype != DataType::kHALF) return text("'", value.name, "' is float32, matrix units take float16");
        if (!keeps_units(query.exprs, value, 8)) return text("rows of '", value.name, "' begin at no multiples of 8");
    }
    return {};
}

std::vector<Candidate> coopmat(const Problem& p, const std::string& common, const Query& query) {
    std::vector<Candidate> out;
    const std::string refusal = common.empty() ? refuse_coopmat(p, query) : common;
    shape::ExprPool exprs = query.exprs; // a scratch copy
    const auto keys = exprs.value(p.extent(kKey, kRow, exprs));
    for (const Tile& each : kTiles) {
        for (const bool resident : {true, false}) {
            Tile tile = each;
            tile.resident = resident && keys ? (*keys + tile.keys - 1) / tile.keys * tile.keys : 0;
            Candidate candidate{.name = text("attention/coopmat_", tile.rows, "x", tile.keys, resident ? "" : "_twice"), .refusal = refusal, .portable = false, .lower = {}};
            const std::int64_t bytes = tile.shared_bytes(p.columns(kQuery, exprs), p.columns(kValue, exprs));
            if (candidate.applicable() && resident && !keys) candidate.refusal = "the number of keys is dynamic";
            if (candidate.applicable() && bytes > query.caps.limits.max_shared_memory) {
                candidate.refusal = text("the tile takes ", bytes, " bytes of shared memory, the device has ", query.caps.limits.max_shared_memory);
            }
            if (candidate.applicable()) candidate.lower = [p, tile](Lowering& lowering) { lower_coopmat(p, tile, lowering); };
            out.push_back(std::move(candidate));
        }
    }
    return out;
}

std::string refuse(const Problem& p, const Query& query) {
    for (const Value& value : p.values) {
        if (std::string why = refuse_float_pair(value, p.values[kQuery], query.caps); !why.empty()) return why;
        if (value.dtype != p.values[kQuery].dtype) return text("'", value.name, "' and '", p.values[kQuery].name, "' are of different types");
        if (!lies_in_rows(query.exprs, value)) return text("'", value.name, "' is not in row-major order");
        if (!keeps_units(query.exprs, value, 4)) return text("rows of '", value.name, "' begin at no multiples of 4");
        if (!query.exprs.value(value.dims.back())) return text("the number of columns of '", value.name, "' is dynamic");
    }
    return p.mask && p.mask->dtype != DataType::kBOOL ? refuse_float_pair(*p.mask, p.values[kQuery], query.caps) : "";
}

} // namespace

std::vector<Candidate> attention_candidates(const Query& query) {
    Problem p{query.operation, {query.input(kQuery), query.input(kKey), query.input(kValue), query.output()}, {}};
    if (query.operation.inputs.size() > 3) p.mask = query.input(3);
    const std::string common = refuse(p, query);
    std::vector<Candidate> out = coopmat(p, common, query);
    for (Candidate& candidate : shared(p, common, query)) out.push_back(std::move(candidate));
    const bool alone = std::ranges::none_of(out, &Candidate::applicable);
    out.push_back(generic(p, common, query, alone));
    for (Candidate& candidate : out) candidate.strided = true;
    return out;
}

} // namespace tensorvk::tactics
