// The layers of one loop body, one branch or the network itself, as they are copied into a network of their own.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "layers/scopes.hpp"
#include "onnx/build.hpp"

namespace tensorvk::layers {

using graph::Layer;
using graph::Network;
using graph::Tensor;
using onnx::Build;

class Level {
public:
    //! The network itself.
    Level(const Scopes& scopes, Network& target);
    //! What is inside of `construct`, in a network of its own: tensors from outside become inputs of it.
    Level(const Scopes& scopes, const Construct& construct, Network& target, Level& outer);
    //! What is inside of `construct` once more, in the network of `host`, with other values for what enters.
    struct Again {};
    Level(Again, const Scopes& scopes, const Construct& construct, Level& host);

    //! The copy of a tensor, made with all that it depends on where that was not done yet.
    Tensor* get(const Tensor* tensor);
    //! Copies a layer, or all that its outputs need where it is an exit of a construct.
    void emit(const Layer& layer);
    //! Copies layers without outputs (assertions), which nobody asks for.
    void emit_checks();
    //! `copy` stands for `tensor` from now on, under its name where that is free, in its type.
    void adopt(const Tensor& tensor, Tensor* copy);
    //! Stands for `tensor` in here, whatever computes it elsewhere.
    void substitute(const Tensor& tensor, Tensor* copy) { known_[&tensor] = copy; }
    //! Makes sure that a tensor from outside is here, as an input if it is neither constant nor a shape.
    Tensor* capture(const Tensor& tensor);
    //! A new input shaped like `outer` of the network around; axes in `free` have extents of their own.
    Tensor* add_input_like(const std::string& name, const Tensor& outer, const std::set<std::size_t>& free = {});
    //! Marks a tensor as an output, or a copy of it where it cannot be one (again).
    void mark_output(Tensor* tensor);

    //! Tensors from outside that became inputs, in their order.
    [[nodiscard]] const std::vector<const Tensor*>& captured() const noexcept { return captured_; }
    [[nodiscard]] Network& target() noexcept { return target_; }
    [[nodiscard]] Build& build() noexcept { return *build_; }
    [[nodiscard]] const Scopes& scopes() const noexcept { return scopes_; }

private:
    void copy(const Layer& layer);
    std::vector<Tensor*> copy_plain(const Layer& layer, std::vector<Tensor*> inputs);
    void emit_iterator(const Layer& layer);
    void emit_construct(const Layer& exit, void (*expand)(Level&, const Construct&));
    std::string free_name(const std::string& wish) const;

    const Scopes& scopes_;
    const Construct* inside_ = nullptr;
    Network& target_;
    Level* outer_ = nullptr;
    bool own_network_ = true;
    std::shared_ptr<Build> build_;
    std::map<const Tensor*, Tensor*> known_;
    std::set<const Tensor*> adopted_;
    std::vector<const Tensor*> captured_;
    std::set<const Construct*> open_; // being emitted
};

// loops.cpp, conditionals.cpp: the layer that runs the body or the branches.
void emit_loop(Level& level, const Construct& loop);
void emit_conditional(Level& level, const Construct& conditional);

} // namespace tensorvk::layers
