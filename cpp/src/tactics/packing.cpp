#include "tactics/packing.hpp"

#include <bit>

#include "support/error.hpp"
#include "tactics/matrix_blocks.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kPackLocalSize = 64;

struct Target {
    std::int32_t buffer;
    bool make;     // a step has to fill it
    bool constant; // once per engine instead of in every run
};

//! Where a packed form of `source` goes; -1 stands for no source, which is as constant as can be.
Target target_for(Lowering& lowering, std::int32_t source, const std::string& key, std::int64_t bytes) {
    const auto& buffers = lowering.program().buffers;
    if (source >= 0 && buffers[static_cast<std::size_t>(source)].kind != plan::BufferKind::kCONSTANT) {
        return {lowering.scratch(lowering.exprs().constant(bytes)), true, false};
    }
    const auto [buffer, make] = lowering.derived(key, bytes);
    return {buffer, make, true};
}

void add_step(Lowering& lowering, StepBuilder& step, const Target& target) {
    target.constant ? lowering.add_init(step.take()) : lowering.add(step.take());
}

std::string key_of(const Phases& phases) {
    std::string key;
    for (const Phases::Triple* numbers : {&phases.kernel, &phases.stride, &phases.pre}) {
        for (const std::int64_t number : *numbers) key += text(":", number);
    }
    return key;
}

std::string pack_kernel(const Packing& packing) {
    const std::string_view from = packing.blocks ? "blocks_" : packing.source != DataType::kFLOAT ? "bytes_" : "";
    return text("convolution/pack:", from, packing.half ? "f16" : "f32");
}

} // namespace

std::int64_t Phases::taps() const {
    std::int64_t most = 1;
    for (std::size_t axis = 0; axis < 3; ++axis) most *= (kernel[axis] + stride[axis] - 1) / stride[axis];
    return most;
}

namespace {

std::int32_t pack_points(Lowering& lowering, const std::string& layer, std::int32_t weights, const Packing& packing) {
    const PointsOfTaps& points = packing.points;
    const std::int64_t count = packing.padded_depth() * packing.padded_columns(); // of a point
    const std::string kernel = text(packing.half ? "f16_" : "f32_", points.lines, "x", points.columns);
    const std::string key = text("points:", weights, ":", kernel, ":", packing.padded_depth(), "x", packing.padded_columns(), ":", packing.panel);
    return pack_with(lowering, weights, key, points.count() * count * (packing.half ? 2 : 4), [&](std::int32_t target) {
        StepBuilder step(lowering, layer, "convolution/winograd_weights:" + kernel);
        step.local_size(kPackLocalSize).flat_groups(lowering.exprs().constant((count + kPackLocalSize - 1) / kPackLocalSize)).specialize(false);
        step.param(count).param(packing.padded_depth()).param(points.source_channels).param(points.source_columns);
        step.param(packing.panel > 0 ? packing.panel : packing.padded_columns());
        step.reads(weights).writes(target);
        return step.take();
    });
}

} // namespace

std::int32_t pack_weights(Lowering& lowering, const std::string& layer, std::int32_t weights, const Packing& packing) {
    if (packing.points.lines > 0) return pack_points(lowering, layer, weights, packing);
    const std::int64_t count = packing.parts * packing.padded_depth() * packing.padded_columns();
    const std::int64_t bytes = count * (packing.half ? 2 : 4);
    const std::string key =
        text("packed:", weights, ":", packing.parts, "x", packing.padded_depth(), "x", packing.padded_columns(),
             packing.half ? ":f16" : ":f32", packing.transposed ? ":t" : "", key_of(packing.phases), ":", packing.zero, ":", packing.panel, ":", packing.widened.channels, ":", packing.widened.pixels, ":", packing.widened.shift, ":", packing.widened.units);
    const Target target = target_for(lowering, weights, key, bytes);
    if (!target.make) return target.buffer;
    StepBuilder step(lowering, layer, pack_kernel(packing));
    step.local_size(kPackLocalSize)
        .flat_groups(lowering.exprs().constant((count + kPackLocalSize - 1) / kPackLocalSize));
    step.specialize(false)
        .param(count)
        .param(packing.padded_columns())
        .param(packing.padded_depth())
        .param(packing.columns);
    step.param(packing.channels)
        .param(packing.taps)
        .param(packing.transposed ? 1 : 0)
        .param(packing.phases.count())
        .param(0)
        .param(packing.panel > 0 ? packing.panel : packing.padded_columns());
    const Widened& widened = packing.widened;
    step.param(widened.channels).param(widened.pixels).param(widened.kernel_width).param(widened.shift).param(widened.units);
    step.param(packing.source == DataType::kINT8 ? 1 : 0).param(packing.zero);
    step.params(packing.phases.kernel).params(packing.phases.stride).params(packing.phases.pre);
    if (packing.blocks) add_blocks(step, *packing.blocks);
    step.reads(weights).writes(target.buffer);
    add_step(lowering, step, target);
    return target.buffer;
}

std::int32_t pack_with(Lowering& lowering, std::int32_t source, const std::string& key, std::int64_t bytes,
                       const std::function<plan::Step(std::int32_t)>& make) {
    const Target target = target_for(lowering, source, key, bytes);
    if (target.make) target.constant ? lowering.add_init(make(target.buffer)) : lowering.add(make(target.buffer));
    return target.buffer;
}

std::int32_t pack_words(Lowering& lowering, const std::string& layer, std::int32_t weights, const Packing& packing) {
    const std::int64_t words = packing.padded_depth() / 4;
    const std::int64_t count = packing.parts * words * packing.padded_columns();
    const std::string key = text("words:", weights, ":", packing.parts, "x", words, "x", packing.padded_columns(),
                                 packing.transposed ? ":t" : "", key_of(packing.phases), packing.by_columns ? ":c" : "", ":", packing.zero, ":", packing.widened.channels, ":", packing.widened.pixels);
    const Target target = target_for(lowering, weights, key, count * 4);
    if (!target.make) return target.buffer;
    StepBuilder step(lowering, layer, "quantized/pack:int8");
    step.local_size(kPackLocalSize)
        .flat_groups(lowering.exprs().constant((count + kPackLocalSize - 1) / kPackLocalSize));
    step.specialize(false).param(count).param(packing.padded_columns()).param(words).param(packing.columns);
    step.param(packing.channels).param(packing.taps).param(packing.transposed ? 1 : 0);
    step.param(packing.phases.count()).param(packing.source == DataType::kINT8 ? 1 : 0).param(packing.zero).param(packing.by_columns ? 1 : 0);
    step.param(packing.widened.channels).param(packing.widened.pixels).param(packing.widened.kernel_width);
    step.params(packing.phases.kernel).params(packing.phases.stride).params(packing.phases.pre);
    step.reads(weights).writes(target.buffer);
    add_step(lowering, step, target);
    return target.buffer;
}

std::int32_t pack_bias(Lowering& lowering, const std::string& layer, std::int32_t bias, std::int64_t channels) {
    const std::int64_t count = (channels + 3) / 4 * 4 + 4; // kernels read four from any channel
    const std::string key = bias >= 0 ? text("bias:", bias, ":", count) : text("zeros:", count);
    const Target target = target_for(lowering, bias, key, count * 4);
    if (!target.make) return target.buffer;
    StepBuilder step(lowering, layer, "convolution/pack:f32");
    step.local_size(kPackLocalSize)
        .flat_groups(lowering.exprs().constant((count + kPackLocalSize - 1) / kPackLocalSize));
    step.specialize(false).param(count).param(count).param(1).param(channels).param(1).param(1).param(0).param(0).param(
        bias >= 0 ? 0 : 1);
    step.param(count).param(0).param(1).param(1).param(0).param(1);
    step.reads(bias >= 0 ? bias : target.buffer)
        .writes(target.buffer); // zeros read nothing, but the binding has to be there
    add_step(lowering, step, target);
    return target.buffer;
}

std::int32_t pack_parameters(Lowering& lowering, const std::string& layer, const kernels::PointwiseProgram& program,
                             std::int32_t bias, std::int64_t channels) {
    const std::int64_t padded = (channels + 3) / 4 * 4 + 4;
    const auto count = static_cast<std::int64_t>(kernels::PointwiseProgram::kMaxSlots) + padded;
    std::string key = text("parameters:", bias, ":", count);
    std::vector<std::int64_t> immediates(kernels::PointwiseProgram::kMaxSlots, 0);
    for (std::size_t i = 0; i < program.slots.size(); ++i) {
        immediates[i] = std::bit_cast<std::int32_t>(program.slots[i].immediate);
        key += text(":", immediates[i]);
    }
    const Target target = target_for(lowering, bias, key, count * 4);
    if (!target.make) return target.buffer;
    StepBuilder step(lowering, layer, "quantized/parameters:int32");
    step.local_size(kPackLocalSize)
        .flat_groups(lowering.exprs().constant((count + kPackLocalSize - 1) / kPackLocalSize));
    step.specialize(false).params(immediates).param(count).param(bias >= 0 ? channels : 0);
    step.reads(bias >= 0 ? bias : target.buffer).writes(target.buffer); // without a bias nothing is read
    add_step(lowering, step, target);
    return target.buffer;
}

} // namespace tensorvk::tactics
