// Weights whose elements have few bits as floats: com.microsoft's MatMulNBits, MatMulBnb4 and GatherBlockQuantized.
#include <array>

#include "kernels/host/elements.hpp"
#include "kernels/host/quantized.hpp"

namespace tensorvk::kernels::host {

namespace {

//! Numbers of `bits` bits, the lowest ones first; a row of them begins at a byte.
class PackedRows {
public:
    PackedRows(const Tensor& bytes, std::int64_t bits, std::int64_t row_bytes)
        : bytes_(bytes.as<std::uint8_t>()), bits_(bits), row_bytes_(row_bytes) {}

    [[nodiscard]] std::int32_t operator()(std::int64_t row, std::int64_t column) const {
        const std::int64_t bit = column * bits_;
        const unsigned byte = bytes_[static_cast<std::size_t>(row * row_bytes_ + bit / 8)];
        return static_cast<std::int32_t>((byte >> (bit % 8)) & ((1u << bits_) - 1u));
    }

private:
    std::span<const std::uint8_t> bytes_;
    std::int64_t bits_, row_bytes_;
};

struct Shape {
    std::int64_t inner, columns, bits, block, blocks, blob;
};

Shape read_shape(const Call& call) {
    const AttributeSet& a = call.attributes();
    Shape s{a.integer("K"), a.integer("N"), a.integer("bits", 4), a.integer("block_size"), 0, 0};
    s.blocks = blocks_of(call, s.inner, s.block);
    if ((s.bits != 2 && s.bits != 4 && s.bits != 8) || s.block * s.bits % 8 != 0 || s.inner < 1 || s.columns < 1) {
        call.fail("has bits ", s.bits, ", block_size ", s.block, ", K ", s.inner, " and N ", s.columns,
                  "; allowed are 2, 4 or 8 bits, blocks of whole bytes and positive sizes.");
    }
    s.blob = s.block * s.bits / 8;
    const std::int64_t bytes = checked_mul(checked_mul(s.columns, s.blocks), s.blob);
    if (call.input(0).dtype != DataType::kUINT8 || call.input(0).volume() != bytes || call.input(1).volume() != s.columns * s.blocks) {
        call.fail("needs ", bytes, " bytes of uint8 for B and ", s.columns * s.blocks, " scales; it has ", call.input(0).volume(), " and ",
                  call.input(1).volume(), ".");
    }
    return s;
}

//! Inputs: B, scales, zero points, group of each row. One zero point per block: packed like B's rows, given as floats, or the middle of the range.
float zero_point(const Call& call, const Shape& s, std::int64_t column, std::int64_t block) {
    const Tensor* zero = call.optional_input(2);
    if (zero == nullptr) {
        return static_cast<float>(1 << (s.bits - 1));
    }
    if (zero->dtype != DataType::kUINT8) {
        return static_cast<float>(zero->get(column * s.blocks + block));
    }
    return static_cast<float>(PackedRows(*zero, s.bits, (s.blocks * s.bits + 7) / 8)(column, block));
}

void check_zero_points(const Call& call, const Shape& s) {
    if (const Tensor* zero = call.optional_input(2)) {
        const std::int64_t count = s.columns * (zero->dtype == DataType::kUINT8 ? (s.blocks * s.bits + 7) / 8 : s.blocks);
        if (zero->volume() != count) {
            call.fail("needs ", count, " elements of zero points; it has ", zero->volume(), ".");
        }
    }
}

//! Column n of B as floats. `groups` says which block's scale belongs to each element, when it is not the block it lies in.
void unpack_column(const Call& call, const Shape& s, std::int64_t n, const Tensor* groups, std::span<float> column) {
    const PackedRows packed(call.input(0), s.bits, s.blocks * s.blob);
    for (std::int64_t k = 0; k < s.inner; ++k) {
        const std::int64_t block = groups == nullptr ? k / s.block : groups->get_integer(k);
        if (block < 0 || block >= s.blocks) {
            call.fail("has the group ", block, " in 'g_idx'; there are ", s.blocks, ".");
        }
        const auto scale = static_cast<float>(call.input(1).get(n * s.blocks + block));
        column[static_cast<std::size_t>(k)] = (static_cast<float>(packed(n, k)) - zero_point(call, s, n, block)) * scale;
    }
}

//! The numbers that 4-bit codes stand for, relative to the largest of a block.
constexpr std::array<float, 16> kFp4{0.0f,  0.0625f / 12,  8.0f / 12,  12.0f / 12,  4.0f / 12,  6.0f / 12,  2.0f / 12,  3.0f / 12,
                                     -0.0f, -0.0625f / 12, -8.0f / 12, -12.0f / 12, -4.0f / 12, -6.0f / 12, -2.0f / 12, -3.0f / 12};
// Quantiles of the normal distribution, scaled to [-1, 1].
constexpr std::array<float, 16> kNf4{-1.0f,        -0.69619280f, -0.52507305f, -0.39491749f, -0.28444138f, -0.18477343f, -0.09105004f, 0.0f,
                                     0.07958030f,  0.16093020f,  0.24611230f,  0.33791524f,  0.44070983f,  0.56261700f,  0.72295684f,  1.0f};

//! A table of quantized rows: [rows..., elements], blocks along its last axis.
struct Table {
    const Tensor& numbers;
    std::int64_t bits, block; // bits is 8 where a byte holds one number
    std::int64_t elements, blocks, zero_row; // zero_row: bytes of zero points per row
    std::int32_t middle;                     // the zero point that is not given

    [[nodiscard]] std::int32_t number(const Tensor& from, std::int64_t row, std::int64_t row_bytes, std::int64_t at) const {
        return bits == 8 ? static_cast<std::int32_t>(from.get_integer(row * row_bytes + at)) : PackedRows(from, bits, row_bytes)(row, at);
    }
};

Table read_table(const Call& call) {
    const AttributeSet& a = call.attributes();
    const Tensor& numbers = call.input(0);
    const std::int64_t bits = a.integer("bits", 4);
    const bool unpacked = a.flag("unpacked");
    const auto rank = static_cast<std::int64_t>(numbers.dims.size());
    const std::int64_t axis = a.integer("quantize_axis", 1);
    if (rank < 2 || a.integer("gather_axis") % rank != 0 || (axis != rank - 1 && axis != -1) || (bits != 2 && bits != 4 && bits != 8)) {
        call.fail("gathers along axis ", a.integer("gather_axis"), " numbers of ", bits, " bits that are quantized along axis ", axis,
                  "; the first axis, 2, 4 or 8 bits, and the last axis are offered.");
    }
    Table t{numbers, unpacked ? 8 : bits, a.integer("block_size", 128), 0, 0, 0, 0};
    t.elements = numbers.dims.back() * (8 / t.bits);
    t.blocks = blocks_of(call, t.elements, t.block);
    t.zero_row = (t.blocks * t.bits + 7) / 8;
    t.middle = unpacked ? 0 : 1 << (bits - 1);
    const std::int64_t rows = numbers.dims.back() == 0 ? 0 : numbers.volume() / numbers.dims.back();
    const Tensor* zero = call.optional_input(3);
    if (call.input(2).volume() != rows * t.blocks || (zero != nullptr && zero->volume() != rows * t.zero_row)) {
        call.fail("needs ", rows * t.blocks, " scales for blocks of ", t.block, " and ", rows * t.zero_row, " bytes of zero points.");
    }
    return t;
}

} // namespace

void unpack_n_bits(Call& call) {
    const Shape s = read_shape(call);
    check_zero_points(call, s);
    const Tensor* groups = call.optional_input(3);
    if (groups != nullptr && groups->volume() < s.inner) {
        call.fail("needs ", s.inner, " elements in 'g_idx'; it has ", groups->volume(), ".");
    }
    const auto weights = call.output(0, DataType::kFLOAT, {s.columns, s.inner}).as<float>();
    for (std::int64_t n = 0; n < s.columns; ++n) {
        unpack_column(call, s, n, groups, weights.subspan(static_cast<std::size_t>(n * s.inner), static_cast<std::size_t>(s.inner)));
    }
}

//! Inputs: codes of 4 bits, the first of a byte in its high bits, and the largest magnitude of each block.
void unpack_bnb4(Call& call) {
    const AttributeSet& a = call.attributes();
    const std::int64_t count = checked_mul(a.integer("N"), a.integer("K"));
    const std::int64_t block = a.integer("block_size");
    const std::int64_t kind = a.integer("quant_type");
    const std::int64_t blocks = blocks_of(call, count, block), size = count / 2 + count % 2;
    if (count < 0 || (kind != 0 && kind != 1)) {
        call.fail("has N ", a.integer("N"), ", K ", a.integer("K"), " and quant_type ", kind,
                  "; allowed are positive sizes and the types 0 (FP4) and 1 (NF4).");
    }
    if (call.input(0).dtype != DataType::kUINT8 || call.input(0).volume() != size || call.input(1).volume() != blocks) {
        call.fail("needs ", size, " bytes for B and ", blocks, " magnitudes.");
    }
    const bool row_per_output = a.flag("transB", true);
    const std::array<float, 16>& numbers = kind == 0 ? kFp4 : kNf4;
    const auto bytes = call.input(0).as<std::uint8_t>();
    const std::int64_t columns = a.integer("N"), inner = a.integer("K");
    const auto weights = call.output(0, DataType::kFLOAT, {columns, inner}).as<float>();
    for (std::int64_t i = 0; i < count; ++i) {
        const unsigned byte = bytes[static_cast<std::size_t>(i / 2)];
        const float value = numbers[i % 2 == 0 ? byte >> 4 : byte & 0xF] * static_cast<float>(call.input(1).get(i / block));
        const std::int64_t to = row_per_output ? i : i % columns * inner + i / columns;
        weights[static_cast<std::size_t>(to)] = value;
    }
}

//! (number - zero point) * scale for the rows that the indices name; an index outside gives zeros.
void gather_block_quantized(Call& call) {
    const Table t = read_table(call);
    const Tensor& indices = call.input(1);
    const Tensor* zero = call.optional_input(3);
    const AxisView view(t.numbers.dims, 0); // inner: bytes that belong to one index
    const std::int64_t row_bytes = t.numbers.dims.back();
    std::vector<std::int64_t> dims = indices.dims;
    dims.insert(dims.end(), t.numbers.dims.begin() + 1, t.numbers.dims.end() - 1);
    dims.push_back(t.elements);
    const auto y = call.output(0, DataType::kFLOAT, dims).as<float>();
    const std::int64_t rows = row_bytes == 0 ? 0 : view.inner / row_bytes; // of one index
    std::size_t to = 0;
    for (std::int64_t i = 0; i < indices.volume(); ++i) {
        const std::int64_t given = indices.get_integer(i);
        const std::int64_t index = given < 0 ? given + view.extent : given;
        if (index < 0 || index >= view.extent) {
            to += static_cast<std::size_t>(rows * t.elements); // outputs begin as zeros
            continue;
        }
        for (std::int64_t row = index * rows; row < (index + 1) * rows; ++row) {
            for (std::int64_t k = 0; k < t.elements; ++k, ++to) {
                const std::int32_t none = zero == nullptr ? t.middle : t.number(*zero, row, t.zero_row, k / t.block);
                const auto scale = static_cast<float>(call.input(2).get(row * t.blocks + k / t.block));
                y[to] = static_cast<float>(t.number(t.numbers, row, row_bytes, k) - none) * scale;
            }
        }
    }
}

} // namespace tensorvk::kernels::host
