// cpu/recurrent: RNN, GRU and LSTM. What the inputs of many steps add to the gates is one product; what the states add follows step by step.
// Directions, and halves of large batches, run side by side. The step is made by tactics/recurrent.cpp, where its parameters stand.
#include "kernels/cpu/recurrent.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>

#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/workers.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::int64_t kBlock = 1 << 15;         // sums of so many steps at a time stay in the second cache
constexpr std::int64_t kWorthThreads = 1 << 18;  // multiplications
constexpr std::int64_t kWorthHalving = 8;        // rows of a batch: fewer share the time in which the weights are loaded

enum Flag : std::int32_t { kREVERSED = 1, kBATCH_FIRST = 2, kLINEAR_BEFORE_RESET = 4, kCOUPLES_FORGET = 8, kCONSTANT_WEIGHTS = 16 };
enum Place : std::size_t { kX, kW, kR, kBIAS, kLENGTHS, kSTATE, kCELLS, kPEEPHOLE, kALL, kLAST_STATE, kLAST_CELLS };

//! What is absent is null.
struct Memory {
    const float *x = nullptr, *w = nullptr, *r = nullptr, *bias = nullptr, *state = nullptr, *cells = nullptr, *peephole = nullptr;
    const std::int32_t* lengths = nullptr;
    float *all = nullptr, *last_state = nullptr, *last_cells = nullptr;
};

[[noreturn]] void refuse(const Launch& launch, const char* what, std::int64_t value) {
    throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is a recurrent network with ", what, " ", value, ": rebuild the plan."));
}

std::int64_t extent(const Launch& launch, std::size_t param, std::int64_t least, const char* what) {
    const std::int64_t value = launch.param(param);
    if (value < least || value > std::numeric_limits<std::int32_t>::max()) refuse(launch, what, value);
    return value;
}

std::size_t activations_of(CellKind kind) { return kind == CellKind::kLSTM ? 3 : kind == CellKind::kGRU ? 2 : 1; }

RecurrentShape shape_of(const Launch& launch) {
    RecurrentShape s;
    const std::int32_t kind = launch.geometry(0), flags = launch.geometry(1);
    if (kind != 1 && kind != 3 && kind != 4) refuse(launch, "a number of gates of", kind);
    s.kind = static_cast<CellKind>(kind);
    s.steps = extent(launch, 0, 0, "a number of steps of");
    s.batch = extent(launch, 1, 0, "a batch of");
    s.input = extent(launch, 2, 0, "an input size of");
    s.hidden = extent(launch, 3, 1, "a hidden size of");
    s.directions = extent(launch, 4, 1, "a number of directions of");
    if (s.directions > 2) refuse(launch, "a number of directions of", s.directions);
    s.reversed = (flags & kREVERSED) != 0;
    s.batch_first = (flags & kBATCH_FIRST) != 0;
    s.linear_before_reset = (flags & kLINEAR_BEFORE_RESET) != 0;
    s.couples_forget = (flags & kCOUPLES_FORGET) != 0;
    s.clip = std::bit_cast<float>(launch.geometry(2));
    const PointwiseProgram program = launch.program(0);
    const std::size_t each = activations_of(s.kind);
    if (program.slots.size() != each * static_cast<std::size_t>(s.directions)) {
        refuse(launch, "a number of activations of", static_cast<std::int64_t>(program.slots.size()));
    }
    for (std::size_t i = 0; i < program.slots.size(); ++i) {
        PointwiseSlot slot = program.slots[i];
        // Each stands alone, on one number and perhaps a constant.
        slot.a = {PointwiseArg::Kind::kVALUE, 0};
        slot.b = {PointwiseArg::Kind::kIMMEDIATE, 0};
        if (arity(slot.op) > 2) refuse(launch, "an activation of code", static_cast<std::int64_t>(slot.op));
        s.activations[i / each][i % each] = slot;
    }
    return s;
}

Memory memory_of(const Launch& launch, const RecurrentShape& s) {
    const auto present = static_cast<std::uint32_t>(launch.geometry(3));
    const auto find = [&]<typename T>(Place place, std::initializer_list<std::int64_t> extents) -> T* {
        return (present >> place & 1U) != 0 ? launch.buffer<T>(place, checked_volume(std::span(extents.begin(), extents.size()))) : nullptr;
    };
    const auto read = [&](Place place, std::initializer_list<std::int64_t> extents) { return find.operator()<const float>(place, extents); };
    const auto written = [&](Place place, std::initializer_list<std::int64_t> extents) { return find.operator()<float>(place, extents); };
    Memory m;
    m.x = read(kX, {s.steps, s.batch, s.input});
    m.w = read(kW, {s.directions, s.gates(), s.hidden, s.input});
    m.r = read(kR, {s.directions, s.gates(), s.hidden, s.hidden});
    m.bias = read(kBIAS, {s.directions, 2, s.gates(), s.hidden});
    m.state = read(kSTATE, {s.directions, s.batch, s.hidden});
    m.cells = read(kCELLS, {s.directions, s.batch, s.hidden});
    m.peephole = read(kPEEPHOLE, {s.directions, 3, s.hidden});
    m.all = written(kALL, {s.steps, s.directions, s.batch, s.hidden});
    m.last_state = written(kLAST_STATE, {s.directions, s.batch, s.hidden});
    m.last_cells = written(kLAST_CELLS, {s.directions, s.batch, s.hidden});
    if ((present >> kLENGTHS & 1U) != 0) m.lengths = launch.buffer<const std::int32_t>(kLENGTHS, s.batch);
    if (m.r == nullptr || (s.input > 0 && (m.w == nullptr || (m.x == nullptr && s.steps > 0 && s.batch > 0)))) refuse(launch, "inputs", present);
    return m;
}

//! Gate after gate, each from a whole group of columns on.
Floats spaced(const RecurrentShape& s, const float* numbers, std::int64_t gates) {
    Floats out(static_cast<std::size_t>(gates * s.gate()), 0.0f);
    for (std::int64_t gate = 0; gate < gates && numbers != nullptr; ++gate) std::copy_n(numbers + gate * s.hidden, s.hidden, out.data() + gate * s.gate());
    return out;
}

DirectionWeights pack(const RecurrentShape& s, const Memory& m, std::int64_t direction) {
    const std::int64_t gates = s.gates(), rows = gates * s.hidden;
    const float* r = m.r + direction * rows * s.hidden;
    const float* bias = m.bias == nullptr ? nullptr : m.bias + direction * 2 * rows;
    DirectionWeights out;
    out.input = {m.w + direction * rows * s.input, gates, s.hidden, s.input};
    out.input_bias = spaced(s, bias, gates);
    const Floats state_bias = spaced(s, bias == nullptr ? nullptr : bias + rows, gates);
    const bool gru = s.kind == CellKind::kGRU;
    const std::int64_t joined = gru ? 2 : gates; // gates whose two sums are one
    for (std::int64_t i = 0; i < joined * s.gate(); ++i) out.input_bias[static_cast<std::size_t>(i)] += state_bias[static_cast<std::size_t>(i)];
    out.state = {r, joined, s.hidden, s.hidden};
    if (gru) {
        out.candidate = {r + 2 * s.hidden * s.hidden, 1, s.hidden, s.hidden};
        out.state_bias.assign(state_bias.begin() + 2 * s.gate(), state_bias.end());
    }
    if (m.peephole != nullptr) out.peephole = spaced(s, m.peephole + direction * 3 * s.hidden, 3);
    return out;
}

//! Some rows of the batch in one direction.
struct Unit {
    Unit(const RecurrentShape& s, const DirectionWeights& weights, std::int64_t to, std::int64_t begin, std::int64_t count)
        : direction(to), first(begin), rows(count), steps_at_once(std::clamp<std::int64_t>(kBlock / (count * s.gates() * s.gate()), 1, std::max<std::int64_t>(s.steps, 1))),
          cell(s, weights, static_cast<std::size_t>(to), count), sums(static_cast<std::size_t>(steps_at_once * count * s.gates() * s.gate())) {}

    std::int64_t direction, first, rows, steps_at_once;
    RecurrentCell cell;
    Floats sums;
    std::vector<const float*> inputs;
    std::vector<float*> outputs;
    std::vector<std::int64_t> active; // rows whose sequence has not ended
};

class Layer {
public:
    Layer(const RecurrentShape& shape, const Memory& memory, std::shared_ptr<std::vector<DirectionWeights>> weights, bool constant)
        : s_(shape), m_(memory), weights_(std::move(weights)), constant_(constant) {
        const int threads = workers().threads();
        const std::int64_t pieces = s_.directions == 1 && s_.batch >= kWorthHalving ? threads : 1;
        const std::int64_t rows = (s_.batch + pieces - 1) / pieces;
        for (std::int64_t d = 0; d < s_.directions; ++d) {
            for (std::int64_t b = 0; b < s_.batch; b += rows) units_.emplace_back(s_, (*weights_)[static_cast<std::size_t>(d)], d, b, std::min(rows, s_.batch - b));
        }
        const auto work = static_cast<double>(s_.steps) * static_cast<double>(s_.batch) * static_cast<double>(s_.gates() * s_.hidden) * static_cast<double>(s_.input + s_.hidden);
        side_by_side_ = work >= static_cast<double>(kWorthThreads);
    }
    Layer(const Layer&) = delete;
    Layer& operator=(const Layer&) = delete;

    void run() {
        for (std::int64_t d = 0; d < s_.directions && !constant_; ++d) (*weights_)[static_cast<std::size_t>(d)] = pack(s_, m_, d);
        if (m_.lengths != nullptr && m_.all != nullptr) std::fill_n(m_.all, s_.steps * s_.directions * s_.batch * s_.hidden, 0.0f); // behind the ends
        const auto count = static_cast<std::int64_t>(units_.size());
        spread(count, side_by_side_ ? 1 : count, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) run(units_[static_cast<std::size_t>(i)]);
        });
    }

private:
    //! A length outside is moved to the nearest one inside.
    [[nodiscard]] std::int64_t length(const Unit& unit, std::int64_t row) const {
        return m_.lengths == nullptr ? s_.steps : std::clamp<std::int64_t>(m_.lengths[unit.first + row], 0, s_.steps);
    }
    [[nodiscard]] std::int64_t time(const Unit& unit, std::int64_t row, std::int64_t step) const {
        return s_.reversed || unit.direction == 1 ? length(unit, row) - 1 - step : step;
    }
    [[nodiscard]] std::int64_t state_at(const Unit& unit, std::int64_t row) const {
        const std::int64_t b = unit.first + row;
        return (s_.batch_first ? b * s_.directions + unit.direction : unit.direction * s_.batch + b) * s_.hidden;
    }

    void run(Unit& unit) {
        std::int64_t longest = 0;
        for (std::int64_t row = 0; row < unit.rows; ++row) {
            longest = std::max(longest, length(unit, row));
            const auto begin = [&](float* to, const float* from) {
                std::fill_n(to, s_.gate(), 0.0f);
                if (from != nullptr) std::copy_n(from + state_at(unit, row), s_.hidden, to);
            };
            begin(unit.cell.state(row), m_.state);
            begin(unit.cell.cells(row), m_.cells);
        }
        for (std::int64_t step = 0; step < longest; step += unit.steps_at_once) run(unit, step, std::min(step + unit.steps_at_once, longest));
        for (std::int64_t row = 0; row < unit.rows; ++row) {
            if (m_.last_state != nullptr) std::copy_n(unit.cell.state(row), s_.hidden, m_.last_state + state_at(unit, row));
            if (m_.last_cells != nullptr) std::copy_n(unit.cell.cells(row), s_.hidden, m_.last_cells + state_at(unit, row));
        }
    }

    void run(Unit& unit, std::int64_t first, std::int64_t last) {
        const bool alone = units_.size() == 1;
        unit.inputs.clear();
        unit.outputs.clear();
        for (std::int64_t step = first; step < last; ++step) {
            for (std::int64_t row = 0; row < unit.rows; ++row) {
                if (step >= length(unit, row)) continue;
                const std::int64_t b = unit.first + row, t = time(unit, row, step);
                unit.inputs.push_back(m_.x + (s_.batch_first ? b * s_.steps + t : t * s_.batch + b) * s_.input);
                unit.outputs.push_back(unit.sums.data() + static_cast<std::int64_t>(unit.outputs.size()) * s_.gates() * s_.gate());
            }
        }
        const DirectionWeights& weights = (*weights_)[static_cast<std::size_t>(unit.direction)];
        weights.input.multiply(unit.inputs, unit.outputs, weights.input_bias.data(), alone);
        std::size_t at = 0;
        for (std::int64_t step = first; step < last; ++step) {
            unit.active.clear();
            for (std::int64_t row = 0; row < unit.rows; ++row) {
                if (step < length(unit, row)) unit.active.push_back(row);
            }
            unit.cell.step(unit.active, std::span(unit.outputs).subspan(at, unit.active.size()), alone);
            at += unit.active.size();
            for (const std::int64_t row : unit.active) write(unit, row, time(unit, row, step));
        }
    }

    void write(Unit& unit, std::int64_t row, std::int64_t time) const {
        if (m_.all == nullptr) return;
        const std::int64_t b = unit.first + row;
        const std::int64_t to = s_.batch_first ? (b * s_.steps + time) * s_.directions + unit.direction : (time * s_.directions + unit.direction) * s_.batch + b;
        std::copy_n(unit.cell.state(row), s_.hidden, m_.all + to * s_.hidden);
    }

    RecurrentShape s_;
    Memory m_;
    std::shared_ptr<std::vector<DirectionWeights>> weights_;
    bool constant_, side_by_side_ = false;
    std::vector<Unit> units_;
};

} // namespace

Run prepare_recurrent(const Launch& launch) {
    const RecurrentShape s = shape_of(launch);
    const Memory m = memory_of(launch, s);
    const bool constant = (launch.geometry(1) & kCONSTANT_WEIGHTS) != 0;
    const auto make = [&] {
        auto all = std::make_shared<std::vector<DirectionWeights>>();
        for (std::int64_t d = 0; d < s.directions; ++d) all->push_back(pack(s, m, d));
        return all;
    };
    if (s.batch == 0) return [] {};
    auto weights = constant ? launch.keep().get<std::vector<DirectionWeights>>("weights", make) : make();
    auto layer = std::make_shared<Layer>(s, m, std::move(weights), constant);
    return [layer] { layer->run(); };
}

} // namespace tensorvk::kernels::cpu
