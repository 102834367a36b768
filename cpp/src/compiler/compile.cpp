#include "compiler/compile.hpp"

#include "compiler/buffers.hpp"
#include "compiler/from_network.hpp"
#include "compiler/passes/passes.hpp"
#include "support/error.hpp"

namespace tensorvk::compiler {

Compiled compile(const graph::Network& network, DataType internal, WeightStore& weights) {
    Ir ir = from_network(network);
    Compiled out;
    for (const Pass& pass : graph_passes()) {
        const std::size_t before = ir.ops.size();
        pass.run(ir);
        out.passes.push_back(text(pass.name, ": ", before, " -> ", ir.ops.size(), " operations"));
    }
    assign_types(ir, internal);
    assign_layouts(ir);
    find_views(ir);
    out.program = assign_buffers(ir, weights);
    out.values.assign(ir.values.begin(), ir.values.end());
    out.operations.assign(ir.ops.begin(), ir.ops.end());
    return out;
}

} // namespace tensorvk::compiler
