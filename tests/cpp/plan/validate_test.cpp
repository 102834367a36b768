#include "plan/validate.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "plan/layout.hpp"
#include "plan/samples.hpp"
#include "support/error.hpp"

namespace tensorvk::plan {
namespace {

struct Damage {
    const char* name;
    std::function<void(Plan&)> apply;
    const char* sentence; // part of the refusal
};

//! Buffer 5: a part of buffer `whole` from that byte on.
void add_view(Plan& p, std::int32_t whole, std::int64_t offset) {
    Program& program = p.portable;
    program.buffers.push_back({.name = "view", .kind = BufferKind::kVIEW, .bytes = program.exprs.constant(4), .whole = whole, .offset = program.exprs.constant(offset)});
}

// One row for every kind of nonsense that a file with correct digests can hold.
const Damage kDamages[] = {
    {"no_profile", [](Plan& p) { p.profiles.clear(); }, "no optimization profile"},
    {"profile_for_too_few_inputs", [](Plan& p) { p.profiles[0].inputs.clear(); }, "shapes for 0 inputs"},
    {"profile_of_wrong_rank", [](Plan& p) { p.profiles[0].inputs[0].min = {1}; }, "min <= opt <= max"},
    {"profile_min_above_max",
     [](Plan& p) {
         p.profiles[0].inputs[0].min = {9, 3};
     },
     "min <= opt <= max"},
    {"profile_contradicts_a_fixed_dimension",
     [](Plan& p) {
         p.profiles[0].inputs[0] = {{1, 4}, {1, 4}, {1, 4}};
     },
     "must be 3"},
    {"profile_negative",
     [](Plan& p) {
         p.profiles[0].inputs[0].min = {-1, 3};
     },
     "min <= opt <= max"},
    {"buffer_of_unknown_kind", [](Plan& p) { p.portable.buffers[2].kind = static_cast<BufferKind>(9); },
     "no known kind"},
    {"buffer_size_not_there", [](Plan& p) { p.portable.buffers[2].bytes = shape::Expr{1000}; },
     "no known kind or size"},
    {"view_of_nothing", [](Plan& p) { add_view(p, 77, 0); }, "not there"},
    {"view_without_offset",
     [](Plan& p) {
         add_view(p, 2, 0);
         p.portable.buffers.back().offset = shape::Expr{};
     },
     "not there"},
    {"view_of_weights", [](Plan& p) { add_view(p, 3, 0); }, "which has none"},
    {"view_of_itself", [](Plan& p) { add_view(p, 5, 0); }, "which has none"},
    {"view_beyond_the_whole", [](Plan& p) { add_view(p, 2, 1 << 20); }, "would begin at byte 1048576"},
    {"view_before_the_whole", [](Plan& p) { add_view(p, 2, -4); }, "would begin at byte -4"},
    {"view_written",
     [](Plan& p) {
         add_view(p, 2, 4);
         p.portable.steps[0].bindings.push_back({5, true});
     },
     "writes buffer"},
    {"constant_beyond_the_weights", [](Plan& p) { p.portable.buffers[3].constant_offset = 512; }, "bytes of weights"},
    {"constant_offset_wraps", [](Plan& p) { p.portable.buffers[3].constant_offset = ~std::uint64_t{255}; },
     "bytes of weights"},
    {"constant_longer_than_the_weights",
     [](Plan& p) { p.portable.buffers[3].bytes = p.portable.exprs.constant(1 << 20); }, "bytes of weights"},
    {"constant_not_aligned", [](Plan& p) { p.portable.buffers[3].constant_offset = 4; }, "bytes of weights"},
    {"constant_of_dynamic_size", [](Plan& p) { p.portable.buffers[3].bytes = p.portable.buffers[0].bytes; },
     "not a known number"},
    {"negative_arena_buffer", [](Plan& p) { p.portable.buffers[2].bytes = p.portable.exprs.constant(-4); },
     "would have -4 bytes"},
    {"io_without_name", [](Plan& p) { p.portable.io[0].name.clear(); }, "impossible name"},
    {"io_twice", [](Plan& p) { p.portable.io[1].name = "x"; }, "stands twice"},
    {"io_of_unknown_type", [](Plan& p) { p.portable.io[0].dtype = static_cast<DataType>(77); },
     "impossible name, type"},
    {"io_of_no_mode", [](Plan& p) { p.portable.io[0].mode = TensorIOMode::kNONE; }, "impossible name, type, mode"},
    {"io_of_rank_nine", [](Plan& p) { p.portable.io[0].dims.assign(9, p.portable.io[0].dims[1]); }, "rank"},
    {"io_on_an_arena_buffer", [](Plan& p) { p.portable.io[0].buffer = 2; }, "not one for it"},
    {"io_buffer_out_of_range", [](Plan& p) { p.portable.io[0].buffer = -5; }, "not one for it"},
    {"io_dimension_not_there", [](Plan& p) { p.portable.io[0].dims[0] = shape::Expr{-1}; }, "not there"},
    {"input_dimension_computed", [](Plan& p) { p.portable.io[0].dims[0] = p.portable.buffers[0].bytes; },
     "computed instead of given"},
    {"io_bytes_differ", [](Plan& p) { p.portable.io[1].dtype = DataType::kHALF; }, "does not have the tensor's"},
    {"output_before_input", [](Plan& p) { std::swap(p.portable.io[0], p.portable.io[1]); }, "comes after an output"},
    {"user_buffer_without_tensor", [](Plan& p) { p.portable.buffers[2].kind = BufferKind::kINPUT; },
     "to no input or output"},
    {"kernel_id_with_spaces", [](Plan& p) { p.portable.steps[0].kernel = "rm -rf"; }, "impossible kernel id"},
    {"kernel_id_empty", [](Plan& p) { p.portable.steps[0].kernel = ""; }, "impossible kernel id"},
    {"kernel_id_endless", [](Plan& p) { p.portable.steps[0].kernel = std::string(300, 'a'); }, "impossible kernel id"},
    {"too_many_params", [](Plan& p) { p.portable.steps[0].params.assign(31, p.portable.steps[0].params[0]); },
     "31 parameters"},
    {"param_not_there", [](Plan& p) { p.portable.steps[0].params[0] = shape::Expr{99}; }, "expression 99"},
    {"group_count_not_there", [](Plan& p) { p.portable.steps[1].groups[2] = shape::Expr{-1}; },
     "group counts from expression -1"},
    {"negative_group_count", [](Plan& p) { p.portable.steps[1].groups[0] = p.portable.exprs.constant(-1); },
     "would run -1 groups"},
    {"no_bindings", [](Plan& p) { p.portable.steps[0].bindings.clear(); }, "binds 0 buffers"},
    {"too_many_bindings",
     [](Plan& p) {
         p.portable.steps[0].bindings.assign(33, {0, false});
     },
     "binds 33 buffers"},
    {"binding_out_of_range", [](Plan& p) { p.portable.steps[0].bindings[0].buffer = 5; }, "binds buffer 5 of 5"},
    {"writes_an_input", [](Plan& p) { p.portable.steps[0].bindings[0].written = true; }, "writes buffer 'x'"},
    {"writes_weights", [](Plan& p) { p.portable.steps[0].bindings[1].written = true; }, "writes buffer 'packed w'"},
    {"init_reads_an_input", [](Plan& p) { p.portable.init[0].bindings[0].buffer = 0; }, "reads buffer 'x'"},
    {"init_writes_a_constant", [](Plan& p) { p.portable.init[0].bindings[0].written = true; }, "writes buffer 'w'"},
    {"init_depends_on_shapes", [](Plan& p) { p.portable.init[0].params[0] = p.portable.io[0].dims[0]; },
     "depends on input shapes"},
    {"spec_constant_twice",
     [](Plan& p) {
         p.portable.steps[0].spec.assign(2, {0, 64});
     },
     "specialization constant 0 twice"},
    {"spec_constant_far_off", [](Plan& p) { p.portable.steps[0].spec[0].id = 5000; }, "specialization constant 5000"},
    {"groups_descend", [](Plan& p) { p.portable.steps[0].group = 2; }, "barrier group 1 after group 2"},
    {"group_negative", [](Plan& p) { p.portable.steps[0].group = -1; }, "barrier group -1"},
    {"symbol_of_no_input", [](Plan& p) { (void)p.portable.exprs.symbol("ghost"); }, "no input's dimension"},
    {"size_overflows",
     [](Plan& p) {
         shape::ExprPool& pool = p.portable.exprs;
         const shape::Expr huge = pool.constant(INT64_MAX / 2);
         p.portable.buffers[2].bytes =
             pool.mul(pool.mul(p.portable.io[0].dims[0], huge), huge.valid() ? p.portable.buffers[0].bytes : huge);
     },
     "do not compute"},
    {"divides_by_zero",
     [](Plan& p) {
         shape::ExprPool& pool = p.portable.exprs;
         const shape::Expr n = p.portable.io[0].dims[0];
         p.portable.buffers[2].bytes = pool.floor_div(n, pool.sub(n, pool.constant(1)));
     },
     "do not compute"},
    {"constraint_of_no_left_side",
     [](Plan& p) {
         p.portable.constraints = {{shape::Expr{1000}, p.portable.io[0].dims[0], "add"}};
     },
     "constraint of layer 'add'"},
    {"constraint_of_no_right_side",
     [](Plan& p) {
         p.portable.constraints = {{p.portable.io[0].dims[0], shape::Expr{-2}, "add"}};
     },
     "constraint of layer 'add'"},
    {"constraint_of_an_endless_name",
     [](Plan& p) {
         const shape::Expr n = p.portable.io[0].dims[0];
         p.portable.constraints = {{n, n, std::string(kMaxNameLength + 1, 'a')}};
     },
     "refers to something that does not exist"},
    {"tuned_is_another_network", [](Plan& p) { p.tuned[0].program.io[0].name = "z"; }, "other inputs or outputs"},
    {"tuned_is_damaged", [](Plan& p) { p.tuned[0].program.steps[0].bindings[0].buffer = 7; }, "binds buffer 7 of 5"},
};

class PlanMeaning : public testing::TestWithParam<Damage> {};

TEST_P(PlanMeaning, NonsenseIsRefusedWithASentence) {
    Plan plan = samples::dynamic_plan();
    GetParam().apply(plan);
    try {
        validate(plan, plan.weights.size());
        FAIL() << "accepted";
    } catch (const InvalidPlan& error) {
        EXPECT_NE(std::string(error.what()).find(GetParam().sentence), std::string::npos) << error.what();
    }
}

INSTANTIATE_TEST_SUITE_P(All, PlanMeaning, testing::ValuesIn(kDamages), [](const auto& row) { return row.param.name; });

TEST(PlanMeaningOfGood, AcceptsTheSample) {
    const Plan plan = samples::dynamic_plan();
    EXPECT_NO_THROW(validate(plan, plan.weights.size()));
}

TEST(Symbols, ComeFromInputShapes) {
    const Program program = samples::dynamic_program();
    EXPECT_EQ(symbols_of(program, {{5, 3}}), std::vector<std::int64_t>{5});
    EXPECT_EQ(symbols_of(program, {{-1, 3}}), std::vector<std::int64_t>{-1});
    EXPECT_THROW((void)symbols_of(program, {{5, 4}}), InvalidArgument);
}

} // namespace
} // namespace tensorvk::plan
