// A tactic family answers, for one operation on one device, with candidates: each either applicable or refused with a reason.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "plan/program.hpp"
#include "tactics/operation.hpp"
#include "vulkan/device_plan.hpp"

namespace tensorvk::tactics {

//! What a candidate's lowering sees and writes to: one program under construction.
class Lowering {
public:
    Lowering(plan::Program& program, std::span<const Value> values, const vulkan::DeviceCaps& caps)
        : program_(program), values_(values), caps_(caps) {}

    [[nodiscard]] plan::Program& program() noexcept { return program_; }
    [[nodiscard]] shape::ExprPool& exprs() noexcept { return program_.exprs; }
    [[nodiscard]] const shape::ExprPool& exprs() const noexcept { return program_.exprs; }
    [[nodiscard]] std::span<const Value> values() const noexcept { return values_; }
    [[nodiscard]] const Value& value(ValueId id) const { return values_[static_cast<std::size_t>(id)]; }
    [[nodiscard]] const vulkan::DeviceCaps& caps() const noexcept { return caps_; }

    //! Whether the value's numbers are those of the plan.
    [[nodiscard]] bool is_constant(const Value& value) const {
        return value.buffer >= 0 && program_.buffers[static_cast<std::size_t>(value.buffer)].kind == plan::BufferKind::kCONSTANT;
    }
    //! A buffer in the arena that lives during this operation only.
    std::int32_t scratch(shape::Expr bytes);
    //! A buffer that an init step fills once per engine (prepacked weights). Equal keys share one buffer: `key` names source and packing;
    //! returns {buffer, true} when the caller has to add the init step.
    std::pair<std::int32_t, bool> derived(const std::string& key, std::int64_t bytes);
    void add_init(plan::Step step) { program_.init.push_back(std::move(step)); }
    //! Steps of one operation run one after the other (a barrier between them) unless `same_group`.
    void add(plan::Step step, bool same_group = false);

    //! Element strides of a value's logical axes in memory, for its layout.
    [[nodiscard]] shape::Exprs strides(const Value& value);

private:
    plan::Program& program_;
    std::span<const Value> values_;
    const vulkan::DeviceCaps& caps_;
    std::vector<std::pair<std::string, std::int32_t>> derived_;
};

struct Candidate {
    std::string name;    // "conv/direct", "conv/tile_8x8"
    std::string refusal; // not empty: refused, and this is why
    bool host = false;     // runs on the host: a CPU device's, and of the tactic source HOST
    bool portable = false; // needs no optional feature: may serve the plan's portable program
    bool in_place = false; // writes into the part of its output that the operation's placement names
    bool accompanied = false; // computes the operation's companion on the way
    bool strided = false;  // reads its inputs and operands by memory_strides(), so that they may have gaps
    double estimate = 0.0; // microseconds that a model expects on a GPU; 0: there is none
    double beside = 0.0;   // microseconds that it takes longer in a network than when it is timed alone
    std::function<void(Lowering&)> lower; // adds steps; empty when refused

    [[nodiscard]] bool applicable() const noexcept { return refusal.empty(); }
    //! Its step is a call of a host function, which any device's host makes.
    [[nodiscard]] bool calls_host() const noexcept { return name.ends_with("/host") || name.starts_with("host/"); }
};

//! Candidates in the order in which they are tried. The one named generic ("<family>/generic") takes nearly everything (it may refuse an epilogue
//! or a type); where it applies, it is the reference that the others are checked against. `values` are all values of the program.
[[nodiscard]] std::vector<Candidate> candidates(const Operation& operation, std::span<const Value> values, const vulkan::DeviceCaps& caps,
                                                const shape::ExprPool& exprs);

} // namespace tensorvk::tactics
