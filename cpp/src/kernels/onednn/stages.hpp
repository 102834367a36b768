// Primitives of oneDNN one after the other, with what lies between them in the thread's scratch memory.
#pragma once

#include <unordered_map>
#include <vector>

#include "kernels/onednn/onednn.hpp"

namespace tensorvk::kernels::cpu {

class Stages {
public:
    //! Memory of this run alone: other runs of the same thread use it before and after.
    [[nodiscard]] dnnl::memory temporary(const dnnl::memory::desc& desc);
    //! A temporary seen otherwise.
    [[nodiscard]] dnnl::memory view(const dnnl::memory& temporary, const dnnl::memory::desc& desc);
    //! `given` in the order and type of `wanted`: itself where it lies so already, else a temporary that a stage fills.
    [[nodiscard]] dnnl::memory reordered(const dnnl::memory& given, const dnnl::memory::desc& wanted);
    void copy(const dnnl::memory& from, const dnnl::memory& to);
    //! A primitive made with our_attributes().
    void add(dnnl::primitive primitive, const dnnl::memory::desc& scratchpad, std::unordered_map<int, dnnl::memory> arguments);
    [[nodiscard]] Run take();

private:
    struct Stage {
        dnnl::primitive primitive;
        std::unordered_map<int, dnnl::memory> arguments;
    };
    struct Placed {
        dnnl::memory memory;
        std::size_t offset;
    };
    std::vector<Stage> stages_;
    std::vector<Placed> temporaries_;
    std::vector<dnnl::memory> scratchpads_; // of one stage at a time: all in one place
    std::size_t bytes_ = 0, scratch_bytes_ = 0;
};

} // namespace tensorvk::kernels::cpu
