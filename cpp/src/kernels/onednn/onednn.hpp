// What all kernels on oneDNN share: its engine and stream, memory descriptors, and pointwise programs as post-operations.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include "kernels/cpu/chunk.hpp"
#include "kernels/cpu/epilogue.hpp"
#include "kernels/cpu/kernel.hpp"

namespace tensorvk::kernels::cpu {

[[nodiscard]] dnnl::engine& onednn_engine();
//! This thread's.
[[nodiscard]] dnnl::stream& onednn_stream();

//! A tensor with these strides (in elements), or in whatever order the primitive likes.
[[nodiscard]] dnnl::memory::desc strided(const dnnl::memory::dims& dims, const dnnl::memory::dims& strides,
                                         dnnl::memory::data_type type = dnnl::memory::data_type::f32);
//! The last two axes are rows and columns. The stride of an axis of one element says nothing, but oneDNN takes it for the distance of rows or columns
//! and refuses, when it runs, one that is shorter than they are: such strides are made up.
[[nodiscard]] dnnl::memory::desc strided_matrix(const dnnl::memory::dims& dims, dnnl::memory::dims strides,
                                                dnnl::memory::data_type type = dnnl::memory::data_type::f32);
[[nodiscard]] dnnl::memory::desc any_format(const dnnl::memory::dims& dims, dnnl::memory::data_type type = dnnl::memory::data_type::f32);
//! Memory that the kernel only reads may be handed over as const: oneDNN's type has no such notion.
[[nodiscard]] dnnl::memory over(const dnnl::memory::desc& desc, const void* data);

//! What the tensors of a product are stored as: float32, or bfloat16 where its kernel is of that and G(0) has the bit. Sums are float32.
struct FloatTypes {
    Word x = Word::kF32, y = Word::kF32, factor = Word::kF32; // bits 0, 1 and 2
    std::uint32_t operands = 0;                               // Word of each, 4 bits each; bits 4 to 7
};
[[nodiscard]] FloatTypes float_types(const Launch& launch, bool bfloat);
//! float32 or bfloat16.
[[nodiscard]] constexpr dnnl::memory::data_type data_type(Word type) {
    return type == Word::kBF16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}
//! Kernels of oneDNN that compute one number after the other: slower than ours.
[[nodiscard]] bool is_reference(const dnnl::primitive_desc_base& chosen);

//! How an operand of an epilogue lies beside the output: OperandKind of cpp/src/tactics/epilogue.hpp.
enum class OperandLies : std::int32_t { kGENERAL = 0, kSAME = 1, kPER_CHANNEL = 2, kSCALAR = 3 };

//! The program as post-operations; the operands are bound as DNNL_ARG_ATTR_MULTIPLE_POST_OP(index) | DNNL_ARG_SRC_1.
struct PostOps {
    dnnl::post_ops ops;
    struct Operand {
        int argument;      // of the primitive
        std::size_t index; // of the program's operands
    };
    std::vector<Operand> operands;
};
//! Nothing where post-operations cannot say it. `operands`: their descriptors, as the primitive sees them.
[[nodiscard]] std::optional<PostOps> post_ops_of(const PointwiseProgram& program, const std::vector<dnnl::memory::desc>& operands);

//! An operand of an epilogue, found by a launch's geometry 1 and its bindings 4 to 7.
struct EpilogueOperand {
    OperandLies lies = OperandLies::kGENERAL;
    const void* data = nullptr;
    Word type = Word::kF32;
};
//! `count`, `channels`: elements of the output, and of one value per channel. `types`: Word of each operand, 4 bits each.
[[nodiscard]] std::vector<EpilogueOperand> epilogue_operands(const Launch& launch, const PointwiseProgram& program, std::int64_t count, std::int64_t channels,
                                                             std::uint32_t types = 0);

//! The program over finished sums of `outer` times `channels` times `inner` elements, which lie as the output does.
struct Finish {
    void* y = nullptr; // may be the sums
    Word type = Word::kF32;
    std::int64_t outer = 0, channels = 0, inner = 0;
};
class Finisher {
public:
    Finisher(const PointwiseProgram& program, const std::vector<EpilogueOperand>& operands, const Finish& to);
    void operator()(const float* sums) const;

private:
    Finish to_;
    std::shared_ptr<const Epilogue> epilogue_;
};

//! Sums without terms: the bias, or 0 where it is null, for `to` to finish.
[[nodiscard]] Run empty_sums(float* sums, const Finish& to, const float* bias);

//! Attributes with the scratchpad in our hands: with its own, some kernels of oneDNN 2.6 (convolutions by matrix products) write to no memory.
[[nodiscard]] dnnl::primitive_attr our_attributes();
//! One primitive, made with our_attributes(), with its arguments.
[[nodiscard]] Run execution(dnnl::primitive primitive, const dnnl::memory::desc& scratchpad, std::unordered_map<int, dnnl::memory> arguments);

//! The weights in the format that the primitive wants, packed once per step and format.
[[nodiscard]] dnnl::memory packed(const Launch& launch, const dnnl::memory::desc& given, const void* data, const dnnl::memory::desc& wanted);
//! The same for weights that have to be made first: asked for only when they are not packed yet.
[[nodiscard]] dnnl::memory packed(const Launch& launch, const dnnl::memory::desc& given, const std::function<std::vector<float>()>& make, const dnnl::memory::desc& wanted);

} // namespace tensorvk::kernels::cpu
