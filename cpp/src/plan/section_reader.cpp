#include <cstring>

#include <flatbuffers/flatbuffers.h>

#include "plan/plan_generated.h"
#include "plan/section_ids.hpp"
#include "plan/sections.hpp"
#include "support/error.hpp"

namespace tensorvk::plan {
namespace {

// Nothing that write_plan() writes nests deeper or has more tables than this; both bound what a hostile file costs.
constexpr flatbuffers::uoffset_t kMaxDepth = 48; // networks inside networks
constexpr flatbuffers::uoffset_t kMaxTables = 4'000'000;

template <typename Root>
const Root& verified_root(std::span<const std::byte> bytes, const char* id, const char* section) {
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    // FlatBuffers' offsets are 31 bits wide and its verifier asserts that.
    const bool plausible = bytes.size() >= 8 && bytes.size() < FLATBUFFERS_MAX_BUFFER_SIZE;
    if (plausible) {
        flatbuffers::Verifier verifier(data, bytes.size(), kMaxDepth, kMaxTables);
        if (verifier.VerifyBuffer<Root>(id)) {
            return *flatbuffers::GetRoot<Root>(data);
        }
    }
    throw InvalidPlan(text("The ", section, " section of the plan is malformed; the plan is damaged, build it again."));
}

std::string read_string(const flatbuffers::String* string) {
    return string != nullptr ? string->str() : std::string();
}

// FlatBuffers' verifier checks a vector's length, but not whether its elements lie where their type may.
template <typename Element>
void check_alignment(const void* data) {
    if (reinterpret_cast<std::uintptr_t>(data) % alignof(Element) != 0) {
        throw InvalidPlan("The plan has numbers at odd places; it is damaged, build it again.");
    }
}

// A vector that is not there is an empty one.
template <typename T>
std::vector<T> read_numbers(const flatbuffers::Vector<T>* vector) {
    if (vector == nullptr || vector->size() == 0) return {}; // FlatBuffers' writer aligns no empty vector
    check_alignment<T>(vector->Data());
    return {vector->begin(), vector->end()};
}

shape::Exprs read_exprs(const flatbuffers::Vector<std::int32_t>* ids) {
    shape::Exprs exprs;
    for (const std::int32_t id : read_numbers(ids)) {
        exprs.push_back(shape::Expr{id});
    }
    return exprs;
}

template <typename Out, typename Vector, typename Read>
std::vector<Out> read_each(const Vector* vector, Read read) {
    std::vector<Out> out;
    if (vector != nullptr && vector->size() > 0) {
        check_alignment<std::remove_cvref_t<decltype(**vector->begin())>>(vector->Data());
        out.reserve(vector->size());
        for (const auto* element : *vector) {
            out.push_back(read(*element));
        }
    }
    return out;
}

std::vector<std::string> read_strings(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* strings) {
    std::vector<std::string> out;
    for (flatbuffers::uoffset_t i = 0; strings != nullptr && i < strings->size(); ++i) {
        out.push_back(read_string(strings->Get(i)));
    }
    return out;
}

template <typename T>
AttributeValue only(std::vector<T> values, const std::string& name) {
    if (values.size() != 1) {
        throw InvalidPlan(text("Attribute '", name, "' of the plan has ", values.size(), " values instead of one; the plan is damaged, build it again."));
    }
    return std::move(values[0]);
}

AttributeValue read_attribute(const fb::Attribute& stored) {
    const std::string name = read_string(stored.name());
    switch (stored.kind()) { // index in AttributeValue
        case 0:
            return only(read_numbers(stored.integers()), name);
        case 1:
            return only(read_numbers(stored.reals()), name);
        case 2:
            return only(read_strings(stored.texts()), name);
        case 3:
            return read_numbers(stored.integers());
        case 4:
            return read_numbers(stored.reals());
        case 5:
            return read_strings(stored.texts());
        default:
            throw InvalidPlan(text("Attribute '", name, "' of the plan has the unknown kind ", int{stored.kind()}, "; the plan is damaged, build it again."));
    }
}

HostTensor read_host_tensor(const fb::HostTensor& stored) {
    return {stored.buffer(), static_cast<DataType>(stored.dtype()), read_exprs(stored.dims())};
}

std::shared_ptr<const HostCall> read_host_call(const fb::HostCall* stored) {
    if (stored == nullptr) {
        return nullptr;
    }
    auto call = std::make_shared<HostCall>();
    call->function = read_string(stored->function());
    for (flatbuffers::uoffset_t i = 0; stored->attributes() != nullptr && i < stored->attributes()->size(); ++i) {
        const fb::Attribute& attribute = *stored->attributes()->Get(i);
        call->attributes.set(read_string(attribute.name()), read_attribute(attribute));
    }
    call->inputs = read_each<HostTensor>(stored->inputs(), read_host_tensor);
    call->outputs = read_each<HostTensor>(stored->outputs(), read_host_tensor);
    call->definitions = read_each<Definition>(stored->definitions(), [](const fb::Definition& d) {
        return Definition{d.symbol(), d.output(), d.axis(), shape::Expr{d.most()}};
    });
    call->bodies = read_numbers(stored->bodies());
    return call;
}

Step read_step(const fb::Step& stored) {
    Step step;
    step.layer = read_string(stored.layer());
    step.kernel = read_string(stored.kernel());
    step.kernel_hash = stored.kernel_hash();
    step.spec = read_each<SpecConstant>(stored.spec(), [](const fb::SpecConstant& c) {
        return SpecConstant{c.id(), c.value()};
    });
    step.params = read_exprs(stored.params());
    step.bindings = read_each<Binding>(stored.bindings(), [](const fb::Binding& b) {
        return Binding{b.buffer(), b.written() != 0};
    });
    step.group = stored.group();
    step.host = read_host_call(stored.host());
    const shape::Exprs groups = read_exprs(stored.groups());
    if (groups.size() != step.groups.size()) {
        throw InvalidPlan(text("Step '", step.layer, "' of the plan has ", groups.size(),
                               " group counts instead of 3; the plan is damaged, build it again."));
    }
    std::copy(groups.begin(), groups.end(), step.groups.begin());
    return step;
}

Buffer read_buffer(const fb::Buffer& stored) {
    return {read_string(stored.name()), static_cast<BufferKind>(stored.kind()), shape::Expr{stored.bytes()},
            stored.constant_offset(), stored.whole(), shape::Expr{stored.offset()}};
}

IoTensor read_io(const fb::IoTensor& stored) {
    return {read_string(stored.name()), static_cast<DataType>(stored.dtype()), static_cast<TensorIOMode>(stored.mode()),
            read_exprs(stored.dims()), stored.buffer()};
}

Constraint read_constraint(const fb::Constraint& stored) {
    return {shape::Expr{stored.a()}, shape::Expr{stored.b()}, read_string(stored.layer())};
}

shape::ExprNode read_node(const fb::Node& stored) {
    if (stored.op() > static_cast<std::uint32_t>(shape::ExprOp::kLESS)) {
        throw InvalidPlan(text("A shape expression of the plan has the unknown operation ", stored.op(),
                               "; the plan is damaged, build it again."));
    }
    return {static_cast<shape::ExprOp>(stored.op()), stored.value(), shape::Expr{stored.a()}, shape::Expr{stored.b()}};
}

Program read_body(const fb::Program& stored) {
    Program program;
    std::vector<std::string> symbols;
    if (stored.symbols() != nullptr) {
        for (const flatbuffers::String* symbol : *stored.symbols()) {
            symbols.push_back(read_string(symbol));
        }
    }
    program.exprs =
        shape::ExprPool::from_nodes(read_each<shape::ExprNode>(stored.nodes(), read_node), std::move(symbols));
    program.io = read_each<IoTensor>(stored.io(), read_io);
    program.buffers = read_each<Buffer>(stored.buffers(), read_buffer);
    program.init = read_each<Step>(stored.init(), read_step);
    program.steps = read_each<Step>(stored.steps(), read_step);
    program.constraints = read_each<Constraint>(stored.constraints(), read_constraint);
    for (flatbuffers::uoffset_t i = 0; stored.bodies() != nullptr && i < stored.bodies()->size(); ++i) {
        program.bodies.push_back(read_body(*stored.bodies()->Get(i)));
    }
    return program;
}

Profile read_profile(const fb::Profile& stored) {
    return {read_each<Profile::Range>(stored.inputs(), [](const fb::Range& range) {
        return Profile::Range{read_numbers(range.min()), read_numbers(range.opt()), read_numbers(range.max())};
    })};
}

} // namespace

void read_meta(std::span<const std::byte> bytes, Plan& plan) {
    const auto& meta = verified_root<fb::Meta>(bytes, kMetaId, "network");
    plan.name = read_string(meta.name());
    plan.profiles = read_each<Profile>(meta.profiles(), read_profile);
    plan.builder_flags = meta.builder_flags();
    plan.profiling_verbosity = meta.profiling_verbosity();
}

Program read_program(std::span<const std::byte> bytes) {
    return read_body(verified_root<fb::Program>(bytes, kProgramId, "portable program"));
}

TunedProgram read_tuned(std::span<const std::byte> bytes) {
    const auto& stored = verified_root<fb::Program>(bytes, kProgramId, "tuned program");
    if (stored.device() == nullptr) {
        throw InvalidPlan(
            "A tuned program of the plan does not say for which device it is; the plan is damaged, build it again.");
    }
    const fb::DeviceKey& device = *stored.device();
    return {{read_string(device.name()), device.vendor_id(), device.device_id(), device.driver_version()},
            read_body(stored)};
}

std::string read_report(std::span<const std::byte> bytes) {
    return read_string(verified_root<fb::Report>(bytes, kReportId, "report").json());
}

} // namespace tensorvk::plan
