// The compiler's passes. Each is small, has a name, and leaves a valid graph in topological order.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "compiler/ir.hpp"

namespace tensorvk::compiler {

void remove_dead(Ir& ir);       // ops whose results nobody uses
void move_quantization(Ir& ir); // quantize before data moves, dequantize after it; what cancels or is there twice goes
void quantize_products(Ir& ir); // convolutions and matrix products of dequantized factors become products of integers
void keep_blocks(Ir& ir);       // matrix products keep constant weights of 4 or 8 bits
void fold_constants(Ir& ir);    // ops whose inputs are all known, by the host reference
void order_movement(Ir& ir);    // transposes in front of reshapes; channel shuffles as parts written between each other
void fold_padding(Ir& ir);      // zeros around a picture into the convolution that reads it
void inline_scalars(Ir& ir);    // constants of one element become immediates of pointwise programs
void fuse_pointwise(Ir& ir);    // chains of pointwise ops into one program
void simplify_programs(Ir& ir); // what exporters spell out and programs have one operation for
void fold_affine(Ir& ir);       // scale and shift after a convolution (batch norm) into its weights; a shift after a product into its bias
void fuse_attention(Ir& ir);      // products, softmax and transposes of attention into one operation, where shaders do that
void fuse_normalizations(Ir& ir); // mean, difference, variance and quotient of rows, or groups of channels, into one operation, where shaders do that
void normalize_products(Ir& ir);  // normalisations of rows into the products that read them, where matrix units do that
void share_differences(Ir& ir); // from a mean, which normalisations look for once, where shaders do these
void share_operations(Ir& ir);    // what several operations compute alike is computed once
void fuse_epilogues(Ir& ir);    // a pointwise op into the convolution or matrix product before it

struct Pass {
    std::string_view name;
    void (*run)(Ir&);
    bool required = false; // else it may be left out: the network computes the same, in more steps
};
//! In the order in which they run.
[[nodiscard]] std::span<const Pass> all_passes();

//! Element types in memory: floats inside become `internal` (float32, float16 or bfloat16); casts appear at the network's edges where types differ.
void assign_types(Ir& ir, DataType internal);
//! By value: those that float16 may be too small for, or bfloat16 too coarse, and that stay float32.
[[nodiscard]] std::vector<bool> wide_values(const Ir& ir, DataType internal);
//! LINEAR or CHANNELS_LAST for every value; reformats appear where an operation cannot read what there is.
void assign_layouts(Ir& ir);
//! Products that only a concatenation reads are written into it, where shaders do that.
void place_parts(Ir& ir);
//! Products of one input, alike but for their columns, become one, where shaders read its results in ranges of the joint one.
void fuse_siblings(Ir& ir);
//! Products tell those that normalise their rows what these are like, where matrix units do that.
void pass_moments(Ir& ir);
//! Ranges of values that nobody copies out: their readers find them in the value.
void view_slices(Ir& ir);
//! Transposes that only rename axes in memory become reshapes, which cost nothing.
void find_views(Ir& ir);

} // namespace tensorvk::compiler
