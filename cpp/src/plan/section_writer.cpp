#include <flatbuffers/flatbuffers.h>

#include "plan/plan_generated.h"
#include "plan/section_ids.hpp"
#include "plan/sections.hpp"
#include "support/checked.hpp"

namespace tensorvk::plan {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

Bytes finished(const FlatBufferBuilder& builder) {
    const auto* begin = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
    return {begin, begin + builder.GetSize()};
}

Offset<flatbuffers::Vector<std::int32_t>> write_exprs(FlatBufferBuilder& builder, std::span<const shape::Expr> exprs) {
    std::vector<std::int32_t> ids;
    for (const shape::Expr e : exprs) {
        ids.push_back(e.id);
    }
    return builder.CreateVector(ids);
}

Offset<fb::Attribute> write_attribute(FlatBufferBuilder& builder, const std::string& name, const AttributeValue& value) {
    std::vector<std::int64_t> integers;
    std::vector<double> reals;
    std::vector<std::string> texts;
    std::visit(
        [&](const auto& v) {
            using V = std::remove_cvref_t<decltype(v)>;
            if constexpr (std::is_same_v<V, std::int64_t>) {
                integers = {v};
            } else if constexpr (std::is_same_v<V, double>) {
                reals = {v};
            } else if constexpr (std::is_same_v<V, std::string>) {
                texts = {v};
            } else if constexpr (std::is_same_v<V, std::vector<std::int64_t>>) {
                integers = v;
            } else if constexpr (std::is_same_v<V, std::vector<double>>) {
                reals = v;
            } else {
                texts = v;
            }
        },
        value);
    const auto name_offset = builder.CreateSharedString(name);
    const auto integer_vector = builder.CreateVector(integers);
    const auto real_vector = builder.CreateVector(reals);
    const auto text_vector = builder.CreateVectorOfStrings(texts);
    return fb::CreateAttribute(builder, name_offset, static_cast<std::uint8_t>(value.index()), integer_vector, real_vector, text_vector);
}

Offset<flatbuffers::Vector<Offset<fb::HostTensor>>> write_host_tensors(FlatBufferBuilder& builder, const std::vector<HostTensor>& tensors) {
    std::vector<Offset<fb::HostTensor>> offsets;
    for (const HostTensor& tensor : tensors) {
        const auto dims = write_exprs(builder, tensor.dims);
        offsets.push_back(fb::CreateHostTensor(builder, tensor.buffer, static_cast<std::int32_t>(tensor.dtype), dims));
    }
    return builder.CreateVector(offsets);
}

Offset<fb::HostCall> write_host_call(FlatBufferBuilder& builder, const HostCall* call) {
    if (call == nullptr) {
        return 0;
    }
    std::vector<Offset<fb::Attribute>> attributes;
    for (const auto& [name, value] : call->attributes.values()) {
        attributes.push_back(write_attribute(builder, name, value));
    }
    std::vector<fb::Definition> definitions;
    for (const Definition& definition : call->definitions) {
        definitions.emplace_back(definition.symbol, definition.output, definition.axis, definition.most.id);
    }
    const auto function = builder.CreateSharedString(call->function);
    const auto attribute_vector = builder.CreateVector(attributes);
    const auto inputs = write_host_tensors(builder, call->inputs);
    const auto outputs = write_host_tensors(builder, call->outputs);
    const auto definition_vector = builder.CreateVectorOfStructs(definitions);
    const auto bodies = builder.CreateVector(call->bodies);
    return fb::CreateHostCall(builder, function, attribute_vector, inputs, outputs, definition_vector, bodies);
}

Offset<fb::Step> write_step(FlatBufferBuilder& builder, const Step& step) {
    std::vector<fb::SpecConstant> spec;
    for (const SpecConstant& constant : step.spec) {
        spec.emplace_back(constant.id, constant.value);
    }
    std::vector<fb::Binding> bindings;
    for (const Binding& binding : step.bindings) {
        bindings.emplace_back(binding.buffer, binding.written ? 1U : 0U);
    }
    const auto layer = builder.CreateSharedString(step.layer);
    const auto kernel = builder.CreateSharedString(step.kernel);
    const auto spec_vector = builder.CreateVectorOfStructs(spec);
    const auto params = write_exprs(builder, step.params);
    const auto groups = write_exprs(builder, step.groups);
    const auto binding_vector = builder.CreateVectorOfStructs(bindings);
    const auto host = write_host_call(builder, step.host.get());
    return fb::CreateStep(builder, layer, kernel, step.kernel_hash, spec_vector, params, groups, binding_vector,
                          step.group, host);
}

Offset<flatbuffers::Vector<Offset<fb::Step>>> write_steps(FlatBufferBuilder& builder, const std::vector<Step>& steps) {
    std::vector<Offset<fb::Step>> offsets;
    for (const Step& step : steps) {
        offsets.push_back(write_step(builder, step));
    }
    return builder.CreateVector(offsets);
}

Offset<flatbuffers::Vector<Offset<fb::IoTensor>>> write_io(FlatBufferBuilder& builder,
                                                           const std::vector<IoTensor>& io) {
    std::vector<Offset<fb::IoTensor>> offsets;
    for (const IoTensor& tensor : io) {
        const auto name = builder.CreateString(tensor.name);
        const auto dims = write_exprs(builder, tensor.dims);
        offsets.push_back(fb::CreateIoTensor(builder, name, static_cast<std::int32_t>(tensor.dtype),
                                             static_cast<std::int32_t>(tensor.mode), dims, tensor.buffer));
    }
    return builder.CreateVector(offsets);
}

Offset<flatbuffers::Vector<Offset<fb::Buffer>>> write_buffers(FlatBufferBuilder& builder,
                                                              const std::vector<Buffer>& buffers) {
    std::vector<Offset<fb::Buffer>> offsets;
    for (const Buffer& buffer : buffers) {
        const auto name = builder.CreateSharedString(buffer.name);
        offsets.push_back(fb::CreateBuffer(builder, name, static_cast<std::uint8_t>(buffer.kind), buffer.bytes.id,
                                           buffer.constant_offset, buffer.whole, buffer.offset.id));
    }
    return builder.CreateVector(offsets);
}

Offset<flatbuffers::Vector<Offset<fb::Constraint>>> write_constraints(FlatBufferBuilder& builder,
                                                                      const std::vector<Constraint>& constraints) {
    std::vector<Offset<fb::Constraint>> offsets;
    for (const Constraint& constraint : constraints) {
        const auto layer = builder.CreateSharedString(constraint.layer);
        offsets.push_back(fb::CreateConstraint(builder, constraint.a.id, constraint.b.id, layer));
    }
    return builder.CreateVector(offsets);
}

Offset<flatbuffers::Vector<const fb::Node*>> write_nodes(FlatBufferBuilder& builder, const shape::ExprPool& pool) {
    std::vector<fb::Node> nodes;
    for (std::size_t i = 0; i < pool.size(); ++i) {
        const shape::ExprNode& node = pool.node(shape::Expr{static_cast<std::int32_t>(i)});
        nodes.emplace_back(node.value, node.a.id, node.b.id, static_cast<std::uint32_t>(node.op), 0U);
    }
    return builder.CreateVectorOfStructs(nodes);
}

Offset<fb::DeviceKey> write_device(FlatBufferBuilder& builder, const DeviceKey* device) {
    if (device == nullptr) {
        return 0;
    }
    const auto name = builder.CreateString(device->name);
    return fb::CreateDeviceKey(builder, name, device->vendor_id, device->device_id, device->driver_version);
}

Offset<fb::Profile> write_profile(FlatBufferBuilder& builder, const Profile& profile) {
    std::vector<Offset<fb::Range>> ranges;
    for (const Profile::Range& range : profile.inputs) {
        const auto min = builder.CreateVector(range.min);
        const auto opt = builder.CreateVector(range.opt);
        const auto max = builder.CreateVector(range.max);
        ranges.push_back(fb::CreateRange(builder, min, opt, max));
    }
    return fb::CreateProfile(builder, builder.CreateVector(ranges));
}

} // namespace

Bytes write_meta(const Plan& plan) {
    FlatBufferBuilder builder;
    const auto name = builder.CreateString(plan.name);
    std::vector<Offset<fb::Profile>> profiles;
    for (const Profile& profile : plan.profiles) {
        profiles.push_back(write_profile(builder, profile));
    }
    const auto profile_vector = builder.CreateVector(profiles);
    builder.Finish(fb::CreateMeta(builder, name, profile_vector, plan.builder_flags, plan.profiling_verbosity),
                   kMetaId);
    return finished(builder);
}

namespace {

Offset<fb::Program> write_body(FlatBufferBuilder& builder, const Program& program, const DeviceKey* device) {
    std::vector<Offset<fb::Program>> bodies;
    for (const Program& body : program.bodies) {
        bodies.push_back(write_body(builder, body, nullptr));
    }
    const auto key = write_device(builder, device);
    const auto nodes = write_nodes(builder, program.exprs);
    const auto symbols = builder.CreateVectorOfStrings(program.exprs.symbols());
    const auto io = write_io(builder, program.io);
    const auto buffers = write_buffers(builder, program.buffers);
    const auto init = write_steps(builder, program.init);
    const auto steps = write_steps(builder, program.steps);
    const auto constraints = write_constraints(builder, program.constraints);
    const auto body_vector = builder.CreateVector(bodies);
    return fb::CreateProgram(builder, key, nodes, symbols, io, buffers, init, steps, constraints, body_vector);
}

} // namespace

Bytes write_program(const Program& program, const DeviceKey* device) {
    FlatBufferBuilder builder;
    builder.Finish(write_body(builder, program, device), kProgramId);
    return finished(builder);
}

Bytes write_report(const std::string& json) {
    FlatBufferBuilder builder;
    const auto text = builder.CreateString(json);
    builder.Finish(fb::CreateReport(builder, text), kReportId);
    return finished(builder);
}

} // namespace tensorvk::plan
