// Products of integer matrices: exact sums, then one rounding where the result is quantized.
#include "kernels/host/product.hpp"
#include "kernels/host/quantized.hpp"

namespace tensorvk::kernels::host {

namespace {

using Dims = std::vector<std::int64_t>;

//! How a scale or zero point is read over its matrix: a vector has one number per row on the left and per column on the right.
Dims over_rows(const Tensor* parameter) {
    Dims dims = parameter == nullptr ? Dims{} : parameter->dims;
    if (dims.size() == 1) {
        dims.push_back(1);
    }
    return dims;
}
Dims over_columns(const Tensor* parameter) { return parameter == nullptr ? Dims{} : parameter->dims; }

//! Sums of products, as many as p.output has elements. The sums of 8-bit products stay inside int32 up to 33,000 terms; int64 holds all.
std::vector<std::int64_t> multiply(const Product& p, const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
    const Dims batch(p.output.begin(), p.output.end() - 2);
    const Dims a_strides = broadcast_strides(Dims(p.a.begin(), p.a.end() - 2), batch);
    const Dims b_strides = broadcast_strides(Dims(p.b.begin(), p.b.end() - 2), batch);
    std::vector<std::int64_t> sums(static_cast<std::size_t>(checked_volume(p.output)), 0);
    std::int64_t* row = sums.data();
    for (Odometer at(batch); at.valid(); at.next()) {
        const std::int32_t* left = a.data() + at.offset(a_strides) * p.rows * p.inner;
        const std::int32_t* right = b.data() + at.offset(b_strides) * p.inner * p.columns;
        for (std::int64_t m = 0; m < p.rows; ++m, row += p.columns) {
            for (std::int64_t k = 0; k < p.inner; ++k) {
                const std::int64_t factor = left[m * p.inner + k];
                for (std::int64_t n = 0; n < p.columns; ++n) {
                    row[n] += factor * right[k * p.columns + n];
                }
            }
        }
    }
    return sums;
}

std::vector<std::int64_t> integer_product(const Call& call, const Product& p, std::size_t a, std::size_t a_zero, std::size_t b,
                                          std::size_t b_zero) {
    Tensor left = call.input(a);
    Tensor right = call.input(b);
    left.dims = p.a;
    right.dims = p.b;
    const Tensor* left_zero = call.optional_input(a_zero);
    const Tensor* right_zero = call.optional_input(b_zero);
    return multiply(p, centred(call, left, left_zero, over_rows(left_zero)), centred(call, right, right_zero, over_columns(right_zero)));
}

//! The other way round, for transA and transB.
Tensor transposed(const Tensor& x) {
    Tensor out(x.dtype, {x.dims[1], x.dims[0]});
    for (std::int64_t i = 0; i < x.dims[0]; ++i) {
        for (std::int64_t j = 0; j < x.dims[1]; ++j) {
            out.set_integer(j * x.dims[0] + i, x.get_integer(i * x.dims[1] + j));
        }
    }
    return out;
}

} // namespace

void mat_mul_integer(Call& call) {
    const Product p = read_product(call, call.input(0).dims, call.input(1).dims);
    const std::vector<std::int64_t> sums = integer_product(call, p, 0, 2, 1, 3);
    const auto y = call.output(0, DataType::kINT32, p.result).as<std::int32_t>();
    std::ranges::transform(sums, y.begin(), [](std::int64_t sum) { return static_cast<std::int32_t>(sum); });
}

void qlinear_mat_mul(Call& call) {
    const Product p = read_product(call, call.input(0).dims, call.input(3).dims);
    const std::vector<std::int64_t> sums = integer_product(call, p, 0, 2, 3, 5);
    const Tensor& a_scale = call.input(1);
    const Tensor& b_scale = call.input(4);
    const Tensor& y_scale = call.input(6);
    const Tensor& y_zero = call.input(7);
    const Dims shapes[] = {over_rows(&a_scale), over_columns(&b_scale), over_rows(&y_scale), over_rows(&y_zero)};
    std::vector<Dims> strides;
    for (const Dims& shape : shapes) {
        check_broadcast(call, shape, p.output, "scales");
        strides.push_back(broadcast_strides(shape, p.output));
    }
    Tensor& y = call.output(0, y_zero.dtype, p.result);
    std::int64_t i = 0;
    for (Odometer at(p.output); at.valid(); at.next(), ++i) {
        const auto factor = static_cast<float>(a_scale.get(at.offset(strides[0]))) * static_cast<float>(b_scale.get(at.offset(strides[1]))) /
                            static_cast<float>(y_scale.get(at.offset(strides[2])));
        set_quantized(y, i, static_cast<float>(sums[static_cast<std::size_t>(i)]) * factor,
                      static_cast<std::int32_t>(y_zero.get_integer(at.offset(strides[3]))));
    }
}

//! com.microsoft: alpha * A' * B' + C, where C is int32 with the scale alpha * a_scale * b_scale. Without a scale for y the result is float32.
void qgemm(Call& call) {
    if (call.input(0).dims.size() != 2 || call.input(3).dims.size() != 2) {
        call.fail("multiplies two matrices; its inputs have ", call.input(0).dims.size(), " and ", call.input(3).dims.size(), " dimensions.");
    }
    const Tensor a = call.attributes().flag("transA") ? transposed(call.input(0)) : call.input(0);
    const Tensor b = call.attributes().flag("transB") ? transposed(call.input(3)) : call.input(3);
    const Product p = read_product(call, a.dims, b.dims);
    const Tensor* a_zero = call.optional_input(2);
    const Tensor* b_zero = call.optional_input(5);
    std::vector<std::int64_t> sums =
        multiply(p, centred(call, a, a_zero, over_rows(a_zero)), centred(call, b, b_zero, over_columns(b_zero)));
    if (const Tensor* c = call.optional_input(6)) {
        check_broadcast(call, c->dims, p.output, "summands C");
        const Dims strides = broadcast_strides(c->dims, p.output);
        std::size_t i = 0;
        for (Odometer at(p.output); at.valid(); at.next(), ++i) {
            sums[i] += c->get_integer(at.offset(strides));
        }
    }
    const Tensor& b_scale = call.input(4);
    check_broadcast(call, b_scale.dims, {1, p.columns}, "scales of B");
    const float factor = static_cast<float>(call.attributes().real("alpha", 1.0)) * one_scale(call, 1);
    const bool quantized = call.has_input(7);
    const float y_scale = quantized ? one_scale(call, 7) : 1.0f;
    const std::int32_t y_zero = one_zero_point(call, 8);
    const DataType type = call.has_input(8) ? call.input(8).dtype : quantized ? a.dtype : DataType::kFLOAT;
    Tensor& y = call.output(0, type, p.result);
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(sums.size()); ++i) {
        const float scale = factor * static_cast<float>(b_scale.get(b_scale.volume() == 1 ? 0 : i % p.columns));
        const auto sum = static_cast<float>(sums[static_cast<std::size_t>(i)]);
        if (quantized) {
            set_quantized(y, i, sum * (scale / y_scale), y_zero);
        } else {
            y.set(i, static_cast<double>(sum * scale));
        }
    }
}

} // namespace tensorvk::kernels::host
