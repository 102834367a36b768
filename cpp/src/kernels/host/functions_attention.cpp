// Attention and what belongs to it.
#include <array>
#include <cmath>
#include <limits>

#include "kernels/host/functions.hpp"
#include "kernels/host/index.hpp"
#include "kernels/host/linear_attention.hpp"
#include "support/shape_text.hpp"

namespace tensorvk::kernels::host {

namespace {

using Dims = std::vector<std::int64_t>;

constexpr double kHidden = -std::numeric_limits<double>::infinity();

void causal_mask(Call& call) {
    const auto sizes = call.input(0).as<std::int64_t>();
    const std::int64_t past = sizes[1] - sizes[2];
    const auto seen = call.output(0, DataType::kBOOL, {sizes[0], sizes[1]}).as<std::uint8_t>();
    for (std::int64_t query = 0, at = 0; query < sizes[0]; ++query) {
        for (std::int64_t key = 0; key < sizes[1]; ++key, ++at) {
            seen[static_cast<std::size_t>(at)] = key <= query + past ? 1 : 0;
        }
    }
}

//! [batch, heads, sequence, size] of a tensor that may have its heads in the last dimension.
Tensor heads_apart(const Call& call, std::size_t index, const char* attribute) {
    const Tensor& x = call.input(index);
    if (x.dims.size() == 4) {
        return x;
    }
    const std::int64_t heads = call.attributes().integer(attribute);
    if (x.dims.size() != 3 || heads < 1 || x.dims[2] % heads != 0) {
        call.fail("has an input ", index, " of shape ", shape_text(x.dims), ", which does not have ", heads, " heads.");
    }
    const std::int64_t size = x.dims[2] / heads;
    Tensor out(x.dtype, {x.dims[0], heads, x.dims[1], size});
    const Dims from{x.dims[1] * x.dims[2], size, x.dims[2], 1};
    std::int64_t at = 0;
    for (Odometer index_of(out.dims); index_of.valid(); index_of.next()) {
        out.set(at++, x.get(index_of.offset(from)));
    }
    return out;
}

//! `past` in front of `x`, along the sequence.
Tensor after(const Call& call, const Tensor* past, const Tensor& x) {
    if (past == nullptr) {
        return x;
    }
    if (past->dims.size() != 4 || past->dims[0] != x.dims[0] || past->dims[1] != x.dims[1] || past->dims[3] != x.dims[3]) {
        call.fail("has a past of shape ", shape_text(past->dims), " that does not go with ", shape_text(x.dims), ".");
    }
    Tensor out(x.dtype, {x.dims[0], x.dims[1], past->dims[2] + x.dims[2], x.dims[3]});
    const std::int64_t old_row = past->dims[2] * x.dims[3], new_row = x.dims[2] * x.dims[3];
    for (std::int64_t head = 0, at = 0; head < x.dims[0] * x.dims[1]; ++head) {
        for (std::int64_t i = 0; i < old_row; ++i) {
            out.set(at++, past->get(head * old_row + i));
        }
        for (std::int64_t i = 0; i < new_row; ++i) {
            out.set(at++, x.get(head * new_row + i));
        }
    }
    return out;
}

//! What is added to a score: 0, the mask's number, or minus infinity for a hidden key.
class Bias {
public:
    Bias(const Call& call, const Dims& scores, std::int64_t past) : call_(call), mask_(call.optional_input(3)), lengths_(call.optional_input(6)) {
        causal_ = call.attributes().flag("is_causal");
        left_ = call.attributes().integer("left_window_size", -1);
        right_ = call.attributes().integer("right_window_size", -1);
        past_ = past;
        queries_ = scores[2];
        if (mask_ != nullptr) {
            width_ = mask_->dims.empty() ? 0 : mask_->dims.back();
            Dims covered = scores;
            covered[3] = width_;
            check_mask(covered);
            strides_ = broadcast_strides(mask_->dims, covered);
            strides_[3] = 1; // a width of 1 is one key, the others are hidden
        }
        if (lengths_ != nullptr && lengths_->dims != Dims{scores[0]}) {
            call.fail("needs one length for each of the ", scores[0], " sequences in input 6.");
        }
    }

    [[nodiscard]] double operator()(const Dims& at) const {
        const std::int64_t key = at[3];
        const std::int64_t length = lengths_ == nullptr ? std::numeric_limits<std::int64_t>::max() : lengths_->get_integer(at[0]);
        const std::int64_t position = at[2] + (lengths_ == nullptr ? past_ : length - queries_);
        const bool hidden = key >= length || (causal_ && key > position) || (left_ >= 0 && key < position - left_) ||
                            (right_ >= 0 && key > position + right_) || (mask_ != nullptr && key >= width_);
        if (hidden || mask_ == nullptr) {
            return hidden ? kHidden : 0.0;
        }
        const double value = mask_->get(at[0] * strides_[0] + at[1] * strides_[1] + at[2] * strides_[2] + key);
        return mask_->dtype == DataType::kBOOL ? (value != 0.0 ? 0.0 : kHidden) : value;
    }

private:
    void check_mask(const Dims& covered) const {
        bool fits = !mask_->dims.empty() && mask_->dims.size() <= 4;
        for (std::size_t i = 0; fits && i < mask_->dims.size(); ++i) {
            const std::int64_t own = mask_->dims[i];
            fits = own == 1 || own == covered[i + 4 - mask_->dims.size()];
        }
        if (!fits) {
            call_.fail("has a mask of shape ", shape_text(mask_->dims), ", which does not go with the scores ", shape_text(covered), ".");
        }
    }

    const Call& call_;
    const Tensor* mask_;
    const Tensor* lengths_;
    bool causal_ = false;
    std::int64_t left_ = -1, right_ = -1, past_ = 0, queries_ = 0, width_ = 0;
    Dims strides_;
};

//! exp(x - max) / sum; zeros where all keys are hidden.
void softmax_row(std::vector<double>& row, bool empty) {
    double largest = kHidden;
    for (const double x : row) {
        largest = std::max(largest, x);
    }
    double sum = 0.0;
    for (double& x : row) {
        x = empty ? 0.0 : std::exp(x - largest);
        sum += x;
    }
    for (double& x : row) {
        x = empty ? 0.0 : x / sum;
    }
}

//! ONNX Attention: softmax(cap(scale * Q K') + bias) V with the keys and values of the past in front.
void attention(Call& call) {
    const AttributeSet& attributes = call.attributes();
    const Tensor query = heads_apart(call, 0, "q_num_heads");
    const Tensor new_key = heads_apart(call, 1, "kv_num_heads");
    const Tensor key = after(call, call.optional_input(4), new_key);
    const Tensor value = after(call, call.optional_input(5), heads_apart(call, 2, "kv_num_heads"));
    const std::int64_t batch = query.dims[0], heads = query.dims[1], queries = query.dims[2], size = query.dims[3];
    const std::int64_t keys = key.dims[2], value_size = value.dims[3];
    if (key.dims[0] != batch || value.dims[0] != batch || key.dims[3] != size || value.dims[2] != keys || key.dims[1] < 1 ||
        value.dims[1] != key.dims[1] || heads % key.dims[1] != 0) {
        call.fail("has queries, keys and values that do not go together: ", shape_text(query.dims), ", ", shape_text(key.dims), " and ", shape_text(value.dims), ".");
    }
    const std::int64_t group = heads / key.dims[1];
    const double scale = attributes.real("scale", 1.0 / std::sqrt(static_cast<double>(size)));
    const double cap = attributes.real("softcap");
    const std::int64_t mode = attributes.integer("qk_matmul_output_mode");
    const Dims score_dims{batch, heads, queries, keys};
    const Bias bias(call, score_dims, keys - new_key.dims[2]);
    const bool flat = call.input(0).dims.size() == 3;
    Tensor result(query.dtype, flat ? Dims{batch, queries, heads * value_size} : Dims{batch, heads, queries, value_size});
    Tensor stage(query.dtype, score_dims);
    std::vector<double> row(static_cast<std::size_t>(keys));
    std::int64_t at = 0;
    for (Odometer index(Dims{batch, heads, queries}); index.valid(); index.next(), at += keys) {
        const std::int64_t b = index.index()[0], h = index.index()[1], q = index.index()[2];
        const std::int64_t shared = b * key.dims[1] + h / group;
        bool empty = true;
        for (std::int64_t k = 0; k < keys; ++k) {
            double score = 0.0;
            for (std::int64_t i = 0; i < size; ++i) {
                score += query.get(((b * heads + h) * queries + q) * size + i) * key.get((shared * keys + k) * size + i);
            }
            score *= scale;
            const double capped = cap > 0.0 ? cap * std::tanh(score / cap) : score;
            const double added = bias({b, h, q, k});
            empty = empty && added == kHidden;
            row[static_cast<std::size_t>(k)] = added == kHidden ? kHidden : capped + added;
            stage.set(at + k, mode == 0 ? score : mode == 1 ? capped : row[static_cast<std::size_t>(k)]);
        }
        softmax_row(row, empty);
        for (std::int64_t k = 0; mode == 3 && k < keys; ++k) {
            stage.set(at + k, row[static_cast<std::size_t>(k)]);
        }
        const std::int64_t place = flat ? (b * queries + q) * heads + h : (b * heads + h) * queries + q;
        for (std::int64_t i = 0; i < value_size; ++i) {
            double sum = 0.0;
            for (std::int64_t k = 0; k < keys; ++k) {
                const double weight = row[static_cast<std::size_t>(k)];
                sum += weight == 0.0 ? 0.0 : weight * value.get((shared * keys + k) * value_size + i); // hidden values may be anything
            }
            result.set(place * value_size + i, sum);
        }
    }
    call.output(0, std::move(result));
    call.output(1, key);
    call.output(2, value);
    call.output(3, std::move(stage));
}

constexpr std::array kFunctions{
    Function{"CausalMask", causal_mask},
    Function{"Attention", attention},
    Function{"LinearAttention", linear_attention},
    Function{"CausalConvWithState", causal_convolution},
};

} // namespace

std::span<const Function> attention_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
