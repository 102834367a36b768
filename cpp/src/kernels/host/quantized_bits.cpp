// A float matrix times one whose elements have few bits (com.microsoft.MatMulNBits).
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
    if ((s.bits != 2 && s.bits != 4 && s.bits != 8) || s.block < 1 || s.block * s.bits % 8 != 0 || s.inner < 1 || s.columns < 1) {
        call.fail("has bits ", s.bits, ", block_size ", s.block, ", K ", s.inner, " and N ", s.columns,
                  "; allowed are 2, 4 or 8 bits, blocks of whole bytes and positive sizes.");
    }
    s.blocks = (s.inner + s.block - 1) / s.block;
    s.blob = s.block * s.bits / 8;
    const std::int64_t bytes = checked_mul(checked_mul(s.columns, s.blocks), s.blob);
    if (call.input(1).dtype != DataType::kUINT8 || call.input(1).volume() != bytes || call.input(2).volume() != s.columns * s.blocks) {
        call.fail("needs ", bytes, " bytes of uint8 for B and ", s.columns * s.blocks, " scales; it has ", call.input(1).volume(), " and ",
                  call.input(2).volume(), ".");
    }
    if (call.input(0).dims.empty() || call.input(0).dims.back() != s.inner) {
        call.fail("needs ", s.inner, " elements along the last axis of A.");
    }
    return s;
}

//! One zero point per block: packed like B's rows, given as floats, or the middle of the range.
float zero_point(const Call& call, const Shape& s, std::int64_t column, std::int64_t block) {
    const Tensor* zero = call.optional_input(3);
    if (zero == nullptr) {
        return static_cast<float>(1 << (s.bits - 1));
    }
    if (zero->dtype != DataType::kUINT8) {
        return static_cast<float>(zero->get(column * s.blocks + block));
    }
    return static_cast<float>(PackedRows(*zero, s.bits, (s.blocks * s.bits + 7) / 8)(column, block));
}

void check_zero_points(const Call& call, const Shape& s) {
    if (const Tensor* zero = call.optional_input(3)) {
        const std::int64_t count = s.columns * (zero->dtype == DataType::kUINT8 ? (s.blocks * s.bits + 7) / 8 : s.blocks);
        if (zero->volume() != count) {
            call.fail("needs ", count, " elements of zero points; it has ", zero->volume(), ".");
        }
    }
}

//! Column n of B as floats. `groups` says which block's scale belongs to each element, when it is not the block it lies in.
void unpack_column(const Call& call, const Shape& s, std::int64_t n, const Tensor* groups, std::span<float> column) {
    const PackedRows packed(call.input(1), s.bits, s.blocks * s.blob);
    for (std::int64_t k = 0; k < s.inner; ++k) {
        const std::int64_t block = groups == nullptr ? k / s.block : groups->get_integer(k);
        if (block < 0 || block >= s.blocks) {
            call.fail("has the group ", block, " in 'g_idx'; there are ", s.blocks, ".");
        }
        const auto scale = static_cast<float>(call.input(2).get(n * s.blocks + block));
        column[static_cast<std::size_t>(k)] = (static_cast<float>(packed(n, k)) - zero_point(call, s, n, block)) * scale;
    }
}

} // namespace

void mat_mul_n_bits(Call& call) {
    const Shape s = read_shape(call);
    check_zero_points(call, s);
    const Tensor* groups = call.optional_input(4);
    const Tensor* bias = call.optional_input(5);
    if ((groups != nullptr && groups->volume() < s.inner) || (bias != nullptr && bias->volume() != s.columns)) {
        call.fail("needs ", s.inner, " elements in 'g_idx' and ", s.columns, " in 'bias'.");
    }
    const Tensor& a = call.input(0);
    const auto values = a.as<float>();
    std::vector<std::int64_t> dims = a.dims;
    dims.back() = s.columns;
    const auto y = call.output(0, DataType::kFLOAT, dims).as<float>();
    const std::int64_t rows = static_cast<std::int64_t>(values.size()) / s.inner;
    std::vector<float> column(static_cast<std::size_t>(s.inner));
    for (std::int64_t n = 0; n < s.columns; ++n) {
        unpack_column(call, s, n, groups, column);
        for (std::int64_t m = 0; m < rows; ++m) {
            double sum = bias == nullptr ? 0.0 : bias->get(n);
            for (std::size_t k = 0; k < column.size(); ++k) {
                sum += static_cast<double>(values[static_cast<std::size_t>(m * s.inner) + k]) * static_cast<double>(column[k]);
            }
            y[static_cast<std::size_t>(m * s.columns + n)] = static_cast<float>(sum);
        }
    }
}

} // namespace tensorvk::kernels::host
