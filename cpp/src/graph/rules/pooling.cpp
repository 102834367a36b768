#include "graph/rules/families.hpp"
#include "graph/rules/windows.hpp"

namespace tensorvk::graph::rules {

std::vector<Inferred> pooling(RuleContext& context) {
    const Tensor& x = context.input(0);
    auto& a = context.attributes<PoolingAttributes>();
    kernels::PoolGeometry& g = a.geometry;
    const Window window{g.window, g.stride, g.dilation, g.pre, g.post, a.padding_mode};
    context.require_floating(x, "input");
    const std::size_t spatial = check_window(context, window, x);
    resolve_same_padding(context, window, x);
    g.op = a.op == PoolingType::kMAX ? kernels::PoolGeometry::Op::kMAX : kernels::PoolGeometry::Op::kAVERAGE;
    g.ceil = a.padding_mode == PaddingMode::kEXPLICIT_ROUND_UP;

    shape::Exprs dims = {x.dims[0], x.dims[1]};
    for (std::size_t i = 0; i < spatial; ++i) {
        const std::int64_t reach = (g.window[i] - 1) * g.dilation[i] + 1;
        if (g.pre[i] >= reach || g.post[i] >= reach) {
            context.fail("has padding ", g.pre[i], " and ", g.post[i], " on spatial axis ", i,
                         ", where its window reaches over ", reach,
                         " elements: padding must be smaller, since a window must not lie outside the input.");
        }
        dims.push_back(windowed_extent(context, window, x, i));
    }
    return {{x.dtype, std::move(dims)}};
}

} // namespace tensorvk::graph::rules
