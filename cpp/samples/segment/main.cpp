// Segments images: reads an ONNX network, builds an engine or reuses the one of an earlier run, runs it on a stream,
// times it with events, writes the result as a picture and compares it with a reference.
//
//   segment [--fp16] [--runs N] [--engine FILE] [--pgm FILE] MODEL.onnx INPUT.pb REFERENCE.pb

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cuda.hpp"
#include "engine.hpp"
#include "pgm.hpp"
#include "tensor_file.hpp"

namespace segment {
namespace trt = tensorvk;
namespace {

constexpr std::string_view kUsage =
    "usage: segment [--fp16] [--runs N] [--engine FILE] [--pgm FILE] MODEL.onnx INPUT.pb REFERENCE.pb\n"
    "  --fp16         let the builder use half precision\n"
    "  --runs N       timed runs (default 10)\n"
    "  --engine FILE  read the engine from FILE if it is there, else build it and write FILE\n"
    "  --pgm FILE     write the first image's result as a grey picture\n";
// A result is accepted when each value is within one of the two: float16 keeps eleven bits.
constexpr float kAbsoluteTolerance = 0.005F, kRelativeTolerance = 0.05F;

struct Options {
    EngineOptions engine;
    std::string input, reference, pgm;
    int runs = 10;
};

int parseRuns(const std::string& argument) {
    int runs = 0;
    const char* const end = argument.data() + argument.size();
    const auto [rest, error] = std::from_chars(argument.data(), end, runs);
    if (error != std::errc() || rest != end || runs < 1) {
        throw std::invalid_argument("--runs needs a whole number from 1 on, not '" + argument + "'");
    }
    return runs;
}

Options parseArguments(std::span<char*> arguments) {
    Options options;
    std::vector<std::string> files;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        const auto value = [&]() -> std::string {
            if (i + 1 == arguments.size()) throw std::invalid_argument(std::string(argument) + " needs a value");
            return arguments[++i];
        };
        if (argument == "--fp16") {
            options.engine.fp16 = true;
        } else if (argument == "--runs") {
            options.runs = parseRuns(value());
        } else if (argument == "--engine") {
            options.engine.engine = value();
        } else if (argument == "--pgm") {
            options.pgm = value();
        } else if (argument.starts_with("--")) {
            throw std::invalid_argument("there is no option " + std::string(argument));
        } else {
            files.emplace_back(argument);
        }
    }
    if (files.size() != 3) throw std::invalid_argument("three files are needed");
    options.engine.model = files[0];
    options.input = files[1];
    options.reference = files[2];
    return options;
}

trt::Dims toDims(const Tensor& tensor) {
    trt::Dims dims;
    if (tensor.dims.size() > trt::Dims::MAX_DIMS) throw std::runtime_error("an input has more than eight dimensions");
    dims.nbDims = static_cast<int32_t>(tensor.dims.size());
    std::copy(tensor.dims.begin(), tensor.dims.end(), dims.d);
    return dims;
}

std::size_t elements(const trt::Dims& dims) {
    return static_cast<std::size_t>(std::accumulate(dims.d, dims.d + dims.nbDims, int64_t{1}, std::multiplies<>()));
}

struct Result {
    std::vector<float> values;
    trt::Dims dims;
    float withCopiesMs = 0;  // average of one run
    float kernelsMs = 0;
};

Result run(trt::ICudaEngine& engine, const Tensor& input, int runs) {
    const std::unique_ptr<trt::IExecutionContext> context(engine.createExecutionContext());
    const int32_t inputIndex = engine.bindingIsInput(0) ? 0 : 1;
    const int32_t outputIndex = 1 - inputIndex;
    if (!context->setBindingDimensions(inputIndex, toDims(input))) {
        throw std::runtime_error("the engine does not take the input's shape");
    }
    Result result;
    result.dims = context->getBindingDimensions(outputIndex);
    result.values.resize(elements(result.dims));
    const std::size_t inputBytes = input.values.size() * sizeof(float);
    const std::size_t outputBytes = result.values.size() * sizeof(float);

    const Stream stream;
    const Event begin, copiedIn, computed, end;
    const DeviceMemory deviceInput(inputBytes), deviceOutput(outputBytes);
    void* bindings[2];
    bindings[inputIndex] = deviceInput.get();
    bindings[outputIndex] = deviceOutput.get();
    for (int i = -1; i < runs; ++i) {  // run -1 warms up and is not counted
        begin.record(stream);
        check(trt::cudaMemcpyAsync(deviceInput.get(), input.values.data(), inputBytes, trt::cudaMemcpyHostToDevice,
                                   stream.get()));
        copiedIn.record(stream);
        if (!context->enqueueV2(bindings, stream.get(), nullptr))
            throw std::runtime_error("the engine could not be run");
        computed.record(stream);
        check(trt::cudaMemcpyAsync(result.values.data(), deviceOutput.get(), outputBytes, trt::cudaMemcpyDeviceToHost,
                                   stream.get()));
        end.record(stream);
        stream.synchronize();
        if (i < 0) continue;
        result.withCopiesMs += end.since(begin) / static_cast<float>(runs);
        result.kernelsMs += computed.since(copiedIn) / static_cast<float>(runs);
    }
    return result;
}

// Prints the largest difference; true when every value is close enough.
bool compare(const Result& result, const Tensor& reference) {
    if (result.values.size() != reference.values.size()) {
        std::cout << "The reference has " << reference.values.size() << " values, the result " << result.values.size()
                  << '\n';
        return false;
    }
    float largest = 0;
    bool close = true;
    for (std::size_t i = 0; i < result.values.size(); ++i) {
        const float difference = std::abs(result.values[i] - reference.values[i]);
        largest = std::max(largest, difference);
        close = close &&
                (difference <= kAbsoluteTolerance || difference <= kRelativeTolerance * std::abs(reference.values[i]));
    }
    std::cout << "Largest difference from the reference: " << largest << '\n';
    return close;
}

int segmentImages(const Options& options) {
    trt::Logger logger(trt::Severity::kWARNING);
    const Tensor input = readTensor(options.input);
    const Tensor reference = readTensor(options.reference);
    const auto engine = loadOrBuild(options.engine, logger);
    const Result result = run(*engine, input, options.runs);
    std::cout << "Average of " << options.runs << " runs, batch " << input.dims.at(0) << ": " << result.withCopiesMs
              << " ms with copies, " << result.kernelsMs << " ms without\n";
    if (!options.pgm.empty()) {
        const auto height = static_cast<std::size_t>(result.dims.d[result.dims.nbDims - 2]);
        const auto width = static_cast<std::size_t>(result.dims.d[result.dims.nbDims - 1]);
        writePgm(options.pgm, std::span(result.values).first(height * width), height, width);
        std::cout << "Picture: " << options.pgm << '\n';
    }
    if (!compare(result, reference)) {
        std::cout << "DIFFERENT\n";
        return 1;
    }
    std::cout << "OK\n";
    return 0;
}

}  // namespace
}  // namespace segment

int main(int argc, char** argv) {
    try {
        return segment::segmentImages(
            segment::parseArguments(std::span(argv, static_cast<std::size_t>(argc)).subspan(1)));
    } catch (const std::invalid_argument& error) {
        std::cerr << "segment: " << error.what() << '\n' << segment::kUsage;
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "segment: " << error.what() << '\n';
        return 1;
    }
}
