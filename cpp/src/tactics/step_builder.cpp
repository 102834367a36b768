#include "tactics/step_builder.hpp"

#include "kernels/cpu/kernel.hpp"
#include "kernels/embedded.hpp"
#include "support/error.hpp"

namespace tensorvk::tactics {
namespace {

// A GPU starts about one workgroup in a nanosecond: quantizing 32 pictures of 224 x 224 in workgroups of 64 takes 18 us of an H200, twice what its bytes do.
// Few invocations are better spread over all processors.
constexpr std::int32_t kLocalSize = 64, kLargeLocalSize = 256;
constexpr std::int64_t kMany = 1 << 17;

} // namespace

StepBuilder::StepBuilder(Lowering& lowering, std::string layer, std::string kernel)
    : exprs_(lowering.exprs()), specialize_(!lowering.caps().is_cpu),
      large_workgroups_(!lowering.caps().is_cpu && lowering.caps().limits.max_workgroup_invocations >= kLargeLocalSize) {
    const kernels::EmbeddedKernel* embedded = kernels::find_embedded(kernel);
    const kernels::cpu::Kernel* cpu = kernels::cpu::find(kernel);
    if (embedded == nullptr && cpu == nullptr) {
        throw InternalError(text("Layer '", layer, "' was lowered to kernel '", kernel, "', which this build does not have."));
    }
    step_.layer = std::move(layer);
    step_.kernel = std::move(kernel);
    step_.kernel_hash = cpu != nullptr ? cpu->version : embedded->content_hash;
    const shape::Expr one = exprs_.constant(1);
    step_.groups = {one, one, one};
}

StepBuilder& StepBuilder::specialize(bool on) {
    specialize_ = on;
    return *this;
}

StepBuilder& StepBuilder::local_size(std::int32_t x, std::int32_t y, std::int32_t z) {
    step_.spec.push_back({plan::kSpecLocalSize, x});
    step_.spec.push_back({plan::kSpecLocalSize + 1, y});
    step_.spec.push_back({plan::kSpecLocalSize + 2, z});
    return *this;
}

StepBuilder& StepBuilder::geometry(std::uint32_t index, std::int32_t value) {
    step_.spec.push_back({plan::kSpecGeometry + index, value});
    return *this;
}

StepBuilder& StepBuilder::param(shape::Expr value) {
    const std::optional<std::int64_t> known = exprs_.value(value);
    if (specialize_ && known) {
        const auto index = static_cast<std::uint32_t>(step_.params.size());
        step_.spec.push_back({plan::kSpecParam + index, static_cast<std::int32_t>(*known)});
    }
    step_.params.push_back(value);
    return *this;
}

StepBuilder& StepBuilder::param(std::int64_t value) { return param(exprs_.constant(value)); }

StepBuilder& StepBuilder::reads(std::int32_t buffer) {
    step_.bindings.push_back({buffer, false});
    return *this;
}

StepBuilder& StepBuilder::writes(std::int32_t buffer) {
    step_.bindings.push_back({buffer, true});
    return *this;
}

StepBuilder& StepBuilder::groups(shape::Expr x, shape::Expr y, shape::Expr z) {
    step_.groups = {x, y, z};
    return *this;
}

StepBuilder& StepBuilder::flat_groups(shape::Expr count) {
    const shape::Expr one = exprs_.constant(1);
    const shape::Expr x = exprs_.max(one, exprs_.min(count, exprs_.constant(65535)));
    return groups(x, exprs_.ceil_div(count, x), one);
}

StepBuilder& StepBuilder::invocations(shape::Expr count) {
    const std::int32_t size = large_workgroups_ && exprs_.value(count).value_or(0) >= kMany ? kLargeLocalSize : kLocalSize;
    return local_size(size).flat_groups(exprs_.ceil_div(count, exprs_.constant(size)));
}

StepBuilder& StepBuilder::pointwise(const kernels::PointwiseProgram& program) {
    return constants(kernels::encode(program));
}

StepBuilder& StepBuilder::constants(std::span<const plan::SpecConstant> constants) {
    step_.spec.insert(step_.spec.end(), constants.begin(), constants.end());
    return *this;
}

plan::Step StepBuilder::take() { return std::move(step_); }

} // namespace tensorvk::tactics
