// Non-maximum suppression of boxes.
#include <algorithm>
#include <array>
#include <limits>

#include "kernels/host/functions.hpp"

namespace tensorvk::kernels::host {

namespace {

//! Corners in ascending order.
struct Box {
    float top, left, bottom, right;

    [[nodiscard]] float area() const { return (bottom - top) * (right - left); }
};

//! Four numbers are two opposite corners (y, x, y, x) in any order, or with center_point_box the center and size (x, y, width, height).
Box box_at(const Tensor& boxes, std::int64_t index, bool center) {
    const auto number = [&](std::int64_t i) { return static_cast<float>(boxes.get(4 * index + i)); };
    if (center) {
        const float half_width = number(2) / 2, half_height = number(3) / 2;
        return {number(1) - half_height, number(0) - half_width, number(1) + half_height, number(0) + half_width};
    }
    return {std::min(number(0), number(2)), std::min(number(1), number(3)), std::max(number(0), number(2)), std::max(number(1), number(3))};
}

//! Whether intersection over union is above the threshold; boxes without area suppress nothing.
bool overlaps(const Box& a, const Box& b, float threshold) {
    const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
    const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
    if (height <= 0 || width <= 0 || a.area() <= 0 || b.area() <= 0) {
        return false;
    }
    const float common = height * width;
    return common / (a.area() + b.area() - common) > threshold;
}

struct Limits {
    std::int64_t count;      // of boxes per class
    std::int64_t candidates; // those with the highest scores of a class; 0 and less: all
    float overlap, score;
    bool center;

    explicit Limits(const Call& call) {
        const auto real = [&](std::size_t i, double otherwise) { return static_cast<float>(call.has_input(i) ? call.real(i) : otherwise); };
        count = call.has_input(2) ? std::max<std::int64_t>(call.integer(2), 0) : 0;
        candidates = call.attributes().integer("most_candidates", 0);
        overlap = real(3, 0.0);
        score = real(4, -std::numeric_limits<double>::infinity());
        center = call.attributes().flag("center_point_box");
    }
};

//! Of one class: boxes by falling score, each kept unless one kept before overlaps it.
std::vector<std::int64_t> kept_boxes(const Tensor& boxes, const Tensor& scores, std::int64_t first_box, std::int64_t first_score, const Limits& limits) {
    const std::int64_t count = boxes.dims[1];
    std::vector<std::int64_t> candidates;
    for (std::int64_t i = 0; i < count; ++i) {
        if (static_cast<float>(scores.get(first_score + i)) > limits.score) {
            candidates.push_back(i);
        }
    }
    std::ranges::stable_sort(candidates, [&](std::int64_t a, std::int64_t b) { return scores.get(first_score + a) > scores.get(first_score + b); });
    if (limits.candidates > 0 && limits.candidates < static_cast<std::int64_t>(candidates.size())) {
        candidates.resize(static_cast<std::size_t>(limits.candidates));
    }
    std::vector<std::int64_t> kept;
    std::vector<Box> kept_corners;
    for (const std::int64_t candidate : candidates) {
        if (static_cast<std::int64_t>(kept.size()) >= limits.count) {
            break;
        }
        const Box box = box_at(boxes, first_box + candidate, limits.center);
        if (std::ranges::none_of(kept_corners, [&](const Box& other) { return overlaps(box, other, limits.overlap); })) {
            kept.push_back(candidate);
            kept_corners.push_back(box);
        }
    }
    return kept;
}

void non_max_suppression(Call& call) {
    const Tensor& boxes = call.input(0);
    const Tensor& scores = call.input(1);
    if (boxes.dims.size() != 3 || scores.dims.size() != 3 || boxes.dims[2] != 4 || boxes.dims[0] != scores.dims[0] || boxes.dims[1] != scores.dims[2]) {
        call.fail("needs boxes [batch, boxes, 4] and scores [batch, classes, boxes].");
    }
    const Limits limits(call);
    std::vector<std::int64_t> selected;
    const std::int64_t classes = scores.dims[1];
    for (std::int64_t line = 0; line < scores.dims[0] * classes; ++line) {
        const std::int64_t batch = line / classes;
        for (const std::int64_t box : kept_boxes(boxes, scores, batch * boxes.dims[1], line * boxes.dims[1], limits)) {
            selected.insert(selected.end(), {batch, line % classes, box});
        }
    }
    Tensor& out = call.output(0, DataType::kINT64, {static_cast<std::int64_t>(selected.size()) / 3, 3});
    std::ranges::copy(selected, out.as<std::int64_t>().begin());
}

constexpr std::array kFunctions{
    Function{"NonMaxSuppression", non_max_suppression},
};

} // namespace

std::span<const Function> suppression_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
