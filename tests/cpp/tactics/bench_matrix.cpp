// bench_matrix [--half] [--gpu] [--shape PART] [--tactic PART]: the candidates of this device for matrix products of two computed factors. Prints shape, candidate,
// milliseconds, TFLOP/s and the largest difference from the generic kernel's result. Candidates are timed in turns, five rounds, and the best counts.
// --gpu: a CPU device's candidates are those of a GPU, and none of the host's. --shape and --tactic keep those whose name contains PART (the generic kernel always runs).
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "builder/clock.hpp"
#include "tactics/operation_case.hpp"
#include "tactics/tensor_bytes.hpp"

namespace {

using namespace tensorvk;
using test::OperationCase;

struct Shape {
    const char* name;
    std::vector<std::int64_t> a, b, y;
    bool transpose_b = false;
};

const Shape kShapes[] = {
    {"vit_scores", {1, 12, 197, 64}, {1, 12, 197, 64}, {1, 12, 197, 197}, true},
    {"vit_values", {1, 12, 197, 197}, {1, 12, 197, 64}, {1, 12, 197, 64}},
    {"scores", {8, 197, 64}, {8, 64, 197}, {8, 197, 197}},
    {"bert_values", {12, 128, 128}, {12, 128, 64}, {12, 128, 64}},
    {"one_row", {1, 512}, {512, 512}, {1, 512}},
    {"one_row_transposed", {1, 4096}, {4096, 4096}, {1, 4096}, true},
    {"one_column", {4096, 4096}, {4096, 1}, {4096, 1}},
    {"small", {3, 17, 33}, {3, 33, 17}, {3, 17, 17}},
    {"square", {512, 512}, {512, 512}, {512, 512}},
    {"large", {4, 1024, 1024}, {4, 1024, 1024}, {4, 1024, 1024}},
};

struct Options {
    DataType type = DataType::kFLOAT;
    bool gpu = false;
    std::string shape, tactic;
};

Options parse(int count, char** arguments) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string flag = arguments[i];
        if (flag == "--half")
            options.type = DataType::kHALF;
        else if (flag == "--gpu")
            options.gpu = true;
        else if (flag == "--shape" && i + 1 < count)
            options.shape = arguments[++i];
        else if (flag == "--tactic" && i + 1 < count)
            options.tactic = arguments[++i];
        else
            std::fprintf(stderr, "unknown argument %s\n", arguments[i]);
    }
    return options;
}

struct Entrant {
    std::string name;
    OperationCase::Prepared prepared;
    double milliseconds = 1e30;
};

std::vector<Entrant> prepare(const Shape& shape, const OperationCase& operation, const Options& options) {
    const auto device = vulkan::Device::by_index(0);
    vulkan::DeviceCaps caps = device->caps();
    if (options.gpu) caps.is_cpu = caps.host_kernels = false;
    std::vector<Entrant> out;
    for (const tactics::Candidate& candidate : operation.candidates(caps)) {
        if (!candidate.name.ends_with("/generic") && candidate.name.find(options.tactic) == std::string::npos) continue;
        if (!candidate.applicable()) {
            std::printf("%-20s %-36s refused: %s\n", shape.name, candidate.name.c_str(), candidate.refusal.c_str());
            continue;
        }
        try {
            out.push_back({candidate.name, operation.prepare(device, candidate)});
            out.back().prepared.runner->run();
        } catch (const std::exception& error) { // one pipeline that a driver refuses does not end the sweep
            std::printf("%-20s %-36s failed: %s\n", shape.name, candidate.name.c_str(), error.what());
            if (!out.empty() && out.back().name == candidate.name) out.pop_back();
        }
    }
    return out;
}

void run_shape(const Shape& shape, const Options& options, builder::Clock& clock) {
    tactics::Operation op;
    op.name = shape.name;
    op.kind = tactics::MatrixProduct{false, shape.transpose_b};
    OperationCase operation(std::move(op));
    operation.add_input(test::random_tensor(options.type, shape.a, 1), tactics::Layout::kLINEAR, false);
    operation.add_input(test::random_tensor(options.type, shape.b, 2), tactics::Layout::kLINEAR, false);
    operation.set_output(options.type, shape.y, tactics::Layout::kLINEAR);
    double flops = 2.0 * static_cast<double>(shape.a.back());
    for (const std::int64_t extent : shape.y) flops *= static_cast<double>(extent);

    std::vector<Entrant> entrants = prepare(shape, operation, options);
    clock.bring_up();
    constexpr int kRounds = 5;
    for (int round = 0; round < kRounds; ++round) {
        for (Entrant& entrant : entrants) {
            const double once = entrant.prepared.runner->time(1, 1);
            entrant.milliseconds = std::min(entrant.milliseconds, entrant.prepared.runner->time(1, std::clamp(static_cast<int>(4.0 / once), 1, 200)));
        }
    }
    const auto generic = std::ranges::find_if(entrants, [](const Entrant& e) { return e.name.ends_with("/generic"); });
    const kernels::host::Tensor expected = operation.output(generic->prepared);
    for (Entrant& entrant : entrants) {
        std::printf("%-20s %-36s %10.4f ms %9.4f TFLOP/s  error %.1e  %.2f times the generic kernel's speed\n", shape.name, entrant.name.c_str(), entrant.milliseconds,
                    flops / entrant.milliseconds / 1e9, test::relative_error(operation.output(entrant.prepared), expected), generic->milliseconds / entrant.milliseconds);
    }
    std::fflush(stdout);
}

void run(const Options& options) {
    std::printf("%s, %s\n", vulkan::Device::by_index(0)->offer().name.c_str(), options.type == DataType::kHALF ? "half" : "float");
    builder::Clock clock(vulkan::Device::by_index(0), stream::Stream::from_handle(0), null_log());
    for (const Shape& shape : kShapes) {
        if (std::string(shape.name).find(options.shape) != std::string::npos) run_shape(shape, options, clock);
    }
}

} // namespace

int main(int count, char** arguments) {
    try {
        run(parse(count, arguments));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
