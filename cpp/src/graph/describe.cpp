#include "graph/describe.hpp"

namespace tensorvk::graph {

namespace {

//! Counts the parts of an expression until the budget is used up; shared parts count each time, since they would be
//! written each time.
void count(const shape::ExprPool& pool, shape::Expr e, int& budget) {
    if (--budget < 0) {
        return;
    }
    const shape::ExprNode& node = pool.node(e);
    if (node.op != shape::ExprOp::kCONSTANT && node.op != shape::ExprOp::kSYMBOL) {
        count(pool, node.a, budget);
        count(pool, node.b, budget);
    }
}

} // namespace

std::string describe(const shape::ExprPool& pool, const shape::Exprs& dims) {
    std::string out = "[";
    for (std::size_t i = 0; i < dims.size(); ++i) {
        int budget = 16;
        count(pool, dims[i], budget);
        out += (i == 0 ? "" : ", ") + (budget < 0 ? std::string("...") : pool.str(dims[i]));
    }
    return out + "]";
}

} // namespace tensorvk::graph
