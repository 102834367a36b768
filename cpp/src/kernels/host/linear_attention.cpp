#include "kernels/host/linear_attention.hpp"

#include <cmath>

namespace tensorvk::kernels::host {

namespace {

struct Sizes {
    std::int64_t batch, tokens, query_heads, heads, key, value;
};

Sizes read_sizes(const Call& call) {
    const Tensor& query = call.input(0);
    const Tensor& key = call.input(1);
    const Tensor& value = call.input(2);
    Sizes s{0, 0, call.attributes().integer("q_num_heads"), call.attributes().integer("kv_num_heads"), 0, 0};
    const bool ranks = query.dims.size() == 3 && key.dims.size() == 3 && value.dims.size() == 3;
    if (!ranks || s.heads < 1 || s.query_heads < 1 || s.query_heads % s.heads != 0) {
        call.fail("needs queries, keys and values of 3 dimensions, and 'q_num_heads' that is a multiple of 'kv_num_heads'.");
    }
    s.batch = query.dims[0];
    s.tokens = query.dims[1];
    s.key = query.dims[2] / s.query_heads;
    s.value = value.dims[2] / s.heads;
    using Dims = std::vector<std::int64_t>;
    const bool fits = query.dims[2] == s.query_heads * s.key && key.dims == Dims{s.batch, s.tokens, s.heads * s.key} &&
                      value.dims == Dims{s.batch, s.tokens, s.heads * s.value};
    const Tensor* past = call.optional_input(3);
    if (!fits || (past != nullptr && past->dims != Dims{s.batch, s.heads, s.key, s.value})) {
        call.fail("has queries, keys, values or a past state whose shapes do not go together.");
    }
    return s;
}

//! How many numbers a head has of an optional input [B, T, heads * numbers]; 0 where the update rule does not use it.
std::int64_t numbers_per_head(const Call& call, std::size_t index, bool used, const Sizes& s) {
    const Tensor* x = call.optional_input(index);
    if ((x != nullptr) != used) {
        call.fail("has the update rule '", call.attributes().text("update_rule", "gated_delta"), "', which ", used ? "needs" : "does not take", " its input ", index,
                  ".");
    }
    if (x == nullptr) {
        return 0;
    }
    const bool shape = x->dims.size() == 3 && x->dims[0] == s.batch && x->dims[1] == s.tokens;
    const std::int64_t width = shape ? x->dims[2] : -1;
    const std::int64_t most = index == 4 ? s.key : 1; // a decay may have one number per element of the key
    if (width == s.heads * most) {
        return most;
    }
    if (width == s.heads) {
        return 1;
    }
    if (width != 1 || index == 4) {
        call.fail("has an input ", index, " whose shape does not go with the queries.");
    }
    return 0; // one number for all heads
}

} // namespace

// For each token, with S the state, g the decay and b the update rate:
//   S = exp(g) S;   v = b (v - S' k) for the delta rules;   S = S + k v';   output = scale S' q
void linear_attention(Call& call) {
    const Sizes s = read_sizes(call);
    const std::string rule = call.attributes().text("update_rule", "gated_delta");
    const bool gated = rule == "gated" || rule == "gated_delta", delta = rule == "delta" || rule == "gated_delta";
    if (!gated && !delta && rule != "linear") {
        call.fail("has the update rule '", rule, "'; linear, gated, delta and gated_delta are allowed.");
    }
    const std::int64_t decays = numbers_per_head(call, 4, gated, s), rates = numbers_per_head(call, 5, delta, s);
    const double given_scale = call.attributes().real("scale");
    const double scale = given_scale != 0.0 ? given_scale : 1.0 / std::sqrt(static_cast<double>(s.key));
    const Tensor& query = call.input(0);
    const Tensor* past = call.optional_input(3);
    Tensor output(query.dtype, {s.batch, s.tokens, s.query_heads * s.value});
    Tensor present(past == nullptr ? query.dtype : past->dtype, {s.batch, s.heads, s.key, s.value});
    const std::int64_t group = s.query_heads / s.heads;
    std::vector<double> state(static_cast<std::size_t>(s.key * s.value)), written(static_cast<std::size_t>(s.value));
    const auto cell = [&](std::int64_t i, std::int64_t j) -> double& { return state[static_cast<std::size_t>(i * s.value + j)]; };
    for (std::int64_t head = 0; head < s.batch * s.heads; ++head) {
        const std::int64_t b = head / s.heads, h = head % s.heads, begin = head * s.key * s.value;
        for (std::int64_t i = 0; i < s.key * s.value; ++i) {
            state[static_cast<std::size_t>(i)] = past == nullptr ? 0.0 : past->get(begin + i);
        }
        for (std::int64_t t = 0; t < s.tokens; ++t) {
            const std::int64_t row = b * s.tokens + t;
            const auto key = [&](std::int64_t i) { return call.input(1).get((row * s.heads + h) * s.key + i); };
            for (std::int64_t i = 0; gated && i < s.key; ++i) {
                const double decay = std::exp(call.input(4).get((row * s.heads + h) * decays + (decays == 1 ? 0 : i)));
                for (std::int64_t j = 0; j < s.value; ++j) {
                    cell(i, j) *= decay;
                }
            }
            const double rate = !delta ? 1.0 : call.input(5).get(rates == 0 ? row : row * s.heads + h);
            for (std::int64_t j = 0; j < s.value; ++j) {
                double known = 0.0;
                for (std::int64_t i = 0; delta && i < s.key; ++i) {
                    known += cell(i, j) * key(i);
                }
                written[static_cast<std::size_t>(j)] = rate * (call.input(2).get((row * s.heads + h) * s.value + j) - known);
            }
            for (std::int64_t i = 0; i < s.key; ++i) {
                for (std::int64_t j = 0; j < s.value; ++j) {
                    cell(i, j) += key(i) * written[static_cast<std::size_t>(j)];
                }
            }
            for (std::int64_t q = h * group; q < (h + 1) * group; ++q) {
                for (std::int64_t j = 0; j < s.value; ++j) {
                    double sum = 0.0;
                    for (std::int64_t i = 0; i < s.key; ++i) {
                        sum += query.get((row * s.query_heads + q) * s.key + i) * cell(i, j);
                    }
                    output.set((row * s.query_heads + q) * s.value + j, scale * sum);
                }
            }
        }
        for (std::int64_t i = 0; i < s.key * s.value; ++i) {
            present.set(begin + i, state[static_cast<std::size_t>(i)]);
        }
    }
    call.output(0, std::move(output));
    call.output(1, std::move(present));
}

void causal_convolution(Call& call) {
    const Tensor& x = call.input(0);
    const Tensor& weight = call.input(1);
    const Tensor* bias = call.optional_input(2);
    const Tensor* past = call.optional_input(3);
    using Dims = std::vector<std::int64_t>;
    const bool ranks = x.dims.size() == 3 && weight.dims.size() == 3 && weight.dims[2] >= 1;
    const std::int64_t channels = ranks ? x.dims[1] : 0, length = ranks ? x.dims[2] : 0, behind = ranks ? weight.dims[2] - 1 : 0;
    if (!ranks || weight.dims != Dims{channels, 1, behind + 1} || (bias != nullptr && bias->dims != Dims{channels}) ||
        (past != nullptr && past->dims != Dims{x.dims[0], channels, behind})) {
        call.fail("needs x [B, C, L], weights [C, 1, k], a bias [C] and a past [B, C, k - 1].");
    }
    const std::string activation = call.attributes().text("activation", "none");
    const bool swish = activation == "silu" || activation == "swish";
    if (!swish && activation != "none") {
        call.fail("has the activation '", activation, "'; none, silu and swish are allowed.");
    }
    Tensor output(x.dtype, x.dims), present(x.dtype, {x.dims[0], channels, behind});
    for (std::int64_t line = 0; line < x.dims[0] * channels; ++line) {
        const std::int64_t channel = line % channels;
        const auto at = [&](std::int64_t i) { // negative: before this call
            return i >= 0 ? x.get(line * length + i) : past == nullptr ? 0.0 : past->get(line * behind + behind + i);
        };
        for (std::int64_t i = 0; i < length; ++i) {
            double sum = bias == nullptr ? 0.0 : bias->get(channel);
            for (std::int64_t k = 0; k <= behind; ++k) {
                sum += at(i + k - behind) * weight.get(channel * (behind + 1) + k);
            }
            output.set(line * length + i, swish ? sum / (1.0 + std::exp(-sum)) : sum);
        }
        for (std::int64_t i = 0; i < behind; ++i) {
            present.set(line * behind + i, at(length - behind + i));
        }
    }
    call.output(0, std::move(output));
    call.output(1, std::move(present));
}

} // namespace tensorvk::kernels::host
