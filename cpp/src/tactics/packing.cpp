#include "tactics/packing.hpp"

#include "support/error.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kPackLocalSize = 64;

} // namespace

std::int32_t pack_weights(Lowering& lowering, const std::string& layer, std::int32_t weights, const Packing& packing) {
    const std::int64_t count = packing.parts * packing.padded_depth() * packing.padded_columns();
    const std::int64_t bytes = count * (packing.half ? 2 : 4);
    const bool constant = lowering.program().buffers[static_cast<std::size_t>(weights)].kind == plan::BufferKind::kCONSTANT;
    const std::string key = text("packed:", weights, ":", packing.parts, "x", packing.padded_depth(), "x", packing.padded_columns(),
                                 packing.half ? ":f16" : ":f32", packing.transposed ? ":t" : "", packing.part_per_tap ? ":p" : "");
    const auto [buffer, make] = constant ? lowering.derived(key, bytes) : std::pair(lowering.scratch(lowering.exprs().constant(bytes)), true);
    if (!make) return buffer;
    StepBuilder step(lowering, layer, packing.half ? "convolution/pack:f16" : "convolution/pack:f32");
    step.local_size(kPackLocalSize).flat_groups(lowering.exprs().constant((count + kPackLocalSize - 1) / kPackLocalSize));
    step.specialize(false).param(count).param(packing.padded_columns()).param(packing.padded_depth()).param(packing.columns);
    step.param(packing.channels).param(packing.taps).param(packing.transposed ? 1 : 0).param(packing.part_per_tap ? 1 : 0).param(0);
    step.reads(weights).writes(buffer);
    constant ? lowering.add_init(step.take()) : lowering.add(step.take());
    return buffer;
}

std::int32_t pack_bias(Lowering& lowering, const std::string& layer, std::int32_t bias, std::int32_t any, std::int64_t channels) {
    const std::int64_t count = (channels + 3) / 4 * 4 + 4; // kernels read four from any channel
    const std::string key = bias >= 0 ? text("bias:", bias, ":", count) : text("zeros:", count);
    const auto [buffer, make] = lowering.derived(key, count * 4);
    if (!make) return buffer;
    StepBuilder step(lowering, layer, "convolution/pack:f32");
    step.local_size(kPackLocalSize).flat_groups(lowering.exprs().constant((count + kPackLocalSize - 1) / kPackLocalSize));
    step.specialize(false).param(count).param(count).param(1).param(channels).param(1).param(1).param(0).param(0).param(bias >= 0 ? 0 : 1);
    step.reads(bias >= 0 ? bias : any).writes(buffer);
    lowering.add_init(step.take());
    return buffer;
}

} // namespace tensorvk::tactics
