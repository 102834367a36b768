// What lies between the two products of attention as networks spell it: scale, soft cap, masks, softmax.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/passes/fusion.hpp"

namespace tensorvk::compiler {

//! softmax(cap(scale * product) + mask), from the product of queries and keys to what is multiplied with the values.
struct Scores {
    std::size_t first = 0, last = 0; // the products
    float scale = 1.0f, softcap = 0.0f;
    ValueId mask = -1;     // floats that are added, or booleans
    bool hides = false;    // where a boolean is true; else where it is false
    float hidden = 0.0f;   // the score that a boolean gives; minus infinity where it is not said
    std::optional<shape::Expr> causal{}; // a row sees so many more keys than there are rows before it, and one
    bool finite_causal = false;          // what hides those behind is a number, which only other scores of the row make as good as minus infinity
    bool zeros = false;                  // weights of hidden keys are made 0 even where a row sees none
    std::vector<std::string> names{};    // of the operations between the products

    //! Conditions that hide keys, and whether they do where they are true.
    struct Condition { ValueId value; bool hides; };
    std::vector<Condition> conditions{};
};

//! Of a softmax along the last axis; nothing where something else lies between products, or somebody else reads it.
[[nodiscard]] std::optional<Scores> read_scores(Ir& ir, const Uses& uses, std::size_t softmax);

} // namespace tensorvk::compiler
