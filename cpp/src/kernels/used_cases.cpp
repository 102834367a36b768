#include "kernels/used_cases.hpp"

#include <algorithm>
#include <bitset>

#include "kernels/pointwise_program.hpp"

namespace tensorvk::kernels {
namespace {

constexpr std::uint32_t kOperationBits = 255, kProgramSwitch = 0x70777377; // PW_SWITCH in shaders/common/pointwise.glsl
constexpr std::size_t kSwitchWords = 3;                                   // before the pairs of a number and its block: instruction, selector, default

using Operations = std::bitset<kOperationBits + 1>;

Operations operations_of(std::span<const plan::SpecConstant> constants) {
    Operations used;
    for (const plan::SpecConstant& constant : constants) {
        const std::uint32_t at = constant.id - plan::kSpecPointwise; // of a smaller id: a large number
        if (at < 2 * PointwiseProgram::kMaxSlots && at % 2 == 0) used.set(static_cast<std::uint32_t>(constant.value) & kOperationBits);
    }
    return used;
}

bool is_of_a_program(std::span<const std::uint32_t> cases) {
    for (std::size_t i = 0; i + 1 < cases.size(); i += 2) {
        if (cases[i] == kProgramSwitch) return true;
    }
    return false;
}

void append_switch(std::vector<std::uint32_t>& out, std::span<const std::uint32_t> instruction, const Operations& used) {
    const std::size_t first = out.size();
    out.insert(out.end(), instruction.begin(), instruction.begin() + kSwitchWords);
    const auto cases = instruction.subspan(kSwitchWords);
    for (std::size_t i = 0; i + 1 < cases.size(); i += 2) {
        if (cases[i] < used.size() && used[cases[i]]) out.insert(out.end(), {cases[i], cases[i + 1]});
    }
    out[first] = static_cast<std::uint32_t>(out.size() - first) << 16 | (instruction[0] & 0xFFFFU);
}

} // namespace

std::vector<std::uint32_t> keep_used_cases(std::span<const std::uint32_t> spirv, std::span<const plan::SpecConstant> constants) {
    constexpr std::size_t kHeaderWords = 5;
    constexpr std::uint32_t kOpSwitch = 251;
    const Operations used = operations_of(constants);
    std::vector<std::uint32_t> out;
    out.reserve(spirv.size());
    std::size_t taken = 0; // words of `spirv` that are in `out`, or left out
    for (std::size_t at = kHeaderWords; at < spirv.size();) {
        const auto instruction = spirv.subspan(at, std::clamp<std::size_t>(spirv[at] >> 16, 1, spirv.size() - at));
        at += instruction.size();
        if ((instruction[0] & 0xFFFFU) != kOpSwitch || !is_of_a_program(instruction.subspan(kSwitchWords))) continue;
        const auto before = spirv.subspan(taken, at - instruction.size() - taken);
        out.insert(out.end(), before.begin(), before.end());
        append_switch(out, instruction, used);
        taken = at;
    }
    out.insert(out.end(), spirv.begin() + static_cast<std::ptrdiff_t>(taken), spirv.end());
    return out;
}

} // namespace tensorvk::kernels
