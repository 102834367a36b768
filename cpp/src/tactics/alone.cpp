#include "tactics/alone.hpp"

#include <map>

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
    if (operation.placement) renumber(operation.placement->part);
}

} // namespace tensorvk::tactics
