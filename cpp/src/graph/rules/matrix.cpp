#include <algorithm>

#include "graph/rules/families.hpp"

namespace tensorvk::graph::rules {

namespace {

//! One operand seen as batch dimensions and a matrix or vector; `outer` is not valid for a vector.
struct Operand {
    shape::Exprs batch;
    shape::Expr outer{}, inner{};
};

Operand operand(RuleContext& context, const Tensor& x, MatrixOperation op, bool left) {
    const std::size_t matrix = op == MatrixOperation::kVECTOR ? 1 : 2;
    if (x.dims.size() < matrix) {
        context.fail("needs at least ", matrix, " dimensions in input ", left ? 0 : 1, "; '", x.name, "' is ",
                     context.str(x.dims), ".");
    }
    Operand out;
    out.batch.assign(x.dims.begin(), x.dims.end() - static_cast<std::ptrdiff_t>(matrix));
    const shape::Expr last = x.dims.back();
    if (matrix == 1) {
        out.inner = last;
        return out;
    }
    const shape::Expr before = x.dims[x.dims.size() - 2];
    const bool inner_is_last = left != (op == MatrixOperation::kTRANSPOSE);
    out.inner = inner_is_last ? last : before;
    out.outer = inner_is_last ? before : last;
    return out;
}

} // namespace

std::vector<Inferred> matrix_multiply(RuleContext& context) {
    const Tensor& a = context.input(0);
    const Tensor& b = context.input(1);
    const auto& attributes = context.attributes<MatrixMultiplyAttributes>();
    context.require_floating(a, "input");
    context.require_same_type(a, b);
    const Operand left = operand(context, a, attributes.op0, true);
    const Operand right = operand(context, b, attributes.op1, false);
    const std::string both = text("'", a.name, "' ", context.str(a.dims), " and '", b.name, "' ", context.str(b.dims));
    if (left.batch.size() != right.batch.size()) {
        context.fail("needs equally many batch dimensions; ", both, " have ", left.batch.size(), " and ",
                     right.batch.size(), ", so reshape one of them with a Shuffle.");
    }
    (void)context.same(left.inner, right.inner, text("inner dimensions of ", both));
    shape::Exprs dims;
    for (std::size_t i = 0; i < left.batch.size(); ++i) {
        dims.push_back(context.broadcast(left.batch[i], right.batch[i], text("batch dimension ", i, " of ", both)));
    }
    for (const shape::Expr outer : {left.outer, right.outer}) {
        if (outer.valid()) {
            dims.push_back(outer);
        }
    }
    return {{a.dtype, std::move(dims)}};
}

} // namespace tensorvk::graph::rules
