// Hand-made programs of element-wise float steps, for tests that need something to run but no compiler.
#pragma once

#include <cstring>
#include <vector>

#include "kernels/pointwise_program.hpp"
#include "plan/program.hpp"

namespace tensorvk::runtime::programs {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using plan::Program;
using shape::Expr;

inline std::int32_t add_buffer(Program& p, std::string name, plan::BufferKind kind, Expr count,
                               std::uint64_t offset = 0) {
    p.buffers.push_back({std::move(name), kind, p.exprs.mul(count, p.exprs.constant(4)), offset});
    return static_cast<std::int32_t>(p.buffers.size()) - 1;
}

inline std::int32_t add_io(Program& p, const std::string& name, TensorIOMode mode, shape::Exprs dims) {
    const auto kind = mode == TensorIOMode::kINPUT ? plan::BufferKind::kINPUT : plan::BufferKind::kOUTPUT;
    const std::int32_t buffer = add_buffer(p, name, kind, p.exprs.product(dims));
    p.io.push_back({name, DataType::kFLOAT, mode, std::move(dims), buffer});
    return buffer;
}

//! out[i] = a[i] op b[i] with the generic pointwise kernel; everything is flat and of `count` floats.
inline plan::Step binary(Program& p, PointwiseOp op, std::int32_t a, std::int32_t b, std::int32_t out, Expr count,
                         std::int32_t group) {
    constexpr int kLocal = 64;
    constexpr int kFlat = 1 << 24; // one axis, extends along it
    plan::Step step;
    step.layer = "layer " + std::to_string(p.steps.size());
    step.kernel = "pointwise/generic:f32";
    step.spec = kernels::encode({{{op, {PointwiseArg::Kind::kVALUE, 0}, {PointwiseArg::Kind::kOPERAND, 0}, {}, 0.0F}}});
    step.spec.insert(
        step.spec.end(),
        {{0, kLocal}, {1, 1}, {2, 1}, {81, kFlat}, {82, kFlat}, {83, kFlat}, {84, kFlat}, {85, kFlat}, {86, 1}});
    const Expr one = p.exprs.constant(1);
    step.params.assign(9, one);
    step.params[0] = count;
    step.params[1] = count;
    step.groups = {p.exprs.ceil_div(count, p.exprs.constant(kLocal)), one, one};
    step.bindings = {{a, false}, {b, false}, {a, false}, {a, false}, {a, false}, {out, true}};
    step.group = group;
    return step;
}

//! The same as a function of the host.
inline plan::Step host_binary(PointwiseOp op, std::int32_t a, std::int32_t b, std::int32_t out, Expr count, Expr one,
                              std::int32_t group) {
    plan::Step step;
    step.layer = "host layer";
    step.kernel = "cpu/pointwise:words";
    step.spec = kernels::encode({{{op, {PointwiseArg::Kind::kVALUE, 0}, {PointwiseArg::Kind::kOPERAND, 0}, {}, 0.0F}}});
    step.spec.insert(step.spec.end(), {{80, 1}, {81, 2}, {82, 0}, {83, 0}}); // axes, tensors, floats, computed in float
    step.params = {count, one, one};
    step.groups = {one, one, one};
    step.bindings = {{a, false}, {b, false}, {out, true}};
    step.group = group;
    return step;
}

//! y [N, 3] = (x [N, 3] + x) + x * x, in three steps; the first two are one barrier group.
inline Program dynamic_program() {
    Program p;
    const Expr n = p.exprs.symbol("x:0");
    const shape::Exprs dims{n, p.exprs.constant(3)};
    const Expr count = p.exprs.product(dims);
    const std::int32_t x = add_io(p, "x", TensorIOMode::kINPUT, dims);
    const std::int32_t y = add_io(p, "y", TensorIOMode::kOUTPUT, dims);
    const std::int32_t sum = add_buffer(p, "sum", plan::BufferKind::kARENA, count);
    const std::int32_t square = add_buffer(p, "square", plan::BufferKind::kARENA, count);
    p.steps.push_back(binary(p, PointwiseOp::kADD, x, x, sum, count, 0));
    p.steps.push_back(binary(p, PointwiseOp::kMUL, x, x, square, count, 0));
    p.steps.push_back(binary(p, PointwiseOp::kADD, sum, square, y, count, 1));
    return p;
}

inline float dynamic_result(float x) {
    return x + x + x * x;
}

inline constexpr std::size_t kWeights = 5;

//! y [5] = x + (w + w), where w + w is prepared when the program is loaded. `w` is at 256 in the weights.
inline Program weighted_program() {
    Program p;
    const Expr count = p.exprs.constant(kWeights);
    const std::int32_t x = add_io(p, "x", TensorIOMode::kINPUT, {count});
    const std::int32_t y = add_io(p, "y", TensorIOMode::kOUTPUT, {count});
    const std::int32_t w = add_buffer(p, "w", plan::BufferKind::kCONSTANT, count, 256);
    const std::int32_t twice = add_buffer(p, "twice w", plan::BufferKind::kDERIVED, count);
    p.init.push_back(binary(p, PointwiseOp::kADD, w, w, twice, count, 0));
    p.steps.push_back(binary(p, PointwiseOp::kADD, x, twice, y, count, 0));
    return p;
}

//! The same with functions of the host alone. y = x + ((w + w) + (w - w)): two preparing steps, the first of them a shader if `mixed`.
inline Program host_weighted_program(bool mixed) {
    Program p = weighted_program();
    const std::int32_t x = 0, y = 1, w = 2, twice = 3;
    const Expr count = p.exprs.constant(kWeights);
    const Expr one = p.exprs.constant(1);
    const std::int32_t nothing = add_buffer(p, "w - w", plan::BufferKind::kDERIVED, count);
    const std::int32_t sum = add_buffer(p, "w + w + nothing", plan::BufferKind::kDERIVED, count);
    if (!mixed) p.init = {host_binary(PointwiseOp::kADD, w, w, twice, count, one, 0)};
    p.init.push_back(host_binary(PointwiseOp::kSUB, w, w, nothing, count, one, 1));
    p.init.push_back(host_binary(PointwiseOp::kADD, twice, nothing, sum, count, one, 2));
    p.steps = {host_binary(PointwiseOp::kADD, x, sum, y, count, one, 0)};
    return p;
}

inline std::vector<std::byte> weights_of_weighted_program() {
    std::vector<std::byte> bytes(256 + kWeights * sizeof(float));
    for (std::size_t i = 0; i < kWeights; ++i) {
        const float value = static_cast<float>(i) + 0.5F;
        std::memcpy(bytes.data() + 256 + i * sizeof(float), &value, sizeof(value));
    }
    return bytes;
}

//! y [N] = a [N] + b [M], where M must be N.
inline plan::Plan two_inputs_plan() {
    plan::Plan plan;
    plan.profiles = {{{{{1}, {4}, {16}}, {{1}, {4}, {16}}}}};
    Program& p = plan.portable;
    const Expr n = p.exprs.symbol("a:0");
    const Expr m = p.exprs.symbol("b:0");
    const std::int32_t a = add_io(p, "a", TensorIOMode::kINPUT, {n});
    const std::int32_t b = add_io(p, "b", TensorIOMode::kINPUT, {m});
    const std::int32_t y = add_io(p, "y", TensorIOMode::kOUTPUT, {n});
    p.steps.push_back(binary(p, PointwiseOp::kADD, a, b, y, n, 0));
    p.constraints.push_back({n, m, "layer 0"});
    return plan;
}

inline plan::Plan dynamic_plan() {
    plan::Plan plan;
    plan.name = "dynamic";
    plan.profiles = {{{{{1, 3}, {4, 3}, {16, 3}}}}, {{{{0, 3}, {100, 3}, {1000, 3}}}}};
    plan.portable = dynamic_program();
    plan.report_json = "{}";
    return plan;
}

inline plan::Plan weighted_plan() {
    plan::Plan plan;
    plan.name = "weighted";
    plan.profiles = {{{{{5}, {5}, {5}}}}};
    plan.portable = weighted_program();
    plan.weights = weights_of_weighted_program();
    return plan;
}

} // namespace tensorvk::runtime::programs
