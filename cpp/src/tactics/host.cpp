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

std::string cpu_float_kernel(const Query& query, const std::string& family) {
    const bool bfloat = query.input(0).dtype == DataType::kBF16 || query.output().dtype == DataType::kBF16;
    return family + (bfloat ? ":bf16" : ":f32");
}

std::string refuse_cpu_float(const Query& query, const std::string& family, bool mixes) {
    if (std::string why = refuse_cpu(query, cpu_float_kernel(query, family)); !why.empty()) return why;
    const Value &x = query.input(0), &y = query.output();
    for (const Value* value : {&x, &y}) {
        const bool taken = value->dtype == DataType::kFLOAT || value->dtype == DataType::kBF16;
        if (!taken) return text("'", value->name, "' is ", dtype_name(value->dtype), ", the kernel takes float32 and bfloat16 only");
    }
    return mixes || x.dtype == y.dtype ? "" : text("'", x.name, "' is ", dtype_name(x.dtype), ", but '", y.name, "' is ", dtype_name(y.dtype));
}

std::vector<Candidate> host_candidates(const Query& query) {
    const Operation operation = query.operation;
    std::vector<Candidate> out = recurrent_candidates(query);
    out.push_back({.name = "host/generic", .refusal = {}, .portable = true, .lower = [operation](Lowering& lowering) { lower_host_call(operation, lowering); }});
    return out;
}

} // namespace tensorvk::tactics
