// Short ways to write down networks and what is expected of them.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "graph/network.hpp"
#include "support/error.hpp"

namespace tensorvk::graph {

using Numbers = std::vector<std::int64_t>;

template <typename T>
Weights weights_of(DataType type, std::vector<T> values) {
    auto owner = std::make_shared<const std::vector<T>>(std::move(values));
    return {type, reinterpret_cast<const std::byte*>(owner->data()), static_cast<std::int64_t>(owner->size()), owner};
}

inline Weights floats(std::int64_t count) {
    return weights_of(DataType::kFLOAT, std::vector<float>(static_cast<std::size_t>(count), 0.5f));
}

class NetworkTest : public testing::Test {
  protected:
    Tensor* in(const Numbers& dims, const std::string& name = "x", DataType type = DataType::kFLOAT) {
        return network.add_input(name, type, dims);
    }
    Tensor* ints(Numbers values) {
        const auto count = static_cast<std::int64_t>(values.size());
        return network.add_constant({count}, weights_of(DataType::kINT64, std::move(values)));
    }
    Tensor* add(LayerType type, std::vector<Tensor*> inputs, Attributes attributes) {
        return network.add_layer(type, std::move(inputs), std::move(attributes))->outputs[0];
    }
    //! Dims with their expressions: "[x:0, 3, (x:2 * 2)]".
    std::string dims(const Tensor* tensor) { return network.describe_dims(*tensor); }
    //! Values of a shape tensor, in the same way.
    std::string values(const Tensor* tensor) {
        if (!tensor->values) {
            return "unknown";
        }
        Tensor shown;
        shown.dims = *tensor->values;
        return network.describe_dims(shown);
    }
    //! The sentence with which adding a layer is refused; empty when it is not.
    std::string refusal(LayerType type, std::vector<Tensor*> inputs, Attributes attributes) {
        const std::size_t before = network.layers().size();
        try {
            network.add_layer(type, std::move(inputs), std::move(attributes), "under_test");
        } catch (const Error& error) {
            EXPECT_EQ(network.layers().size(), before) << "a refused layer must leave the network as it was";
            const std::string what = error.what();
            EXPECT_NE(what.find("'under_test'"), std::string::npos) << "the sentence names the layer: " << what;
            EXPECT_EQ(what.back(), '.') << what;
            return what;
        }
        return "";
    }

    Network network;
};

#define EXPECT_REFUSED(refusal, part) EXPECT_NE((refusal).find(part), std::string::npos) << (refusal)

} // namespace tensorvk::graph
