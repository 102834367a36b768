// A program: everything that the runtime needs to run a network on a device. Buffers with symbolic sizes and a list of dispatches; no
// operators. A plan file holds one portable program and one tuned program per device.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shape/expr.hpp"
#include "support/attributes.hpp"
#include "tensorvk/types.h"

namespace tensorvk::plan {

enum class BufferKind : std::uint8_t {
    kARENA = 0,    // lives in the activation arena from its first to its last use
    kINPUT = 1,    // bound by the user
    kOUTPUT = 2,   // bound by the user
    kCONSTANT = 3, // data from the plan's weights section
    kDERIVED = 4,  // written once by an init step when the engine is loaded (prepacked weights); size does not depend on symbols
    kVIEW = 5,     // the rest of another buffer from `offset` on; steps read it only
};

struct Buffer {
    std::string name;
    BufferKind kind = BufferKind::kARENA;
    shape::Expr bytes{};
    std::uint64_t constant_offset = 0; // kCONSTANT: place in the weights section; multiple of 256
    std::int32_t whole = -1;           // kVIEW: the buffer that it lies in, which is no view
    shape::Expr offset{};              // kVIEW: its bytes in front of this one
};

struct Binding {
    std::int32_t buffer = -1;
    bool written = false;
};

struct SpecConstant {
    std::uint32_t id = 0;
    std::int32_t value = 0;
    auto operator<=>(const SpecConstant&) const = default;
};

// Numbers of the specialization constants that every kernel shares (shaders/common/interface.glsl).
inline constexpr std::uint32_t kSpecLocalSize = 0;   // 0, 1, 2: workgroup size x, y, z
inline constexpr std::uint32_t kSpecParam = 10;      // 10 .. 39: parameter i; kFromPushConstant reads push constant i
inline constexpr std::uint32_t kSpecPointwise = 40;  // 40 .. 63: pointwise program, (code, immediate) per slot
inline constexpr std::uint32_t kSpecLine = 64;       // 64 .. 72: the program as a line (kernels/quantized_line.hpp)
inline constexpr std::uint32_t kSpecGeometry = 80;   // 80 ..: kernel specific tile sizes
inline constexpr std::int32_t kFromPushConstant = INT32_MIN;
inline constexpr std::size_t kMaxParams = 30;

//! A tensor as a host function sees it.
struct HostTensor {
    std::int32_t buffer = -1; // -1: an optional input that is absent, an output that nobody wants
    DataType dtype = DataType::kFLOAT;
    shape::Exprs dims;
};

//! A symbol that gets its number from a host step: the extent `axis` of output `output`, or with output -1 element `axis` of input 0.
struct Definition {
    std::int32_t symbol = -1;
    std::int32_t output = -1;
    std::int32_t axis = 0;
    shape::Expr most{}; // it is at most this; invalid: no limit is known
};

//! The host function that reads the elements of a small integer tensor into symbols.
inline constexpr std::string_view kReadValues = "ReadValues";

//! What a step does that runs on the host.
struct HostCall {
    std::string function; // of the host catalogue, or one of the runtime's own: ReadValues, If, Loop, Scan
    AttributeSet attributes;
    std::vector<HostTensor> inputs, outputs;
    std::vector<Definition> definitions;
    std::vector<std::int32_t> bodies; // indices into Program::bodies
};

//! One dispatch, or one call of a host function. A host step is alone in its barrier group and has no kernel.
struct Step {
    std::string layer;  // name for reports, profiler and errors
    std::string kernel; // id in the kernel catalogue: "<family>/<name>:<variant>"
    std::uint64_t kernel_hash = 0; // content hash that the kernel must have; 0: any version will do
    std::vector<SpecConstant> spec; // everything that is known; parameters missing here come from push constants
    shape::Exprs params;            // at most kMaxParams, each fits into int32 when evaluated
    std::array<shape::Expr, 3> groups{};
    std::vector<Binding> bindings; // binding i of descriptor set 0
    std::int32_t group = 0;        // barrier group, ascending; steps of one group do not depend on each other
    std::shared_ptr<const HostCall> host; // null: a dispatch. Its buffers are bindings as well
};

struct IoTensor {
    std::string name;
    DataType dtype = DataType::kFLOAT;
    TensorIOMode mode = TensorIOMode::kNONE;
    shape::Exprs dims;      // an input's dynamic dimension is a symbol
    std::int32_t buffer = -1;
};

//! Two dimensions that the kernels take for equal; without b: an extent, which is not negative.
struct Constraint {
    shape::Expr a{}, b{};
    std::string layer; // for the error
};

struct Program {
    shape::ExprPool exprs;
    std::vector<IoTensor> io; // inputs first, then outputs, each in network order
    std::vector<Buffer> buffers;
    std::vector<Step> init;   // run once at load; bind constants and derived buffers only
    std::vector<Step> steps;
    std::vector<Constraint> constraints; // checked whenever shapes are set
    std::vector<Program> bodies;         // networks that host steps run: branches, loops
    [[nodiscard]] bool has_host_steps() const noexcept;
    //! The buffer whose memory a binding uses: of a view the one that it lies in.
    [[nodiscard]] std::int32_t holder(std::int32_t buffer) const {
        const Buffer& bound = buffers[static_cast<std::size_t>(buffer)];
        return bound.kind == BufferKind::kVIEW ? bound.whole : buffer;
    }
};

//! min, opt and max shape of every input, in the order of the program's inputs.
struct Profile {
    struct Range {
        std::vector<std::int64_t> min, opt, max;
    };
    std::vector<Range> inputs;
};

//! Which device a tuned program was made for. Equal keys run the program as it is.
struct DeviceKey {
    std::string name;           // "NVIDIA H200", "llvmpipe (LLVM 15.0.6, 256 bits)"
    std::uint32_t vendor_id = 0;
    std::uint32_t device_id = 0;
    std::uint32_t driver_version = 0;
    auto operator<=>(const DeviceKey&) const = default;
};

struct TunedProgram {
    DeviceKey device;
    Program program;
};

//! A whole plan in memory. The weights are one block; constants of all programs point into it.
struct Plan {
    std::string name;
    std::vector<Profile> profiles; // at least one; static networks have one with min = opt = max
    Program portable;
    std::vector<TunedProgram> tuned;
    std::vector<std::byte> weights;
    std::string report_json; // the build report: candidates with times and refusals per layer
    std::uint32_t builder_flags = 0;
    std::uint32_t profiling_verbosity = 0;
};

} // namespace tensorvk::plan
