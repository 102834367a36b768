// Times every candidate of attention on the current device: milliseconds, GFLOP/s of the two products, and the largest difference from the first candidate's
// results. Candidates take turns, five times; the median counts.
//
//   bench_attention [--half] [part of a shape's name]
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "tactics/operation_case.hpp"
#include "tactics/tensor_bytes.hpp"

namespace tensorvk::test {
namespace {

using kernels::host::Tensor;
using tactics::Layout;

struct Bench {
    const char* name;
    std::int64_t batch, heads, rows, keys, columns;
};

constexpr Bench kBenches[] = {
    {"bert", 1, 12, 128, 128, 64}, {"vit", 1, 12, 197, 197, 64}, {"whisper", 1, 6, 1500, 1500, 64}, {"diffusion", 1, 8, 1024, 1024, 40}, {"cross", 1, 8, 1024, 77, 40}, {"llm", 1, 8, 512, 512, 128}, {"token", 1, 8, 1, 1024, 128},
};

void run(const Bench& bench, DataType type) {
    constexpr std::array<std::int32_t, 4> kRowsFirst{0, 2, 1, 3};
    constexpr int kTurns = 5;
    const auto device = vulkan::Device::current();
    tactics::Operation operation;
    operation.kind = tactics::Attention{.scale = 0.125f, .axes = {kRowsFirst, kRowsFirst, kRowsFirst, kRowsFirst}};
    OperationCase test(operation);
    for (unsigned seed = 0; seed < 3; ++seed) test.add_input(random_tensor(type, {bench.batch, seed == 0 ? bench.rows : bench.keys, bench.heads, bench.columns}, seed), Layout::kLINEAR, false);
    test.set_output(type, {bench.batch, bench.rows, bench.heads, bench.columns}, Layout::kLINEAR);

    struct Runner {
        std::string name;
        OperationCase::Prepared prepared;
        std::vector<double> times{};
    };
    std::vector<Runner> runners;
    for (const tactics::Candidate& candidate : test.candidates(device->caps())) {
        if (!candidate.applicable()) std::printf("%-10s %-28s refused: %s\n", bench.name, candidate.name.c_str(), candidate.refusal.c_str());
        else runners.push_back({candidate.name, test.prepare(device, candidate)});
    }
    for (int turn = 0; turn < kTurns; ++turn) {
        for (Runner& runner : runners) runner.times.push_back(runner.prepared.runner->time(1, 1));
    }
    const double products = 4e-6 * static_cast<double>(bench.batch * bench.heads * bench.rows * bench.keys * bench.columns);
    for (Runner& runner : runners) {
        std::ranges::nth_element(runner.times, runner.times.begin() + kTurns / 2);
        const double ms = runner.times[kTurns / 2];
        const double error = relative_error(test.output(runner.prepared), test.output(runners[0].prepared));
        std::printf("%-10s %-28s %9.3f ms %9.1f GFLOP/s  differs by %.1e\n", bench.name, runner.name.c_str(), ms, products / ms, error);
    }
}

} // namespace
} // namespace tensorvk::test

int main(int count, char** arguments) {
    using namespace tensorvk::test;
    const bool half = count > 1 && std::strcmp(arguments[1], "--half") == 0;
    const char* part = count > (half ? 2 : 1) ? arguments[half ? 2 : 1] : "";
    for (const Bench& bench : kBenches) {
        if (std::strstr(bench.name, part) != nullptr) run(bench, half ? tensorvk::DataType::kHALF : tensorvk::DataType::kFLOAT);
    }
    return 0;
}
