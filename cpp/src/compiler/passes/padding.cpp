// Zeros around a picture become the padding of the convolution that reads it: exporters that know no padding of uneven sides write them as an operation.
#include <optional>
#include <utility>

#include "compiler/passes/passes.hpp"
#include "support/dtype.hpp"

namespace tensorvk::compiler {

namespace {

constexpr std::size_t kFirstSpatialAxis = 2;
constexpr std::int64_t kMost = 1 << 20; // around an axis: nobody means more, and sums of it stay far from overflowing

//! Of each spatial axis.
struct Zeros {
    std::vector<std::int64_t> before, behind;
};

//! What the op adds to its input, when it only surrounds it with zeros along spatial axes.
std::optional<Zeros> zeros_around(Ir& ir, const Op& op) {
    const auto* copy = op.role == Role::kCOMPUTE ? std::get_if<tactics::Copy>(&op.kind) : nullptr;
    if (copy == nullptr || copy->destination_axis >= 0 || copy->outside != SampleMode::kFILL || copy->fill != 0.0 || !op.epilogue.empty()) return std::nullopt;
    const shape::Exprs from = ir.value(op.inputs[0]).dims;
    if (copy->axis_of.size() != from.size() || !is_floating(ir.value(op.inputs[0]).dtype)) return std::nullopt;
    Zeros zeros;
    for (std::size_t axis = 0; axis < from.size(); ++axis) {
        const auto start = ir.exprs.value(copy->start[axis]);
        const auto more = ir.exprs.value(ir.exprs.sub(copy->region[axis], from[axis]));
        if (copy->axis_of[axis] != static_cast<std::int32_t>(axis) || !ir.exprs.is(copy->stride[axis], 1) || !start || !more) return std::nullopt;
        if (*start < -kMost || *start > 0 || *more < 0 || *more > kMost) return std::nullopt;
        const std::int64_t before = -*start, behind = *more - before;
        const bool spatial = axis >= kFirstSpatialAxis;
        if (behind < 0 || (!spatial && *more > 0)) return std::nullopt;
        if (!spatial) continue;
        zeros.before.push_back(before);
        zeros.behind.push_back(behind);
    }
    return zeros;
}

} // namespace

void fold_padding(Ir& ir) {
    const Uses uses(ir);
    for (Op& op : ir.ops) {
        auto* convolution = op.role == Role::kCOMPUTE ? std::get_if<tactics::Convolution>(&op.kind) : nullptr;
        if (convolution == nullptr || convolution->transposed) continue;
        const auto& producers = uses.producers[static_cast<std::size_t>(op.inputs[0])];
        const std::optional<Zeros> zeros = producers.size() == 1 ? zeros_around(ir, ir.ops[producers[0]]) : std::nullopt;
        if (!zeros) continue;
        kernels::ConvGeometry& geometry = convolution->geometry;
        for (std::size_t i = 0; i < geometry.pre.size(); ++i) {
            geometry.pre[i] += zeros->before[i];
            geometry.post[i] += zeros->behind[i];
        }
        op.inputs[0] = ir.ops[producers[0]].inputs[0];
    }
}

} // namespace tensorvk::compiler
