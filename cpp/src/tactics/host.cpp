// host/generic: one step that calls a host function.
#include "kernels/cpu/kernel.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/families.hpp"

namespace tensorvk::tactics {

namespace {

plan::HostTensor host_tensor(const Lowering& lowering, ValueId id) {
    if (id < 0) {
        return {};
    }
    const Value& value = lowering.value(id);
    return {value.buffer, value.dtype, value.dims};
}

} // namespace

void lower_host_call(const Operation& operation, Lowering& lowering) {
    const auto& kind = std::get<HostCall>(operation.kind);
    auto call = std::make_shared<plan::HostCall>();
    call->function = kind.function;
    call->attributes = kind.attributes;
    call->bodies = kind.bodies;
    plan::Step step;
    step.layer = operation.name;
    step.kernel = "host/" + kind.function;
    step.groups.fill(lowering.exprs().constant(1));
    for (const ValueId id : operation.inputs) {
        call->inputs.push_back(host_tensor(lowering, id));
        if (id >= 0) {
            step.bindings.push_back({call->inputs.back().buffer, false});
        }
    }
    for (const ValueId id : operation.outputs) {
        call->outputs.push_back(host_tensor(lowering, id));
        if (id >= 0) {
            step.bindings.push_back({call->outputs.back().buffer, true});
        }
    }
    for (const HostCall::Definition& definition : kind.definitions) {
        const auto symbol = static_cast<std::int32_t>(lowering.exprs().node(definition.symbol).value);
        call->definitions.push_back({symbol, definition.output, definition.axis, definition.most});
    }
    step.host = std::move(call);
    lowering.add(std::move(step));
}

std::string refuse_cpu(const Query& query, const std::string& kernel) {
    if (!query.caps.host_kernels) return "the device's memory is not the host's";
    return kernels::cpu::find(kernel) == nullptr ? text("this build has no kernel '", kernel, "' for the host (oneDNN brings those of products)") : "";
}

std::string refuse_cpu_f32(const Query& query, const std::string& kernel) {
    if (std::string why = refuse_cpu(query, kernel); !why.empty()) return why;
    for (const Value* value : {&query.input(0), &query.output()}) {
        if (value->dtype != DataType::kFLOAT) return text("'", value->name, "' is ", dtype_name(value->dtype), ", the kernel takes float32 only");
    }
    return {};
}

std::vector<Candidate> host_candidates(const Query& query) {
    const Operation operation = query.operation;
    std::vector<Candidate> out = recurrent_candidates(query);
    out.push_back({.name = "host/generic", .refusal = {}, .portable = true, .lower = [operation](Lowering& lowering) { lower_host_call(operation, lowering); }});
    return out;
}

} // namespace tensorvk::tactics
