// A program that has the lean runtime only: reads a plan file, runs it, checks the result. Links neither ONNX nor
// compiler.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "plan/file.hpp"
#include "runtime/context.hpp"
#include "runtime/device_memory.hpp"
#include "runtime/programs.hpp"

using namespace tensorvk;

namespace {

// The file that a builder elsewhere would have made.
void write_plan_file(const std::filesystem::path& path) {
    const std::vector<std::byte> bytes = plan::write_plan(runtime::programs::weighted_plan());
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

std::vector<char> read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

int main() {
    const std::filesystem::path path = std::filesystem::temp_directory_path() / "tensorvk_lean_test.plan";
    write_plan_file(path);
    const std::vector<char> bytes = read_file(path);
    std::filesystem::remove(path);
    const auto device = vulkan::Device::current();
    runtime::Context context(runtime::Engine::load(device, std::as_bytes(std::span(bytes)), null_log()));
    const runtime::DeviceFloats x(device, runtime::counting(5));
    const runtime::DeviceFloats y(device, std::vector<float>(5));
    context.execute(std::vector<std::uint64_t>{x.address(), y.address()});
    const bool right = y.read() == std::vector<float>{2, 5, 8, 11, 14};
    std::puts(right ? "the lean runtime ran the plan" : "the result is wrong");
    return right ? 0 : 1;
}
