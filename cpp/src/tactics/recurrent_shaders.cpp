// recurrent/loop, recurrent/kept and recurrent/steps: what the inputs of all steps add to the gates is one product of the matrix family; the rest is
// shaders/recurrent/sequence.comp, as one dispatch whose workgroups go through all steps alone (loop; kept: with the weights in registers), or
// as one dispatch for each step that all workgroups share.
#include <algorithm>
#include <bit>

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/packing.hpp"
#include "tactics/recurrent.hpp"
#include "tactics/rounds.hpp"

namespace tensorvk::tactics {

namespace {

using Problem = RecurrentProblem;

constexpr std::int32_t kPackLocalSize = 64;
constexpr std::int64_t kBodies = 8;          // of a round in the shader's loop along the state
constexpr std::int64_t kSumBodies = 4;       // of one over slices
constexpr std::int64_t kMostDispatches = 1024; // a plan names each
constexpr std::int64_t kMostKept = 24;       // fours of weights in registers: of 512 invocations they are all that a large GPU's processor has

std::int64_t up_to(std::int64_t count, std::int64_t multiple) { return (count + multiple - 1) / multiple * multiple; }

//! Extents that have to be known. 0: it is not.
struct Sizes {
    std::int64_t steps = 0, batch = 0, input = 0, hidden = 0, directions = 0, gates = 0;

    Sizes(const Problem& p, const shape::ExprPool& exprs)
        : steps(exprs.value(p.steps()).value_or(0)), batch(exprs.value(p.batch()).value_or(0)), input(exprs.value(p.input_size()).value_or(0)),
          hidden(exprs.value(p.hidden()).value_or(0)), directions(exprs.value(p.directions()).value_or(0)), gates(p.cell.gates) {}

    [[nodiscard]] std::int64_t columns() const { return directions * gates * hidden; }
    [[nodiscard]] std::int64_t width() const { return up_to(hidden, 4); }
};

//! How a workgroup is made: sequence.comp says of what.
struct SequenceGeometry {
    std::int64_t units = 4, rows = 1, slices = 1, kept = 0, threads = 64;

    [[nodiscard]] std::int64_t vectors(const Sizes& sizes) const { return units / 4 * sizes.gates; }
    [[nodiscard]] std::int64_t shared_bytes(const Sizes& sizes, bool sees_reset) const {
        const std::int64_t stride = std::max(kept * slices, sizes.width());
        return 4 * (rows * stride + (sees_reset ? rows * stride : 1) + rows * units + 4 * rows * slices * vectors(sizes));
    }
    //! Rounds of all loops of one invocation in one step, and before and after all.
    [[nodiscard]] std::int64_t rounds(const Sizes& sizes, bool sees_reset) const {
        const std::int64_t items = (vectors(sizes) * slices + threads - 1) / threads, places = (rows * units + threads - 1) / threads;
        const std::int64_t depth = rounds_of((sizes.hidden + slices - 1) / slices, kBodies) + 1;
        const std::int64_t sums = (sizes.gates + 1) * (rounds_of(slices, kSumBodies) + 1);
        return items * depth + (sees_reset ? items * depth + places * sums : 0) + places * (1 + sums) + 1;
    }
    [[nodiscard]] std::int64_t rounds_apart(const Sizes& sizes) const { return (rows * sizes.width() + 2 * rows * units) / threads + 4; }
};

bool sees_reset(const Problem& p) { return p.cell.gates == 3 && (p.flags & Problem::kLINEAR_BEFORE_RESET) == 0; }

// ---- the product of all inputs ----

//! An operation of the matrix family that writes to `sums`.
struct InputProduct {
    Operation operation;
    std::vector<Value> values;

    InputProduct(const Problem& p, const Sizes& sizes, shape::ExprPool& exprs, std::int32_t sums) {
        const Value &x = *p.input(Problem::kX), &w = *p.input(Problem::kW);
        const shape::Expr rows = exprs.mul(p.steps(), p.batch()), columns = exprs.constant(sizes.columns());
        values = {x, w, {.name = text(p.operation.name, " gates"), .dtype = DataType::kFLOAT, .dims = {rows, columns}, .buffer = sums}};
        values[0].dims = {rows, x.dims[2]};
        values[1].dims = {columns, x.dims[2]};
        operation.name = p.operation.name;
        operation.kind = MatrixProduct{.transpose_a = false, .transpose_b = true};
        operation.inputs = {0, 1};
        operation.outputs = {2};
    }

    //! The one that would be taken untimed, as long as it is a shader; nothing where there is none.
    [[nodiscard]] std::optional<Candidate> shader(const vulkan::DeviceCaps& caps, const shape::ExprPool& exprs) const {
        std::optional<Candidate> best;
        for (Candidate& candidate : matrix_candidates(operation, values, caps, exprs)) {
            if (!candidate.applicable() || candidate.host || candidate.calls_host()) continue;
            const bool estimated = candidate.estimate > 0.0 && (!best || best->estimate <= 0.0 || candidate.estimate < best->estimate);
            const bool better = candidate.portable && (!best || best->name.ends_with("/generic")) && (!best || best->estimate <= 0.0);
            if (!best || estimated || better) best = std::move(candidate);
        }
        return best;
    }
};

std::int32_t lower_inputs(const Problem& p, const Sizes& sizes, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const std::int32_t sums = lowering.scratch(exprs.product(std::array{p.steps(), p.batch(), exprs.constant(sizes.columns() * 4)}));
    const InputProduct product(p, sizes, exprs, sums);
    const auto shader = product.shader(lowering.caps(), exprs);
    if (!shader) throw InternalError(text("Layer '", p.operation.name, "' has no product for its inputs any more."));
    shader->lower(lowering);
    return sums;
}

// ---- weights ----

std::int32_t pack(const Problem& p, const Sizes& sizes, Lowering& lowering) {
    const Value &r = *p.input(Problem::kR), &bias = p.input(Problem::kBIAS) ? *p.input(Problem::kBIAS) : r,
                &peephole = p.input(Problem::kPEEPHOLE) ? *p.input(Problem::kPEEPHOLE) : r;
    const std::int64_t count = sizes.directions * sizes.gates * (sizes.hidden + 3) * sizes.width();
    const Value* source = &r; // packed in every run if any of them is made by the network
    for (const Value* value : {&bias, &peephole}) source = lowering.is_constant(*value) ? source : value;
    const auto is_half = [](const Value& value) { return value.dtype == DataType::kHALF; };
    const std::int32_t halves = (is_half(r) ? 1 : 0) | (is_half(bias) ? 2 : 0) | (is_half(peephole) ? 4 : 0);
    const auto make = [&](std::int32_t target) {
        StepBuilder step(lowering, p.operation.name, halves != 0 ? "recurrent/pack:f16" : "recurrent/pack:f32");
        step.local_size(kPackLocalSize).flat_groups(lowering.exprs().constant((count + kPackLocalSize - 1) / kPackLocalSize));
        step.specialize(false).param(count).param(sizes.hidden).param(sizes.width()).param(sizes.gates);
        step.geometry(0, halves).geometry(1, &bias != &r ? 1 : 0).geometry(2, &peephole != &r ? 1 : 0);
        step.reads(r.buffer).reads(bias.buffer).reads(peephole.buffer).writes(target);
        return step.take();
    };
    return pack_with(lowering, source->buffer, text("recurrent:", r.buffer, ":", bias.buffer, ":", peephole.buffer, ":", sizes.gates), count * 4, make);
}

// ---- the sequence ----

//! Where states are before and after a dispatch; -1: zeros before, nobody wants them after.
struct States {
    std::int32_t state = -1, cells = -1;
    bool half_state = false, half_cells = false;
};

class SequenceLowering {
public:
    SequenceLowering(const Problem& p, const SequenceGeometry& g, Lowering& lowering)
        : p_(p), sizes_(p, lowering.exprs()), g_(g), lowering_(lowering), exprs_(lowering.exprs()), weights_(pack(p, sizes_, lowering)),
          sums_(lower_inputs(p, sizes_, lowering)) {}

    //! In dispatches of `each` steps; 0: all in one.
    void run(std::int64_t each) {
        const std::int64_t pieces = each == 0 ? 1 : (sizes_.steps + each - 1) / each;
        States before = states(p_.input(Problem::kSTATE), p_.input(Problem::kCELLS));
        for (std::int64_t i = 0; i < pieces; ++i) {
            const bool last = i + 1 == pieces;
            const States after = last ? states(p_.output(Problem::kLAST_STATE), p_.output(Problem::kLAST_CELLS)) : between(i % 2);
            dispatch(before, after, i * each, last ? exprs_.sub(p_.steps(), exprs_.constant(i * each)) : exprs_.constant(each));
            before = after;
        }
    }

private:
    static States states(const Value* state, const Value* cells) {
        States out;
        if (state != nullptr) out = {state->buffer, -1, state->dtype == DataType::kHALF, false};
        if (cells != nullptr) {
            out.cells = cells->buffer;
            out.half_cells = cells->dtype == DataType::kHALF;
        }
        return out;
    }

    //! Two that take turns, since workgroups read what others write.
    States between(std::int64_t turn) {
        States& out = between_[static_cast<std::size_t>(turn)];
        const shape::Expr bytes = exprs_.mul(p_.batch(), exprs_.constant(sizes_.directions * sizes_.hidden * 4));
        if (out.state < 0) out.state = lowering_.scratch(bytes);
        if (out.cells < 0 && p_.cell.gates == 4) out.cells = lowering_.scratch(bytes);
        return out;
    }

    //! Of sequence.comp: STEPS .. FIRST and constants 0 .. 9.
    void dispatch(const States& before, const States& after, std::int64_t first, shape::Expr count) {
        const Value *lengths = p_.input(Problem::kLENGTHS), *all = p_.output(Problem::kALL);
        const bool half_all = all != nullptr && all->dtype == DataType::kHALF;
        const bool half = before.half_state || before.half_cells || after.half_state || after.half_cells || half_all;
        StepBuilder step(lowering_, p_.operation.name, half ? "recurrent/sequence:f16" : "recurrent/sequence:f32");
        const std::int64_t unit_groups = (sizes_.hidden + g_.units - 1) / g_.units;
        const shape::Expr tiles = exprs_.ceil_div(p_.batch(), exprs_.constant(g_.rows));
        const shape::Expr x = exprs_.max(exprs_.constant(1), exprs_.min(tiles, exprs_.constant(65535)));
        step.local_size(static_cast<std::int32_t>(g_.threads)).groups(x, exprs_.ceil_div(tiles, x), exprs_.constant(unit_groups * sizes_.directions));
        step.param(p_.steps()).param(p_.batch()).param(sizes_.directions).param(unit_groups).param(count);
        step.specialize(false).param(first); // or each dispatch would have a pipeline of its own
        std::int32_t present = p_.input(Problem::kPEEPHOLE) != nullptr ? 1 << 8 : 0;
        std::int32_t halves = 0;
        step.reads(sums_).reads(weights_);
        const auto bind = [&](int place, std::int32_t buffer, bool is_half, bool written) {
            present |= buffer >= 0 ? 1 << place : 0;
            halves |= is_half ? 1 << place : 0;
            buffer >= 0 && written ? step.writes(buffer) : step.reads(buffer >= 0 ? buffer : sums_); // absent ones are not touched
        };
        bind(2, lengths != nullptr ? lengths->buffer : -1, false, false);
        bind(3, before.state, before.half_state, false);
        bind(4, before.cells, before.half_cells, false);
        bind(5, all != nullptr ? all->buffer : -1, half_all, true);
        bind(6, after.state, after.half_state, true);
        bind(7, after.cells, after.half_cells, true);
        const std::int64_t constants[] = {p_.cell.gates, p_.flags, p_.clip_bits(), present, halves, sizes_.hidden, g_.units, g_.rows, g_.slices, g_.kept};
        for (std::uint32_t i = 0; i < std::size(constants); ++i) step.geometry(i, static_cast<std::int32_t>(constants[i]));
        step.pointwise(*p_.activations);
        lowering_.add(step.take());
    }

    const Problem& p_;
    Sizes sizes_;
    SequenceGeometry g_;
    Lowering& lowering_;
    shape::ExprPool& exprs_;
    std::int32_t weights_, sums_;
    std::array<States, 2> between_{};
};

// ---- candidates ----

std::string refuse_values(const Problem& p, const Sizes& sizes, const Query& query) {
    if (std::string why = refuse_cell(p); !why.empty()) return why;
    if (sizes.hidden == 0 || sizes.input == 0 || sizes.directions == 0) return "the sizes of its weights are dynamic or 0, the kernel is made for them";
    std::string why;
    const auto check = [&](const std::optional<Value>& value) {
        if (!why.empty() || !value) return;
        if (value->dtype != DataType::kFLOAT && value->dtype != DataType::kHALF) why = text("'", value->name, "' is ", dtype_name(value->dtype), ", the kernel takes float32 and float16");
        if (value->dtype == DataType::kHALF && !query.caps.fp16_storage) why = "the device cannot store 16-bit elements (storageBuffer16BitAccess)";
    };
    for (std::size_t i = 0; i < p.inputs.size(); ++i) {
        if (i != Problem::kLENGTHS) check(p.inputs[i]);
    }
    for (const std::optional<Value>& output : p.outputs) check(output);
    if (!why.empty()) return why;
    const Value* lengths = p.input(Problem::kLENGTHS);
    if (lengths != nullptr && lengths->dtype != DataType::kINT32) return text("'", lengths->name, "' is ", dtype_name(lengths->dtype), ", the kernel takes int32");
    constexpr std::uint32_t kBindings = 8;
    if (query.caps.limits.max_storage_bindings < kBindings) return text("it binds ", kBindings, " buffers, the device allows ", query.caps.limits.max_storage_bindings);
    return {};
}

std::string refuse_geometry(const Problem& p, const Sizes& sizes, const SequenceGeometry& g, const vulkan::DeviceCaps& caps) {
    const std::int64_t bytes = g.shared_bytes(sizes, sees_reset(p));
    if (bytes > caps.limits.max_shared_memory) return text("the states and sums of a workgroup take ", bytes, " bytes of shared memory, the device has ", caps.limits.max_shared_memory);
    if (g.rows > 1 && sizes.batch > 0 && sizes.batch * 2 <= g.rows) return text("the batch has ", sizes.batch, " rows, more than half of a tile of ", g.rows, " would be padding");
    return {};
}

//! A power of two of slices, so that there are about `threads` invocations whose sums fit into shared memory.
SequenceGeometry geometry(const Problem& p, const Sizes& sizes, std::int64_t units, std::int64_t rows, std::int64_t threads, const vulkan::DeviceCaps& caps) {
    SequenceGeometry g{.units = units, .rows = rows};
    const std::int64_t vectors = std::max<std::int64_t>(g.vectors(sizes), 1); // of sizes that are not known there are none
    const std::int64_t most = caps.is_cpu ? 1 : std::min(threads / vectors, sizes.hidden); // a CPU driver goes through invocations one after the other
    g.slices = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(std::max<std::int64_t>(most, 1))));
    while (g.slices > 1 && g.shared_bytes(sizes, sees_reset(p)) > caps.limits.max_shared_memory) g.slices /= 2;
    g.threads = std::clamp<std::int64_t>(up_to(vectors * g.slices, 32), 32, threads);
    return g;
}

//! What all candidates share.
class Offers {
public:
    Offers(const Problem& problem, const Query& query)
        : problem_(problem), caps_(query.caps), sizes_(problem, query.exprs), known_steps_(query.exprs.value(problem.steps()).has_value()),
          threads_(std::clamp<std::int64_t>(query.caps.limits.max_workgroup_invocations, kFewestThreads, query.caps.is_cpu ? 64 : 512)),
          common_(refuse_values(problem, sizes_, query)) {
        if (!common_.empty()) return;
        shape::ExprPool exprs = query.exprs; // a scratch copy
        if (!InputProduct(problem, sizes_, exprs, -1).shader(caps_, exprs)) common_ = "no shader computes the product of its inputs";
    }

    //! The first is taken where nothing is timed: from some size on one processor takes longer to read the weights than a dispatch takes.
    std::vector<Candidate> all() {
        constexpr std::int64_t kManyUnits = 192;
        const bool many = sizes_.hidden > kManyUnits;
        if (many) offer_steps();
        for (const std::int64_t rows : {1, 4}) offer_loops(rows);
        if (!many) offer_steps();
        return std::move(out_);
    }

private:
    static constexpr std::int64_t kFewestThreads = 32; // devices without shaders, which refuse in the end, have none

    void offer(std::string name, const SequenceGeometry& g, std::int64_t each, std::string why) {
        if (!common_.empty()) why = common_;
        if (why.empty()) why = refuse_geometry(problem_, sizes_, g, caps_);
        out_.push_back({.name = std::move(name), .refusal = why, .portable = true, .lower = {}});
        if (why.empty()) out_.back().lower = [problem = problem_, g, each](Lowering& lowering) { SequenceLowering(problem, g, lowering).run(each); };
    }

    void offer_loops(std::int64_t rows) {
        const SequenceGeometry g = geometry(problem_, sizes_, sizes_.width(), rows, threads_, caps_);
        // In pieces of so many steps no driver ends a loop too early, and no dispatch takes long.
        const std::int64_t rounds = std::max<std::int64_t>(g.rounds(sizes_, sees_reset(problem_)), 1), most = (kMostRounds - g.rounds_apart(sizes_)) / rounds;
        const bool maybe_cpu = caps_.is_cpu || caps_.subgroup_size == 0; // of the plan's portable program, which any device may run
        std::string why;
        if (known_steps_ && most < 1) why = text("one step loops ", rounds, " times, drivers for CPUs end loops after ", kMostRounds);
        if (!known_steps_ && maybe_cpu) why = text("the number of steps is dynamic, drivers for CPUs end loops after ", kMostRounds, " rounds");
        const std::int64_t each = known_steps_ && sizes_.steps > most ? most : 0;
        offer(text("recurrent/loop_", rows), g, each, why);

        SequenceGeometry kept = g;
        kept.kept = (sizes_.hidden + g.slices - 1) / g.slices;
        if (why.empty() && caps_.is_cpu) why = "a CPU has too few registers to keep weights in them";
        if (why.empty() && (g.vectors(sizes_) * g.slices > g.threads || kept.kept > kMostKept)) {
            why = text("more than ", 4 * kMostKept, " weights of each invocation would have to stay in registers");
        }
        offer(text("recurrent/kept_", rows), kept, each, why);
    }

    void offer_steps() {
        const std::int64_t rows = sizes_.batch > 2 || sizes_.batch == 0 ? 4 : sizes_.batch;
        for (const std::int64_t units : {8, 16, 32}) {
            std::string why;
            if (!known_steps_) why = "the number of steps is dynamic, and each needs a dispatch of its own";
            if (why.empty() && (sizes_.steps == 0 || sizes_.steps > kMostDispatches)) why = text("there are ", sizes_.steps, " steps, a plan names each: 1 to ", kMostDispatches);
            if (why.empty() && sees_reset(problem_)) why = "the reset gate of all units is needed before a step can end (linear_before_reset is 0)";
            if (why.empty() && sizes_.hidden <= units) why = text("there are only ", sizes_.hidden, " units, one workgroup has them all");
            if (why.empty() && caps_.is_cpu && units > 8) why = "the narrowest is enough for CPU drivers, whose pipelines take long to make";
            offer(text("recurrent/steps_", units), geometry(problem_, sizes_, units, rows, std::min<std::int64_t>(threads_, 256), caps_), 1, why);
        }
    }

    const Problem& problem_;
    const vulkan::DeviceCaps& caps_;
    Sizes sizes_;
    bool known_steps_;
    std::int64_t threads_;
    std::string common_;
    std::vector<Candidate> out_;
};

} // namespace

std::vector<Candidate> recurrent_shaders(const RecurrentProblem& problem, const Query& query) { return Offers(problem, query).all(); }

} // namespace tensorvk::tactics
