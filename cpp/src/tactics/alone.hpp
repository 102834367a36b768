// An operation with no values but its own: what it computes can then be asked of others in their place.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tactics/families.hpp"

namespace tensorvk::tactics {

using CandidatesOf = std::function<std::vector<Candidate>(const Query&)>;

struct Alone {
    Operation operation; // its values are numbered anew
    std::vector<Value> values;

    explicit Alone(const Query& query);
    //! As a family is asked for it.
    [[nodiscard]] Query query(const vulkan::DeviceCaps& caps, const shape::ExprPool& exprs) const { return {operation, values, caps, exprs}; }
    //! The value gets memory that lives while the operation runs.
    void give_scratch(ValueId id, Lowering& lowering);
    //! Adds the steps of the candidate `name`, which `of` has offered for the same operation before.
    void lower_with(const std::string& name, const CandidatesOf& of, Lowering& lowering) const;
};

} // namespace tensorvk::tactics
