// Which layers of a network belong to which loop or conditional: those that depend on what enters it, up to what leaves it.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "graph/network.hpp"

namespace tensorvk::layers {

using graph::Construct;

//! The boundary layers of one loop or conditional, in the order in which they were added.
struct Boundary {
    std::vector<const graph::Layer*> limits;  // TripLimit, Condition
    std::vector<const graph::Layer*> entries; // Recurrence, Iterator, ConditionalInput
    std::vector<const graph::Layer*> exits;   // LoopOutput, ConditionalOutput
};

class Scopes {
public:
    explicit Scopes(const graph::Network& network);

    //! The innermost construct that a layer is in; null for none. Exits belong to what is around their construct. Throws InvalidArgument for a
    //! layer that mixes values of two constructs neither of which is in the other.
    [[nodiscard]] const Construct* owner(const graph::Layer& layer) const;
    //! Whether `inner` (null: the network itself) is `outer` or in it.
    [[nodiscard]] bool within(const Construct* inner, const Construct* outer) const;
    [[nodiscard]] const Boundary& boundary(const Construct& construct) const { return boundaries_.at(&construct); }
    [[nodiscard]] const std::vector<graph::Layer*>& order() const noexcept { return order_; }

private:
    using Set = std::set<const Construct*>;
    bool spread();
    [[nodiscard]] Set inputs_of(const graph::Layer& layer) const;

    std::vector<graph::Layer*> order_;
    std::map<const Construct*, Boundary> boundaries_;
    std::map<const Construct*, Set> around_;   // the constructs that a construct is in
    std::map<const graph::Layer*, Set> inside_; // those that a layer's outputs depend on
};

//! Null for a layer that is no boundary of a loop or conditional.
[[nodiscard]] const Construct* construct_of(const graph::Layer& layer);

} // namespace tensorvk::layers
