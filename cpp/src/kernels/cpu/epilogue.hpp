// What a product does with its finished sums: the pointwise program with its operands, then the store. The constants are those of
// cpp/src/tactics/epilogue.hpp and quantized.hpp.
#pragma once

#include <functional>
#include <vector>

#include "kernels/cpu/chunk.hpp"
#include "kernels/cpu/kernel.hpp"

namespace tensorvk::kernels::cpu {

class Epilogue {
public:
    //! How the output lies, its extents from the slowest; one of them are the channels.
    struct Output {
        std::vector<std::int64_t> extents;
        std::size_t channel_axis = 0;
        Word type = Word::kF32;
    };
    //! Strides along the output's axes of an operand that extends along some: of its mode, G(1).
    using GeneralStrides = std::function<std::vector<std::int64_t>(std::uint32_t mode)>;

    //! Binding 3 is the output, 4 to 7 the operands; `types`: Word of each operand, 4 bits each.
    Epilogue(const Launch& launch, Output output, std::uint32_t types, const GeneralStrides& general);

    enum class Lies { kGENERAL = 0, kSAME = 1, kPER_CHANNEL = 2, kSCALAR = 3 };
    struct Operand {
        std::size_t index = 0; // in the program
        Lies lies = Lies::kSAME;
        Word type = Word::kF32;
        const std::byte* data = nullptr;
        std::vector<std::int64_t> strides; // of a general one
    };
    //! Of what has been found before.
    Epilogue(PointwiseProgram program, Output output, std::vector<Operand> operands, void* y);

    //! Nothing but the store: sums in their place are finished.
    [[nodiscard]] bool empty() const { return empty_; }
    //! The output itself where sums of float may be finished in it; else null.
    [[nodiscard]] float* sums_in_place() const { return output_.type == Word::kF32 ? static_cast<float*>(y_) : nullptr; }

    //! Elements `at` .. of the output, each of the next channel, from `channel` on; after the last comes the first again.
    template <typename Sum>
    void along_channels(const Sum* sums, std::int64_t at, std::int64_t count, std::int64_t channel) const;
    //! Whether rows may be finished without knowing where they go: no operand differs from place to place.
    [[nodiscard]] bool same_everywhere() const;
    //! Rows of all channels, `count` elements, to memory of the output's type instead of the output. For an epilogue that is the same everywhere.
    template <typename Sum>
    void rows_apart(const Sum* sums, std::int64_t count, std::byte* to) const;
    //! Bytes of a row of all channels of the output, and where the row that begins with element `at` lies.
    [[nodiscard]] std::int64_t row_bytes() const { return channels_ * bytes_of(output_.type); }
    [[nodiscard]] std::byte* row(std::int64_t at) const { return static_cast<std::byte*>(y_) + at * bytes_of(output_.type); }
    //! Elements `at`, `at` + `step` .. of one channel.
    template <typename Sum>
    void along_places(const Sum* sums, std::int64_t at, std::int64_t step, std::int64_t count, std::int64_t channel) const;

private:
    struct Piece;

    template <typename Sum>
    void finish(const Sum* sums, const Piece& piece, std::byte* to) const;
    template <typename Sum>
    void finish_rows(const Sum* sums, std::int64_t at, std::int64_t count, std::int64_t channel, std::byte* to) const;
    [[nodiscard]] const float* numbers(const Operand& operand, const Piece& piece, float* memory) const;
    void general(const Operand& operand, const Piece& piece, float* out) const;

    PointwiseProgram program_;
    Output output_;
    bool empty_ = false; // nothing but the store
    std::vector<Operand> operands_;
    void* y_ = nullptr;
    std::int64_t channels_ = 0;
};

//! Of a matrix product, by the parameters of matrix/generic; G(1)'s axes are the last five of the result.
[[nodiscard]] Epilogue matrix_epilogue(const Launch& launch, Word type, std::uint32_t types);

} // namespace tensorvk::kernels::cpu
