#include "onnx/node_order.hpp"

#include <functional>
#include <queue>
#include <string_view>
#include <unordered_map>

namespace tensorvk::onnx {

std::vector<int> reading_order(const google::protobuf::RepeatedPtrField<onnx_pb::NodeProto>& nodes) {
    std::unordered_map<std::string_view, int> maker;
    for (int i = 0; i < nodes.size(); ++i) {
        for (const std::string& output : nodes[i].output()) {
            if (!output.empty()) {
                maker.emplace(output, i);
            }
        }
    }
    std::vector<int> missing(static_cast<std::size_t>(nodes.size()), 0);
    std::vector<std::vector<int>> consumers(static_cast<std::size_t>(nodes.size()));
    for (int i = 0; i < nodes.size(); ++i) {
        for (const std::string& input : nodes[i].input()) {
            if (const auto it = maker.find(input); it != maker.end()) {
                consumers[static_cast<std::size_t>(it->second)].push_back(i);
                ++missing[static_cast<std::size_t>(i)];
            }
        }
    }
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    for (int i = 0; i < nodes.size(); ++i) {
        if (missing[static_cast<std::size_t>(i)] == 0) {
            ready.push(i);
        }
    }
    std::vector<int> order;
    std::vector<bool> done(missing.size(), false);
    while (!ready.empty()) {
        const int node = ready.top();
        ready.pop();
        order.push_back(node);
        done[static_cast<std::size_t>(node)] = true;
        for (const int consumer : consumers[static_cast<std::size_t>(node)]) {
            if (--missing[static_cast<std::size_t>(consumer)] == 0) {
                ready.push(consumer);
            }
        }
    }
    for (int i = 0; i < nodes.size(); ++i) {
        if (!done[static_cast<std::size_t>(i)]) {
            order.push_back(i);
        }
    }
    return order;
}

} // namespace tensorvk::onnx
