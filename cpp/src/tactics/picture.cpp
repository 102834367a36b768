#include "tactics/picture.hpp"

#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::tactics {

namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

} // namespace

std::string refuse_picture(const ConvolutionProblem& p) {
    if (p.y.dtype != DataType::kHALF && !is_byte(p.x.dtype)) return "the network does not compute in float16";
    if (p.transposed() || p.groups != 1) return "only for convolutions of one group";
    if (p.x.dims.size() > 4) return "only for pictures and lines, the input is a volume";
    if (p.in_channels >= kUnitHalves) return text("there are ", p.in_channels, " channels, only fewer than ", kUnitHalves, " are widened");
    return {};
}

Widened widening_of(const ConvolutionProblem& p, bool pairs) {
    Widened out{.channels = p.in_channels, .kernel_width = p.kernel[2]};
    if (pairs && p.in_channels <= kUnitHalves / 2 && p.stride[2] == 2 && p.dilation[2] == 1) {
        out.pixels = 2;
        out.shift = p.pre[2] % 2;
    }
    out.units = ceil_div(p.kernel[2] + out.shift, out.pixels);
    return out;
}

ConvolutionProblem of_wide_picture(ConvolutionProblem p, const Widened& how) {
    p.widened = how;
    p.in_channels = kUnitHalves;
    p.kernel[2] = how.units;
    p.stride[2] /= how.pixels;
    p.pre[2] = ceil_div(p.pre[2], how.pixels);
    p.x.dtype = DataType::kHALF;
    p.x.layout = Layout::kCHANNELS_LAST;
    return p;
}

} // namespace tensorvk::tactics
