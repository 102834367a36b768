// bench_conv [--half | --int8] [--batch N] [--net unet|resnet|mobilenet|decoder] [--layer PART] [--tactic PART]: the convolution candidates of
// this device on the layers of a network. Prints layer, candidate, milliseconds, TFLOP/s, the largest difference from
// the generic kernel's result and the milliseconds that making its pipelines took; then the sums of the generic
// kernel's and of the best times. --layer and --tactic keep those whose name contains PART (the generic kernel always
// runs).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <string>

#include "builder/clock.hpp"
#include "tactics/operation_case.hpp"
#include "tactics/tensor_bytes.hpp"

namespace {

using namespace tensorvk;
using tactics::Layout;
using test::OperationCase;

struct Layer {
    const char* name;
    std::int64_t size, in, out, kernel, stride;
    bool transposed = false;
    int times = 1;
    std::int64_t groups = 1;
    std::int64_t depth = 0; // of a volume
};

const std::map<std::string, std::vector<Layer>> kNets = {
    {"unet",
     {{"enc1a", 256, 3, 32, 3, 1},
      {"enc1b", 256, 32, 32, 3, 1, false, 2},
      {"enc2a", 128, 32, 64, 3, 1},
      {"enc2b", 128, 64, 64, 3, 1, false, 2},
      {"enc3a", 64, 64, 128, 3, 1},
      {"enc3b", 64, 128, 128, 3, 1, false, 2},
      {"enc4a", 32, 128, 256, 3, 1},
      {"enc4b", 32, 256, 256, 3, 1, false, 2},
      {"mid_a", 16, 256, 512, 3, 1},
      {"mid_b", 16, 512, 512, 3, 1},
      {"up4", 16, 512, 256, 2, 2, true},
      {"dec4a", 32, 512, 256, 3, 1},
      {"up3", 32, 256, 128, 2, 2, true},
      {"dec3a", 64, 256, 128, 3, 1},
      {"up2", 64, 128, 64, 2, 2, true},
      {"dec2a", 128, 128, 64, 3, 1},
      {"up1", 128, 64, 32, 2, 2, true},
      {"dec1a", 256, 64, 32, 3, 1},
      {"out", 256, 32, 1, 1, 1}}},
    {"resnet", // ResNet-50
     {{"stem", 224, 3, 64, 7, 2},
      {"56_64_1", 56, 64, 64, 1, 1},
      {"56_64", 56, 64, 64, 3, 1, false, 3},
      {"56_64_256", 56, 64, 256, 1, 1, false, 4},
      {"56_256_64", 56, 256, 64, 1, 1, false, 2},
      {"56_256_128", 56, 256, 128, 1, 1},
      {"56_128_s2", 56, 128, 128, 3, 2},
      {"56_256_512_s2", 56, 256, 512, 1, 2},
      {"28_128", 28, 128, 128, 3, 1, false, 3},
      {"28_128_512", 28, 128, 512, 1, 1, false, 4},
      {"28_512_128", 28, 512, 128, 1, 1, false, 3},
      {"28_512_256", 28, 512, 256, 1, 1},
      {"28_256_s2", 28, 256, 256, 3, 2},
      {"28_512_1024_s2", 28, 512, 1024, 1, 2},
      {"14_256", 14, 256, 256, 3, 1, false, 5},
      {"14_256_1024", 14, 256, 1024, 1, 1, false, 6},
      {"14_1024_256", 14, 1024, 256, 1, 1, false, 5},
      {"14_1024_512", 14, 1024, 512, 1, 1},
      {"14_512_s2", 14, 512, 512, 3, 2},
      {"14_1024_2048_s2", 14, 1024, 2048, 1, 2},
      {"7_512", 7, 512, 512, 3, 1, false, 2},
      {"7_512_2048", 7, 512, 2048, 1, 1, false, 3},
      {"7_2048_512", 7, 2048, 512, 1, 1, false, 2}}},
    {"mobilenet", // of MobileNetV2
     {{"stem", 224, 3, 32, 3, 2},
      {"112_32_dw", 112, 32, 32, 3, 1, false, 1, 32},
      {"112_32_16", 112, 32, 16, 1, 1},
      {"112_16_96", 112, 16, 96, 1, 1},
      {"112_96_dw_s2", 112, 96, 96, 3, 2, false, 1, 96},
      {"56_144_24", 56, 144, 24, 1, 1},
      {"28_192_dw", 28, 192, 192, 3, 1, false, 1, 192},
      {"14_384_64", 14, 384, 64, 1, 1, false, 4},
      {"14_576_96", 14, 576, 96, 1, 1, false, 2},
      {"7_960_dw", 7, 960, 960, 3, 1, false, 2, 960},
      {"7_960_160", 7, 960, 160, 1, 1, false, 2},
      {"7_320_1280", 7, 320, 1280, 1, 1}}},
    {"decoder", // what upsamples in generators, segmentation and volumes
     {{"k4s2", 32, 64, 32, 4, 2, true},
      {"k3s2", 28, 128, 64, 3, 2, true},
      {"k2s2", 32, 64, 32, 2, 2, true},
      {"k5s2", 16, 128, 64, 5, 2, true},
      {"k4s2_groups", 32, 64, 32, 4, 2, true, 1, 4},
      {"k4s2_rgb", 64, 64, 3, 4, 2, true},
      {"3d_k3", 16, 32, 32, 3, 1, false, 1, 1, 8},
      {"3d_k3s2", 16, 32, 64, 3, 2, false, 1, 1, 8},
      {"3d_up", 8, 64, 32, 2, 2, true, 1, 1, 4}}},
};

struct Options {
    DataType type = DataType::kFLOAT;
    std::int64_t batch = 1;
    std::string net = "unet", layer, tactic;
};

Options parse(int count, char** arguments) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string flag = arguments[i];
        if (flag == "--half")
            options.type = DataType::kHALF;
        else if (flag == "--int8")
            options.type = DataType::kINT8;
        else if (flag == "--batch" && i + 1 < count)
            options.batch = std::atoi(arguments[++i]);
        else if (flag == "--net" && i + 1 < count)
            options.net = arguments[++i];
        else if (flag == "--layer" && i + 1 < count)
            options.layer = arguments[++i];
        else if (flag == "--tactic" && i + 1 < count)
            options.tactic = arguments[++i];
        else
            std::fprintf(stderr, "unknown argument %s\n", arguments[i]);
    }
    return options;
}

struct Problem {
    OperationCase operation;
    double flops;
};

//! Scale, ReLU, and back to 8 bits.
kernels::PointwiseProgram requantize() {
    using kernels::PointwiseArg;
    using kernels::PointwiseOp;
    const PointwiseArg immediate{PointwiseArg::Kind::kIMMEDIATE, 0};
    const auto slot = [](std::uint8_t i) { return PointwiseArg{PointwiseArg::Kind::kVALUE, i}; };
    return {{{PointwiseOp::kMUL, {}, immediate, {}, 0.01f},
             {PointwiseOp::kRELU, slot(1), {}, {}, 0.0f},
             {PointwiseOp::kQUANTIZE, slot(2), immediate, {}, 0.3f},
             {PointwiseOp::kMAX, slot(3), immediate, {}, -128.0f},
             {PointwiseOp::kMIN, slot(4), immediate, {}, 127.0f}}};
}

Problem build(const Layer& layer, const Options& options) {
    // A transposed one makes pictures `stride` times as large.
    const std::int64_t pad = layer.transposed ? (layer.kernel - layer.stride + 1) / 2 : layer.kernel / 2;
    const std::int64_t more = layer.transposed ? layer.stride + 2 * pad - layer.kernel : 0;
    const auto size = [&](std::int64_t extent) { return layer.transposed ? extent * layer.stride : (extent + 2 * pad - layer.kernel) / layer.stride + 1; };
    const auto each = [&](std::int64_t number) { return std::vector<std::int64_t>(layer.depth > 0 ? 3 : 2, number); };
    tactics::Operation op;
    op.name = layer.name;
    op.kind = tactics::Convolution{{each(layer.kernel), each(layer.stride), each(1), each(pad), each(pad), layer.groups}, layer.transposed, each(more)};
    const bool bytes = options.type == DataType::kINT8;
    op.has_bias = !bytes;
    op.epilogue = bytes ? requantize() : kernels::PointwiseProgram{{{.op = kernels::PointwiseOp::kRELU}}};
    OperationCase operation(std::move(op));
    std::vector<std::int64_t> x{options.batch, layer.in}, weights{layer.out, layer.in / layer.groups}, y{options.batch, layer.out};
    if (layer.transposed) weights = {layer.in, layer.out / layer.groups};
    double products = 2.0 * static_cast<double>(options.batch * layer.in / layer.groups * layer.out);
    for (const std::int64_t extent : layer.depth > 0 ? std::vector{layer.depth, layer.size, layer.size} : std::vector{layer.size, layer.size}) {
        x.push_back(extent);
        weights.push_back(layer.kernel);
        y.push_back(size(extent));
        products *= static_cast<double>(layer.kernel * (layer.transposed ? extent : size(extent)));
    }
    // The network's input comes as float, in rows.
    const bool first = layer.in == 3 && !bytes;
    operation.add_input(test::random_tensor(first ? DataType::kFLOAT : options.type, x, 1), first ? Layout::kLINEAR : Layout::kCHANNELS_LAST, false);
    operation.add_input(test::random_tensor(bytes ? options.type : DataType::kFLOAT, weights, 2), Layout::kLINEAR, true);
    if (!bytes) operation.add_input(test::random_tensor(DataType::kFLOAT, {layer.out}, 3), Layout::kLINEAR, true);
    operation.set_output(layer.out == 1 ? DataType::kFLOAT : options.type, y, Layout::kCHANNELS_LAST);
    return {std::move(operation), products};
}

double measure(OperationCase::Prepared& prepared) {
    const double once = prepared.runner->time(2, 1);
    return prepared.runner->time(5, std::clamp(static_cast<int>(4.0 / once), 1, 200));
}

struct Entrant {
    const tactics::Candidate* candidate;
    OperationCase::Prepared prepared;
    double ready; // milliseconds that making it took
    double milliseconds = 1e30;
};

//! Those that this device takes; says of the others why not.
std::vector<Entrant> prepare(const Layer& layer, const Problem& problem, const std::vector<tactics::Candidate>& candidates, const Options& options) {
    std::vector<Entrant> out;
    for (const tactics::Candidate& candidate : candidates) {
        if (!candidate.name.ends_with("/generic") && candidate.name.find(options.tactic) == std::string::npos) continue;
        if (!candidate.applicable()) {
            std::printf("%-10s %-34s refused: %s\n", layer.name, candidate.name.c_str(), candidate.refusal.c_str());
            continue;
        }
        try {
            const auto start = std::chrono::steady_clock::now();
            OperationCase::Prepared prepared = problem.operation.prepare(vulkan::Device::by_index(0), candidate);
            prepared.runner->run();
            const std::chrono::duration<double, std::milli> ready = std::chrono::steady_clock::now() - start;
            out.push_back({&candidate, std::move(prepared), ready.count()});
        } catch (const std::exception& error) { // one pipeline that a driver refuses does not end the sweep
            std::printf("%-10s %-34s failed: %s\n", layer.name, candidate.name.c_str(), error.what());
        }
    }
    return out;
}

//! Times of the generic kernel, which comes first, and of the best one.
std::pair<double, double> run_layer(const Layer& layer, const Options& options, builder::Clock& clock) {
    const Problem problem = build(layer, options);
    const std::vector<tactics::Candidate> candidates = problem.operation.candidates(vulkan::Device::by_index(0)->caps());
    std::vector<Entrant> entrants = prepare(layer, problem, candidates, options);
    const auto generic = std::find_if(entrants.begin(), entrants.end(), [](const Entrant& e) { return e.candidate->name.ends_with("/generic"); });
    clock.bring_up();
    const kernels::host::Tensor expected = problem.operation.output(generic->prepared);
    const Entrant* best = &*generic;
    for (Entrant& entrant : entrants) {
        entrant.milliseconds = measure(entrant.prepared);
        std::printf("%-10s %-34s %10.4f ms %9.3f TFLOP/s  error %.1e  ready in %.0f ms\n", layer.name, entrant.candidate->name.c_str(), entrant.milliseconds,
                    problem.flops / entrant.milliseconds / 1e9, test::relative_error(problem.operation.output(entrant.prepared), expected), entrant.ready);
        if (entrant.milliseconds < best->milliseconds) best = &entrant;
    }
    std::printf("%-10s best: %s %.4f ms, %.1f times the generic kernel's speed\n", layer.name, best->candidate->name.c_str(), best->milliseconds,
                generic->milliseconds / best->milliseconds);
    std::fflush(stdout);
    return {generic->milliseconds, best->milliseconds};
}

void run(const Options& options) {
    std::printf("%s, %s, batch %lld\n", vulkan::Device::by_index(0)->offer().name.c_str(),
                options.type == DataType::kHALF ? "half" : options.type == DataType::kINT8 ? "int8" : "float", static_cast<long long>(options.batch));
    builder::Clock clock(vulkan::Device::by_index(0), stream::Stream::from_handle(0), null_log());
    double generic_sum = 0.0, best_sum = 0.0;
    for (const Layer& layer : kNets.at(options.net)) {
        if (std::string(layer.name).find(options.layer) == std::string::npos) continue;
        const auto [generic, best] = run_layer(layer, options, clock);
        generic_sum += generic * layer.times;
        best_sum += best * layer.times;
    }
    std::printf("sum: generic %.3f ms, best %.3f ms\n", generic_sum, best_sum);
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
