// TensorRT's RNNv2 in ONNX's recurrent operators, one for each layer.
#include <array>

#include "layers/composites.hpp"
#include "onnx/failure.hpp"
#include "onnx/weights.hpp"

namespace tensorvk::layers {

namespace {

using graph::RecurrentAttributes;
using graph::Tensor;
using onnx::Build;
using onnx::Extent;
using Ints = Build::Ints;
using Gate = RecurrentAttributes::Gate;

const char* onnx_name(RNNOperation op) {
    constexpr std::array kNames{"RNN", "RNN", "LSTM", "GRU"};
    return kNames.at(static_cast<std::size_t>(op));
}

const char* gate_name(RNNGateType gate) {
    constexpr std::array kNames{"INPUT", "OUTPUT", "FORGET", "UPDATE", "RESET", "CELL", "HIDDEN"};
    return kNames.at(static_cast<std::size_t>(gate));
}

class Stacked {
public:
    Stacked(Composite& c, const RecurrentAttributes& a)
        : c_(c), a_(a), gates_(a.gates()), directions_(a.direction == RNNDirection::kBIDIRECTION ? 2 : 1) {}

    std::vector<Tensor*> run() {
        Build& b = c_.build;
        Tensor* x = c_.input(0);
        const std::size_t batch = x->dims.size() - 2;
        Tensor* y = b.cast(b.reshape(x, {Extent::product(0, batch), Extent::axis(batch), Extent::axis(batch + 1)}, "batches"), DataType::kFLOAT);
        std::vector<Tensor*> hidden;
        std::vector<Tensor*> cells;
        for (std::int64_t layer = 0; layer < a_.layers; ++layer) {
            const graph::Layer* made = add_layer(layer, y);
            y = b.reshape(made->outputs[0], {Extent::axis(0), Extent::axis(1), Extent::product(2, 4)}, "joined");
            hidden.push_back(made->outputs[1]);
            if (a_.op == RNNOperation::kLSTM) {
                cells.push_back(made->outputs[2]);
            }
        }
        std::vector<Tensor*> out{as_given(y, "")};
        for (const auto* states : {&hidden, &cells}) {
            if (!states->empty()) {
                out.push_back(as_given(b.concatenate(*states, 1, "states"), "state"));
            }
        }
        return out;
    }

private:
    //! [batches, ...] with the input's dimensions before the last two in place of the first, in the input's type.
    Tensor* as_given(Tensor* y, std::string_view role) {
        Build& b = c_.build;
        Tensor* x = c_.input(0);
        Ints batch;
        for (std::size_t axis = 0; axis + 2 < x->dims.size(); ++axis) {
            batch.push_back(static_cast<std::int64_t>(axis));
        }
        Tensor* ending = b.extents_of(y, {1, 2});
        graph::ShuffleAttributes reshape;
        reshape.zero_is_placeholder = false;
        Tensor* to = batch.empty() ? ending : b.concatenate({b.extents_of(x, batch), ending}, 0, "shape");
        return b.cast(b.add(LayerType::kSHUFFLE, {y, to}, std::move(reshape), role), x->dtype);
    }

    const graph::Layer* add_layer(std::int64_t layer, Tensor* x) {
        Build& b = c_.build;
        const std::int64_t size = *b.extent(x, 2);
        const std::int64_t rows = static_cast<std::int64_t>(gates_.size()) * a_.hidden;
        const auto constant = [&](Ints dims, std::vector<float> values, const char* role) {
            return b.constant(std::move(dims), onnx::make_weights(DataType::kFLOAT, std::move(values)), role);
        };
        std::vector<Tensor*> inputs{x, constant({directions_, rows, size}, matrices(layer, true, size), "W"),
                                    constant({directions_, rows, a_.hidden}, matrices(layer, false, a_.hidden), "R"),
                                    constant({directions_, 2 * rows}, biases(layer), "B"), lengths(), state(2, layer)};
        if (a_.op == RNNOperation::kLSTM) {
            inputs.push_back(state(3, layer));
        }
        graph::OperatorAttributes attributes{onnx_name(a_.op), {}};
        attributes.attributes.set("layout", std::int64_t{1});
        attributes.attributes.set("hidden_size", a_.hidden);
        attributes.attributes.set("direction", directions_ == 2 ? "bidirectional" : "forward");
        attributes.attributes.set("linear_before_reset", std::int64_t{1});
        if (a_.op == RNNOperation::kRELU) {
            attributes.attributes.set("activations", std::vector<std::string>{"Relu"});
        }
        return b.layer(LayerType::kOPERATOR, std::move(inputs), std::move(attributes), text("layer_", layer));
    }

    Tensor* lengths() {
        if (c_.input(1) == nullptr) {
            return nullptr;
        }
        Tensor* given = c_.build.cast(c_.input(1), DataType::kINT32, "lengths");
        return c_.build.reshape(given, {Extent::product(0, given->dims.size())}, "lengths");
    }

    //! What one layer takes of the states [..., layers * directions, hidden].
    Tensor* state(std::size_t index, std::int64_t layer) {
        Tensor* given = c_.input(index);
        if (given == nullptr) {
            return nullptr;
        }
        Build& b = c_.build;
        const std::size_t batch = given->dims.size() - 2;
        Tensor* flat = b.reshape(given, {Extent::product(0, batch), Extent::axis(batch), Extent::axis(batch + 1)}, "states");
        Tensor* own = b.slice(flat, {1}, b.ints({layer * directions_}), b.ints({directions_}), b.ints({1}), {}, nullptr, "state");
        return b.cast(own, DataType::kFLOAT);
    }

    //! One gate's numbers, which have to be there.
    std::vector<float> numbers(const std::map<Gate, graph::Weights>& from, const Gate& gate, std::int64_t count, const char* what) {
        const auto it = from.find(gate);
        if (it == from.end() || it->second.count != count) {
            onnx::fail(onnx::NodeErrorCode::kINVALID_NODE, "the ", what, " of gate ", gate_name(gate.gate), " for the ", gate.is_input ? "input" : "hidden state",
                       " of layer ", gate.layer, " needs ", count, " numbers; ", it == from.end() ? 0 : it->second.count, " were given.");
        }
        const std::vector<double> doubles = onnx::to_doubles(it->second);
        return {doubles.begin(), doubles.end()};
    }

    std::vector<float> matrices(std::int64_t layer, bool is_input, std::int64_t columns) {
        std::vector<float> out;
        for (std::int64_t d = 0; d < directions_; ++d) {
            for (const RNNGateType gate : gates_) {
                const bool skips = is_input && layer == 0 && a_.input_mode == RNNInputMode::kSKIP;
                const auto part = skips ? identity(columns)
                                        : numbers(a_.weights, {static_cast<std::int32_t>(layer * directions_ + d), gate, is_input},
                                                  a_.hidden * columns, "weights");
                out.insert(out.end(), part.begin(), part.end());
            }
        }
        return out;
    }

    //! Those of the input, then those of the hidden state.
    std::vector<float> biases(std::int64_t layer) {
        std::vector<float> out;
        for (std::int64_t d = 0; d < directions_; ++d) {
            for (const bool is_input : {true, false}) {
                for (const RNNGateType gate : gates_) {
                    const auto part = numbers(a_.bias, {static_cast<std::int32_t>(layer * directions_ + d), gate, is_input}, a_.hidden, "bias");
                    out.insert(out.end(), part.begin(), part.end());
                }
            }
        }
        return out;
    }

    static std::vector<float> identity(std::int64_t size) {
        std::vector<float> out(static_cast<std::size_t>(size * size), 0.0F);
        for (std::int64_t i = 0; i < size; ++i) {
            out[static_cast<std::size_t>(i * size + i)] = 1.0F;
        }
        return out;
    }

    Composite& c_;
    const RecurrentAttributes& a_;
    std::vector<RNNGateType> gates_;
    std::int64_t directions_;
};

} // namespace

std::vector<Tensor*> expand_rnn(Composite& c) {
    return Stacked(c, std::get<RecurrentAttributes>(c.layer.attributes)).run();
}

} // namespace tensorvk::layers
