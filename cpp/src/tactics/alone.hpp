// An operation with no values but its own: what it computes can then be asked of others in their place.
#pragma once

#include <vector>

#include "tactics/families.hpp"

namespace tensorvk::tactics {

struct Alone {
    Operation operation; // its values are numbered anew
    std::vector<Value> values;

    explicit Alone(const Query& query);
    //! As a family is asked for it.
    [[nodiscard]] Query query(const vulkan::DeviceCaps& caps, const shape::ExprPool& exprs) const { return {operation, values, caps, exprs}; }
};

} // namespace tensorvk::tactics
