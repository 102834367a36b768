// A program written for <cuda_runtime.h>, compiled as it is.
#include <vector>

#include <gtest/gtest.h>

#include "tensorvk/compat/cuda_runtime_api.h"

namespace {

TEST(Compat, CudaProgramCompilesAndRuns) {
    std::vector<int> numbers{1, 2, 3};
    const size_t size = numbers.size() * sizeof(int);
    int* memory = nullptr;
    cudaStream_t stream;
    ASSERT_EQ(cudaMalloc(&memory, size), cudaSuccess);
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    EXPECT_EQ(cudaMemcpyAsync(memory, numbers.data(), size, cudaMemcpyHostToDevice, stream), cudaSuccess);
    EXPECT_EQ(cudaMemcpyAsync(memory + 1, memory, sizeof(int), cudaMemcpyDeviceToDevice, stream), cudaSuccess);
    EXPECT_EQ(cudaMemcpyAsync(numbers.data(), memory, size, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(numbers, (std::vector<int>{1, 1, 3}));
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    EXPECT_EQ(cudaFree(memory), cudaSuccess);
}

} // namespace
