// Normalisations of groups of channels: a workgroup a group, or, in two dispatches, several workgroups a group.
#include <algorithm>
#include <bit>

#include "support/error.hpp"
#include "tactics/collapse.hpp"
#include "tactics/epilogue.hpp"
#include "tactics/group_normalization.hpp"
#include "tactics/layout.hpp"
#include "tactics/rounds.hpp"
#include "tactics/spatial.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::int64_t kMostKept = 16; // units of a lane
constexpr std::int32_t kFewLanes = 64, kLanesOfAnyDevice = 128, kMostLanes = 512;
constexpr std::int64_t kPasses = 3, kBodies = 4; // over a group, and in a round of their loops

struct Problem {
    Operation operation;
    Value x, y;
    bool channels_last; // a group is some channels of each position, instead of one piece

    explicit Problem(const Query& query)
        : operation(query.operation), x(query.input(0)), y(query.output()), channels_last(x.layout == Layout::kCHANNELS_LAST && !same_in_both_layouts(query.exprs, x)) {}

    [[nodiscard]] const Normalization& kind() const { return std::get<Normalization>(operation.kind); }
    [[nodiscard]] shape::Expr channels() const { return x.dims[1]; }
    [[nodiscard]] shape::Expr positions(shape::ExprPool& exprs) const { return exprs.product({x.dims.begin() + 2, x.dims.end()}); }
    [[nodiscard]] shape::Expr rows(shape::ExprPool& exprs) const { return exprs.mul(x.dims[0], exprs.constant(kind().groups)); }
    [[nodiscard]] shape::Expr units(shape::ExprPool& exprs, std::int64_t width) const {
        const shape::Expr of_a_group = exprs.floor_div(channels(), exprs.constant(kind().groups));
        return exprs.floor_div(exprs.mul(of_a_group, positions(exprs)), exprs.constant(width));
    }
};

//! Elements of a unit, and whether several workgroups share a group.
struct Way {
    std::int64_t width = 1;
    bool split = false, any_length = false;
    [[nodiscard]] std::string variant() const { return width == 4 ? "vec4_" : ""; }
};

std::int32_t most_lanes(const vulkan::DeviceCaps& caps) {
    if (caps.is_cpu) return kLanesOfAnyDevice;
    const auto device = static_cast<std::int32_t>(std::min(caps.limits.max_workgroup_invocations, caps.limits.max_workgroup_size[0]));
    return device >= kMostLanes ? kMostLanes : device >= kMostLanes / 2 ? kMostLanes / 2 : kLanesOfAnyDevice;
}

//! Lanes of a workgroup and what each of them keeps (0: it reads a group several times, as one whose length nobody knows).
struct Lanes {
    Lanes(std::optional<std::int64_t> units, const Way& way, const vulkan::DeviceCaps& caps) {
        constexpr std::int64_t kGoodShare = 4; // units of a lane that read at once
        const std::int32_t most = way.split ? std::min(most_lanes(caps), kMostLanes / 2) : most_lanes(caps);
        count = kFewLanes;
        while (count < most && (!units || count * kGoodShare < *units)) count *= 2;
        const std::int64_t share = units && !way.any_length ? (*units + count - 1) / count : 0;
        kept = way.split ? std::min(share, kMostKept / 2) : share > kMostKept || caps.is_cpu ? 0 : share;
    }
    std::int32_t count;
    std::int64_t kept;
};

enum class Stage : std::int32_t { kWHOLE = 0, kSTATISTICS = 1, kRESULTS = 2 };

struct Parts { std::int64_t count = 1; shape::Expr units{}; std::int32_t statistics = -1; };

void add_stage(const Problem& p, const Way& way, const Lanes& lanes, const Parts& parts, Stage stage, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, p.operation.name, "normalization/groups:" + way.variant() + product_variant({p.operation, lowering.values(), lowering.caps(), exprs}));
    const shape::Expr count = exprs.mul(p.rows(exprs), exprs.constant(parts.count));
    step.local_size(lanes.count).flat_groups(count);
    step.param(count).param(p.channels()).param(p.positions(exprs)).param(p.kind().groups).param(parts.count).param(parts.units);
    step.geometry(2, p.kind().centred ? 1 : 0).geometry(3, std::bit_cast<std::int32_t>(p.kind().epsilon)).geometry(4, lanes.count);
    step.geometry(5, stage == Stage::kRESULTS ? 0 : static_cast<std::int32_t>(lanes.kept)).geometry(6, static_cast<std::int32_t>(stage)).geometry(7, p.channels_last ? 1 : 0);
    // A stage that does not use a binding has there what it reads or writes elsewhere: nobody else's readers are to wait for it.
    const std::int32_t written = stage == Stage::kSTATISTICS ? parts.statistics : p.y.buffer;
    step.reads(p.x.buffer);
    stage == Stage::kRESULTS ? step.reads(parts.statistics) : step.writes(written);
    step.reads(p.x.buffer).writes(written);
    add_epilogue(step, lowering, p.operation, convolution_roles(p.y.dims.size()), half_bits(p.x, p.y), p.x.buffer);
    lowering.add(step.take());
}

void lower(const Problem& p, const Way& way, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const shape::Expr units = p.units(exprs, way.width);
    const auto known = exprs.value(units);
    const Lanes lanes(known, way, lowering.caps());
    if (!way.split) return add_stage(p, way, lanes, {.units = units}, Stage::kWHOLE, lowering);
    const std::int64_t share = lanes.count * lanes.kept, parts = (*known + share - 1) / share;
    const std::int64_t bytes = 2 * static_cast<std::int64_t>(sizeof(float)) * parts;
    const std::int32_t statistics = lowering.scratch(exprs.mul(p.rows(exprs), exprs.constant(bytes)));
    for (const Stage stage : {Stage::kSTATISTICS, Stage::kRESULTS}) add_stage(p, way, lanes, {parts, exprs.constant(share), statistics}, stage, lowering);
}

std::string refuse(const Problem& p, const Way& way, const Query& query) {
    if (std::string why = refuse_float_pair(p.x, p.y, query.caps); !why.empty()) return why;
    if (std::string why = refuse_epilogue(query, convolution_roles(p.y.dims.size()), false); !why.empty()) return why;
    if (p.x.layout != p.y.layout && !same_in_both_layouts(query.exprs, p.x)) return "input and output lie differently in memory";
    shape::ExprPool exprs = query.exprs; // a scratch copy: questions about expressions make new ones
    const shape::Expr together = p.channels_last ? exprs.floor_div(p.channels(), exprs.constant(p.kind().groups)) : p.positions(exprs);
    if (way.width > 1 && !is_multiple_of(exprs, together, way.width)) {
        return text("the number of ", p.channels_last ? "channels of a group, " : "positions, ", exprs.str(together), ", is not known to be a multiple of ", way.width);
    }
    const shape::Expr of_a_group = p.units(exprs, way.width);
    const auto units = exprs.value(of_a_group);
    const Lanes lanes(units, way, query.caps);
    if (!way.split) return refuse_rounds(query.caps, kPasses * rounds_of(most_of(exprs, of_a_group) / lanes.count + 1, kBodies));
    if (query.caps.is_cpu) return "a CPU device has few cores, and one workgroup of a group keeps each busy";
    if (!units) return "the length of a group is dynamic";
    return *units <= lanes.count * lanes.kept ? "one workgroup reads a group at once" : "";
}

} // namespace

std::vector<Candidate> group_normalization_candidates(const Query& query) {
    const Problem problem(query);
    std::vector<Candidate> out;
    // A workgroup a group leaves a large GPU idle where groups are few and long (a VAE's 32 of a million elements each): there the second dispatch
    // and reading twice cost less than the waiting.
    for (const auto& [name, way] : {std::pair{"normalization/groups_split_vec4", Way{4, true}}, std::pair{"normalization/groups_split", Way{1, true}},
                                    std::pair{"normalization/groups_vec4", Way{4}}, std::pair{"normalization/groups", Way{1}},
                                    std::pair{"normalization/generic", Way{.any_length = true}}}) {
        Candidate candidate{.name = name, .refusal = refuse(problem, way, query), .portable = way.any_length, .lower = {}};
        if (candidate.applicable()) candidate.lower = [problem, way](Lowering& lowering) { lower(problem, way, lowering); };
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
