// The runtime API as C++ programs use it: codes, names, sentences.
#include "tensorvk/cudart.h"

#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace tensorvk {
namespace {

bool says(const std::string& part) {
    return lastErrorMessage().find(part) != std::string::npos;
}

TEST(Cudart, SequenceOfTheTutorial) {
    std::vector<float> input(1000);
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i);
    std::vector<float> output(input.size());
    const std::size_t bytes = input.size() * sizeof(float);
    float* device = nullptr;
    cudaStream_t stream = nullptr;
    cudaEvent_t start = nullptr;
    cudaEvent_t end = nullptr;
    ASSERT_EQ(cudaMalloc(&device, bytes), cudaSuccess) << lastErrorMessage();
    ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
    ASSERT_EQ(cudaEventCreate(&start), cudaSuccess);
    ASSERT_EQ(cudaEventCreate(&end), cudaSuccess);
    EXPECT_EQ(cudaEventRecord(start, stream), cudaSuccess);
    EXPECT_EQ(cudaMemcpyAsync(device, input.data(), bytes, cudaMemcpyHostToDevice, stream), cudaSuccess);
    EXPECT_EQ(cudaMemcpyAsync(output.data(), device, bytes, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    EXPECT_EQ(cudaEventRecord(end, stream), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    float ms = -1.0F;
    EXPECT_EQ(cudaEventElapsedTime(&ms, start, end), cudaSuccess) << lastErrorMessage();
    EXPECT_GE(ms, 0.0F);
    EXPECT_EQ(output, input);
    EXPECT_EQ(cudaEventDestroy(start), cudaSuccess);
    EXPECT_EQ(cudaEventDestroy(end), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    EXPECT_EQ(cudaFree(device), cudaSuccess);
}

TEST(Cudart, EachKindOfFailureHasItsCodeAndASentence) {
    void* memory = nullptr;
    ASSERT_EQ(cudaMalloc(&memory, 100), cudaSuccess);
    std::array<char, 200> host{};
    EXPECT_EQ(cudaMemcpy(memory, host.data(), 101, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    EXPECT_TRUE(says("100 bytes left, 101 are needed")) << lastErrorMessage();
    EXPECT_EQ(cudaMemcpy(memory, host.data(), 1, cudaMemcpyDeviceToHost), cudaErrorInvalidMemcpyDirection);
    EXPECT_TRUE(says("cudaMemcpyDeviceToHost")) << lastErrorMessage();
    EXPECT_EQ(cudaFree(memory), cudaSuccess);
    EXPECT_EQ(cudaFree(memory), cudaErrorInvalidValue);
    EXPECT_TRUE(says("was freed")) << lastErrorMessage();
    EXPECT_EQ(cudaFree(host.data()), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMalloc(&memory, std::numeric_limits<std::size_t>::max()), cudaErrorMemoryAllocation);
    EXPECT_EQ(memory, nullptr);
    EXPECT_EQ(cudaStreamSynchronize(reinterpret_cast<cudaStream_t>(0x1234567)), cudaErrorInvalidResourceHandle);
    EXPECT_EQ(cudaEventRecord(nullptr, nullptr), cudaErrorInvalidResourceHandle);
    EXPECT_EQ(cudaSetDevice(99), cudaErrorInvalidDevice);
    EXPECT_TRUE(says("no device 99")) << lastErrorMessage();
    EXPECT_EQ(cudaMalloc(static_cast<void**>(nullptr), 1), cudaErrorInvalidValue);
    EXPECT_EQ(cudaHostUnregister(host.data()), cudaErrorInvalidValue);
    int value = 0;
    EXPECT_EQ(cudaDeviceGetAttribute(&value, static_cast<cudaDeviceAttr>(9999), 0), cudaErrorInvalidValue);
}

TEST(Cudart, LastErrorIsKeptPerThreadUntilAsked) {
    EXPECT_EQ(cudaSetDevice(-1), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidDevice);
    std::jthread([] { EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess); }).join();
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(Cudart, ErrorsHaveCudasNames) {
    EXPECT_STREQ(cudaGetErrorName(cudaErrorMemoryAllocation), "cudaErrorMemoryAllocation");
    EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
    EXPECT_STREQ(cudaGetErrorName(static_cast<cudaError_t>(12345)), "unrecognized error code");
}

TEST(Cudart, PropertiesDescribeTheDevice) {
    int count = 0;
    ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
    ASSERT_GE(count, 1);
    cudaDeviceProp prop{};
    ASSERT_EQ(cudaGetDeviceProperties(&prop, 0), cudaSuccess);
    EXPECT_GT(std::strlen(prop.name), 0U);
    EXPECT_GE(prop.major * 10 + prop.minor, 12) << "TensorVK needs Vulkan 1.2";
    int major = 0;
    EXPECT_EQ(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0), cudaSuccess);
    EXPECT_EQ(major, prop.major);
    std::size_t free = 0;
    std::size_t total = 0;
    EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
    EXPECT_EQ(total, prop.totalGlobalMem);
    EXPECT_LE(free, total);
    EXPECT_EQ(cudaGetDeviceProperties(&prop, count), cudaErrorInvalidDevice);
}

TEST(Cudart, HostFunctionGetsItsArgumentAndQueriesSayNotReady) {
    cudaStream_t stream = nullptr;
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    (void)cudaGetLastError();
    int argument = 0;
    const auto slowly = [](void* data) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        *static_cast<int*>(data) = 7;
    };
    EXPECT_EQ(cudaLaunchHostFunc(stream, slowly, &argument), cudaSuccess);
    EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "not ready is an answer, not a failure";
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(argument, 7);
    EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(stream), cudaErrorInvalidResourceHandle);
}

TEST(Cudart, PinnedMemoryIsAnOrdinaryPointer) {
    int* pinned = nullptr;
    ASSERT_EQ(cudaHostAlloc(&pinned, 10 * sizeof(int), cudaHostAllocMapped | cudaHostAllocPortable), cudaSuccess);
    for (int i = 0; i < 10; ++i) pinned[i] = i;
    int* device = nullptr;
    ASSERT_EQ(cudaMalloc(&device, 10 * sizeof(int)), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(device, pinned, 10 * sizeof(int), cudaMemcpyDefault), cudaSuccess);
    EXPECT_EQ(cudaMemset(pinned, 0, 10 * sizeof(int)), cudaSuccess);
    EXPECT_EQ(pinned[9], 0);
    EXPECT_EQ(cudaMemcpy(pinned + 5, device + 5, 5 * sizeof(int), cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(pinned[4], 0);
    EXPECT_EQ(pinned[9], 9);
    EXPECT_EQ(cudaMemcpy(pinned + 5, device, 10 * sizeof(int), cudaMemcpyDeviceToHost), cudaErrorInvalidValue)
        << "pinned memory has bounds as well";
    EXPECT_EQ(cudaFree(device), cudaSuccess);
    EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
    EXPECT_EQ(cudaFreeHost(pinned), cudaErrorInvalidValue);
    EXPECT_EQ(cudaHostAlloc(&pinned, 4, 0x100), cudaErrorInvalidValue);
}

} // namespace
} // namespace tensorvk
