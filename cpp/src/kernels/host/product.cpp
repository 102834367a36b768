#include "kernels/host/product.hpp"

#include <array>

#include "kernels/host/pointwise.hpp"

namespace tensorvk::kernels::host {

using Dims = std::vector<std::int64_t>;

Product read_product(const Call& call, const Dims& a, const Dims& b) {
    if (a.empty() || b.empty()) {
        call.fail("multiplies matrices; a scalar was given.");
    }
    Product p{a, b, {}, {}};
    if (a.size() == 1) {
        p.a.insert(p.a.begin(), 1);
    }
    if (b.size() == 1) {
        p.b.push_back(1);
    }
    p.rows = p.a[p.a.size() - 2];
    p.inner = p.a.back();
    p.columns = p.b.back();
    if (p.b[p.b.size() - 2] != p.inner) {
        call.fail("multiplies matrices with ", p.inner, " columns and ", p.b[p.b.size() - 2], " rows.");
    }
    p.output = broadcast_dims(std::array{Dims(p.a.begin(), p.a.end() - 2), Dims(p.b.begin(), p.b.end() - 2)});
    p.result = p.output;
    p.output.insert(p.output.end(), {p.rows, p.columns});
    if (a.size() > 1) {
        p.result.push_back(p.rows);
    }
    if (b.size() > 1) {
        p.result.push_back(p.columns);
    }
    return p;
}

} // namespace tensorvk::kernels::host
