// How long a tiled product takes on a GPU, so that not every tile has to be compiled and timed.
#pragma once

#include <cstdint>

namespace tensorvk::tactics {

struct ProductShape;

//! That a large GPU works on at a time: two on each of 132 processors.
inline constexpr std::int64_t kBusyWorkgroups = 264;

//! What one workgroup does in one step along the depth.
struct TileWork {
    std::int64_t rows, columns, depth; // of the step
    std::int64_t ahead = 1;            // steps on their way at a time
    std::int64_t splits = 1;           // of the depth, added by a second dispatch
    std::int64_t sharing = 1;          // subgroups that have a part of the tile, each some of a step's depth
    std::int64_t threads = 0, shared_bytes = 0;
};

//! Microseconds of one step of a workgroup: until what it asked for has come and is dealt with, and of its processor's work, which others can not do meanwhile.
struct StepTime {
    double waiting, working;
};
//! On matrix units, of elements of `bytes` bytes: subgroups compute `warp_rows` x `warp_columns` each. Bytes take half of what halves do: not fitted, but of the 25 different
//! products of ResNet-18 and ResNet-50 at batch 32 the fastest tile is among the best eight of 24.
[[nodiscard]] StepTime matrix_step(const TileWork& tile, std::int64_t warp_rows, std::int64_t warp_columns, std::int64_t bytes);
//! What a step moves where windows overlap: bytes of the picture and of weights to shared memory, from where subgroups read `fragments` elements in all; each multiplies `factors` bytes.
struct HaloMoves {
    std::int64_t pixels, weights, fragments, factors;
};
//! The same of them. Two numbers of their own, fitted to 120 candidates of halves for 20 layers of ResNet-50 and a U-Net (batch 1, 4 and 32), from which it is 8 % off (24 % at most): among
//! the best three of all kinds is one within 3 % of the fastest. Those of bytes, which it was not fitted to, it misses by 17 %, 29 % at most.
[[nodiscard]] StepTime halo_step(const TileWork& tile, const HaloMoves& moves);
//! Of floats: invocations compute `thread_rows` x `thread_columns` each.
[[nodiscard]] StepTime float_step(const TileWork& tile, std::int64_t thread_rows, std::int64_t thread_columns);

//! Microseconds of the product; 0 where its rows are dynamic: no estimate. A model with nine numbers, fitted to 1,556 candidates for the layers of ResNet-50 (batch 1 and 32),
//! a U-Net and BERT on an H200, from which it is 8 % off (root mean square), as it is from those of tiles that came later; among its best eight is one within 6 % of the fastest. Steps along the depth wait for memory and for
//! their own subgroups, or, where a processor has several workgroups, for its work. Other GPUs differ in all numbers, in the order of tiles less.
[[nodiscard]] double estimated_us(const TileWork& tile, const StepTime& step, const ProductShape& shape);

//! Microseconds of a dispatch that moves so many bytes and computes little, as between the steps of a convolution through points. Half of an H200's bandwidth, and an empty
//! dispatch with its barrier there: not fitted to anything.
[[nodiscard]] double estimated_transform_us(double bytes);

} // namespace tensorvk::tactics
