// Small plans for tests.
#pragma once

#include <cstring>

#include "plan/program.hpp"

namespace tensorvk::plan::samples {

//! x [N, 3] -> tmp -> y [N, 3], with a constant, a derived buffer and an init step. The kernels exist by name only.
inline Program dynamic_program(const std::string& variant = "f32") {
    Program p;
    const shape::Expr n = p.exprs.symbol("x:0");
    const shape::Expr three = p.exprs.constant(3);
    const shape::Expr count = p.exprs.mul(n, three);
    const shape::Expr bytes = p.exprs.mul(count, p.exprs.constant(4));
    const shape::Expr weights = p.exprs.constant(12);
    const shape::Expr one = p.exprs.constant(1);
    p.buffers = {{"x", BufferKind::kINPUT, bytes, 0},
                 {"y", BufferKind::kOUTPUT, bytes, 0},
                 {"tmp", BufferKind::kARENA, bytes, 0},
                 {"w", BufferKind::kCONSTANT, weights, 256},
                 {"packed w", BufferKind::kDERIVED, weights, 0}};
    p.io = {{"x", DataType::kFLOAT, TensorIOMode::kINPUT, {n, three}, 0},
            {"y", DataType::kFLOAT, TensorIOMode::kOUTPUT, {n, three}, 1}};
    const std::array<shape::Expr, 3> groups{p.exprs.ceil_div(count, p.exprs.constant(64)), one, one};
    p.init = {{"prepack",
               "test/pack:" + variant,
               7,
               {{kSpecLocalSize, 64}},
               {three},
               {one, one, one},
               {{3, false}, {4, true}},
               0,
               {}}};
    p.steps = {
        {"first",
         "test/add:" + variant,
         8,
         {{kSpecLocalSize, 64}},
         {count},
         groups,
         {{0, false}, {4, false}, {2, true}},
         0,
         {}},
        {"second", "test/relu:" + variant, 9, {{kSpecLocalSize, 64}}, {count}, groups, {{2, false}, {1, true}}, 1, {}}};
    return p;
}

inline Plan dynamic_plan() {
    Plan plan;
    plan.name = "sample";
    plan.profiles = {{{{{1, 3}, {2, 3}, {8, 3}}}}};
    plan.portable = dynamic_program();
    TunedProgram& tuned = plan.tuned.emplace_back();
    tuned.device.name = "Some GPU";
    tuned.device.vendor_id = 0x10de;
    tuned.device.device_id = 0x2335;
    tuned.program = dynamic_program("tuned");
    plan.weights.resize(256 + 12);
    const float weights[3] = {1.0F, 2.0F, 3.0F};
    std::memcpy(plan.weights.data() + 256, weights, sizeof(weights));
    plan.report_json = R"({"layers": []})";
    plan.builder_flags = 5;
    plan.profiling_verbosity = 1;
    return plan;
}

} // namespace tensorvk::plan::samples
