// Where a product writes rows that others normalise (passes/normalized_products.cpp), it tells them the rows' moments: they would else find them anew, in each
// workgroup that reads a row.
#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"

namespace tensorvk::compiler {

namespace {

bool normalizes(const Op& op) {
    const auto* product = op.role == Role::kCOMPUTE ? std::get_if<tactics::MatrixProduct>(&op.kind) : nullptr;
    return product != nullptr && product->normalized && !product->normalized->given;
}

//! Of halves, into memory of its own. That rows are cut into whole parts is what those that normalise them ask for as well.
bool writes_rows(const Ir& ir, const Op& op) {
    if (op.role != Role::kCOMPUTE || !std::holds_alternative<tactics::MatrixProduct>(op.kind) || is_quantized_product(ir, op)) return false;
    if (op.outputs.size() != 1 || op.placement || op.companion || std::get<tactics::MatrixProduct>(op.kind).normalized) return false;
    const Value& y = ir.value(op.outputs[0]);
    return y.dtype == DataType::kHALF && !y.is_output;
}

//! The op that writes the value, as other rows of the same length perhaps; nothing where several do.
Op* writer_of(Ir& ir, const Uses& uses, ValueId id) {
    const auto& writers = uses.producers[static_cast<std::size_t>(id)];
    if (writers.size() != 1) return nullptr;
    Op& op = ir.ops[writers[0]];
    if (op.role != Role::kRESHAPE) return &op;
    const shape::Exprs &from = ir.value(op.inputs[0]).dims, &to = ir.value(id).dims;
    return !from.empty() && !to.empty() && from.back() == to.back() ? writer_of(ir, uses, op.inputs[0]) : nullptr;
}

//! Of what `op` writes.
ValueId moments_of(Ir& ir, Op& op) {
    const Value y = ir.value(op.outputs[0]);
    shape::Exprs dims = y.dims;
    dims.back() = ir.exprs.constant(*ir.exprs.value(dims.back()) / tactics::kMomentColumns);
    dims.push_back(ir.exprs.constant(2));
    op.outputs.push_back(ir.add_value(text(y.name, "/moments"), DataType::kFLOAT, std::move(dims)));
    op.companion = tactics::RowMoments{};
    return op.outputs.back();
}

} // namespace

void pass_moments(Ir& ir) {
    if (!ir.target.row_moments) return;
    const Uses uses(ir);
    for (Op& reader : ir.ops) {
        if (!normalizes(reader)) continue;
        Op* writer = writer_of(ir, uses, reader.inputs[0]);
        if (writer == nullptr) continue;
        const bool told = writer->companion && std::holds_alternative<tactics::RowMoments>(*writer->companion);
        if (!told && !writes_rows(ir, *writer)) continue;
        reader.inputs.push_back(told ? writer->outputs.back() : moments_of(ir, *writer));
        std::get<tactics::MatrixProduct>(reader.kind).normalized->given = true;
    }
}

} // namespace tensorvk::compiler
