#include "onnx/extents.hpp"

#include <utility>

#include "support/checked.hpp"

namespace tensorvk::onnx {

using graph::Tensor;

Tensor* element(Build& b, Tensor* vector, std::int64_t index) {
    if (const auto known = b.known(vector)) {
        return b.ints({known->at(static_cast<std::size_t>(index))});
    }
    return b.add(LayerType::kGATHER, {vector, b.ints({index})}, graph::GatherAttributes{}, "element");
}

Tensor* sum(Build& b, Tensor* left, Tensor* right, std::string_view role) {
    const auto l = b.known(left);
    const auto r = b.known(right);
    return l && r ? b.ints({checked_add(l->front(), r->front())}) : b.elementwise(ElementWiseOperation::kSUM, left, right, role);
}

Tensor* joined(Build& b, const std::vector<Tensor*>& parts) {
    Build::Ints numbers;
    for (const Tensor* part : parts) {
        const auto known = b.known(part);
        if (!known) {
            return b.concatenate(parts, 0, "joined");
        }
        numbers.push_back(known->front());
    }
    return b.ints(std::move(numbers));
}

} // namespace tensorvk::onnx
