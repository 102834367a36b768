// Builds one dispatch: numbers parameters in order and makes specialization constants of those whose value is known.
#pragma once

#include <cstdint>
#include <string>

#include "tactics/family.hpp"

namespace tensorvk::tactics {

class StepBuilder {
public:
    //! Throws InternalError when this build has no such kernel.
    StepBuilder(Lowering& lowering, std::string layer, std::string kernel);

    //! Known parameters become constants of the pipeline. A CPU driver compiles each distinct pipeline for 15 to 150 ms, so there they
    //! stay push constants and pipelines are shared between layers, unless this is called with true.
    StepBuilder& specialize(bool on);

    StepBuilder& local_size(std::int32_t x, std::int32_t y = 1, std::int32_t z = 1);
    StepBuilder& geometry(std::uint32_t index, std::int32_t value);
    StepBuilder& param(shape::Expr value);
    StepBuilder& param(std::int64_t value);
    template <typename Range>
    StepBuilder& params(const Range& values) {
        for (const auto& value : values) param(value);
        return *this;
    }
    StepBuilder& reads(std::int32_t buffer);
    StepBuilder& writes(std::int32_t buffer);
    StepBuilder& groups(shape::Expr x, shape::Expr y, shape::Expr z);
    //! `count` workgroups in a row, spilled to y above what x can hold everywhere: flat_group() in shaders/common/interface.glsl.
    StepBuilder& flat_groups(shape::Expr count);
    //! `count` invocations that have nothing to do with one another, in such workgroups.
    StepBuilder& invocations(shape::Expr count);
    StepBuilder& pointwise(const kernels::PointwiseProgram& program);
    StepBuilder& constants(std::span<const plan::SpecConstant> constants);

    [[nodiscard]] plan::Step take();

private:
    shape::ExprPool& exprs_;
    plan::Step step_;
    bool specialize_;
    bool large_workgroups_;
};

} // namespace tensorvk::tactics
