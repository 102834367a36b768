// Constant factors that are dequantized for a matrix product: what they were made of, so that they need not become floats.
#pragma once

#include <optional>

#include "compiler/ir.hpp"
#include "kernels/blocks.hpp"

namespace tensorvk::compiler {

struct BlockFactor {
    kernels::BlockFormat format;
    kernels::host::Tensor words; // int32
};

//! The second factor of a product, if it is one matrix of 4 or 8 bits that only dequantizing, casts between floats, transposes and reshapes lie behind,
//! and has scales for all of the depth or for blocks that kernels read. `by_columns`: its last axis is the depth.
[[nodiscard]] std::optional<BlockFactor> read_block_factor(const Ir& ir, const Uses& uses, ValueId factor, bool by_columns);

} // namespace tensorvk::compiler
