// Attention and what belongs to it.
#include <array>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"

namespace tensorvk::graph {

namespace {

using shape::Expr;
using shape::Exprs;

//! A number of heads that is given as an attribute.
std::int64_t heads_attribute(const RuleContext& context, const char* name) {
    const std::int64_t heads = context.attributes<OperatorAttributes>().attributes.integer(name);
    if (heads < 1) {
        context.fail("needs the attribute '", name, "', 1 or more; it is ", heads, ".");
    }
    return heads;
}

std::vector<Inferred> causal_mask(RuleContext& context) {
    const Exprs sizes = context.values(0);
    return {{DataType::kBOOL, {sizes.at(0), sizes.at(1)}}};
}

//! [batch, heads, sequence, size], whatever the input's form.
Exprs heads_apart(const RuleContext& context, std::size_t index, const char* attribute) {
    const Tensor& x = context.input(index);
    if (x.dims.size() == 4) {
        return x.dims;
    }
    require_rank(context, x, 3, "[batch, sequence, heads * size] or four dimensions");
    const Expr heads = context.pool().constant(heads_attribute(context, attribute));
    return {x.dims[0], heads, x.dims[1], context.pool().floor_div(x.dims[2], heads)};
}

//! Y, present_key, present_value, qk_matmul_output.
std::vector<Inferred> attention(RuleContext& context) {
    shape::ExprPool& pool = context.pool();
    const Exprs query = heads_apart(context, 0, "q_num_heads");
    Exprs key = heads_apart(context, 1, "kv_num_heads");
    Exprs value = heads_apart(context, 2, "kv_num_heads");
    if (const Tensor* past = context.optional_input(4)) {
        require_rank(context, *past, 4, "past keys [batch, heads, sequence, size]");
        require_rank(context, context.input(5), 4, "past values [batch, heads, sequence, size]");
        key[2] = pool.add(past->dims[2], key[2]);
        value[2] = pool.add(context.input(5).dims[2], value[2]);
    }
    const Tensor& q = context.input(0);
    const Exprs result = q.dims.size() == 4 ? Exprs{query[0], query[1], query[2], value[3]}
                                            : Exprs{query[0], query[2], pool.mul(query[1], value[3])};
    std::vector<Inferred> out{{q.dtype, result}, {context.input(1).dtype, key}, {context.input(2).dtype, value}};
    out.push_back({q.dtype, {query[0], query[1], query[2], key[2]}});
    return out;
}

//! output [B, T, Hq * dv], present_state [B, Hkv, dk, dv].
std::vector<Inferred> linear_attention(RuleContext& context) {
    shape::ExprPool& pool = context.pool();
    for (std::size_t i = 0; i < 3; ++i) {
        require_rank(context, context.input(i), 3, "query, key and value [batch, sequence, heads * size]");
    }
    (void)word_attribute(context, "update_rule", "gated_delta", {"linear", "gated", "delta", "gated_delta"});
    const Expr query_heads = pool.constant(heads_attribute(context, "q_num_heads"));
    const Expr heads = pool.constant(heads_attribute(context, "kv_num_heads"));
    const Tensor& query = context.input(0);
    const Expr key_size = pool.floor_div(query.dims[2], query_heads);
    const Expr value_size = pool.floor_div(context.input(2).dims[2], heads);
    const Tensor* past = context.optional_input(3);
    std::vector<Inferred> out{{query.dtype, {query.dims[0], query.dims[1], pool.mul(query_heads, value_size)}}};
    out.push_back({past == nullptr ? query.dtype : past->dtype, {query.dims[0], heads, key_size, value_size}});
    return out;
}

//! output as the input, present_state [batch, channels, k - 1].
std::vector<Inferred> causal_convolution(RuleContext& context) {
    require_rank(context, context.input(0), 3, "an input [batch, channels, length]");
    require_rank(context, context.input(1), 3, "a kernel [channels, 1, taps]");
    (void)word_attribute(context, "activation", "none", {"none", "silu", "swish"});
    shape::ExprPool& pool = context.pool();
    const Tensor& x = context.input(0);
    std::vector<Inferred> out{{x.dtype, x.dims}};
    out.push_back({x.dtype, {x.dims[0], x.dims[1], pool.sub(context.input(1).dims[2], pool.constant(1))}});
    return out;
}

constexpr std::array kRules{
    OperatorRule{kCausalMask, 1, 1, causal_mask},
    OperatorRule{"Attention", 3, 7, attention},
    OperatorRule{"LinearAttention", 3, 6, linear_attention},
    OperatorRule{"CausalConvWithState", 2, 4, causal_convolution},
};

} // namespace

std::span<const OperatorRule> attention_rules() { return kRules; }

} // namespace tensorvk::graph
