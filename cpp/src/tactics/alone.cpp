#include "tactics/alone.hpp"

#include <algorithm>
#include <map>

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/layout.hpp"

namespace tensorvk::tactics {

Alone::Alone(const Query& query) : operation(query.operation) {
    std::map<ValueId, ValueId> numbers;
    const auto renumber = [&](ValueId& id) {
        if (id < 0) return;
        const auto [at, added] = numbers.emplace(id, static_cast<ValueId>(values.size()));
        if (added) values.push_back(query.value(id));
        id = at->second;
    };
    for (auto* list : {&operation.inputs, &operation.operands, &operation.outputs}) {
        for (ValueId& id : *list) renumber(id);
    }
    if (operation.placement) {
        renumber(operation.placement->part);
        values[static_cast<std::size_t>(operation.placement->part)].strides.clear(); // its readers' matter: who writes it knows where
    }
}

void Alone::give_scratch(ValueId id, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    Value& value = values[static_cast<std::size_t>(id)];
    value.buffer = lowering.scratch(exprs.mul(element_count(exprs, value), exprs.constant(static_cast<std::int64_t>(dtype_size(value.dtype)))));
}

void Alone::lower_with(const std::string& name, const CandidatesOf& of, Lowering& lowering) const {
    const std::vector<Candidate> offered = of(query(lowering.caps(), lowering.exprs()));
    const auto found = std::ranges::find(offered, name, &Candidate::name);
    if (found == offered.end() || !found->applicable()) throw InternalError(text("Layer '", operation.name, "' has no '", name, "' on dense values."));
    Lowering inner(lowering.program(), values, lowering.caps());
    found->lower(inner);
}

} // namespace tensorvk::tactics
