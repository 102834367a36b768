// Functions on integers as bits, on bits as other types, and remainders.
#include <array>
#include <cmath>

#include "kernels/host/functions.hpp"
#include "kernels/host/index.hpp"
#include "kernels/host/pointwise.hpp"
#include "support/onnx_type.hpp"

namespace tensorvk::kernels::host {

namespace {

//! Calls `visit` with the type of an integer tensor's elements.
template <typename Visit>
void with_integer_type(Call& call, DataType type, const Visit& visit) {
    switch (type) {
    case DataType::kINT8: return visit(std::int8_t{});
    case DataType::kUINT8: return visit(std::uint8_t{});
    case DataType::kINT32: return visit(std::int32_t{});
    case DataType::kINT64: return visit(std::int64_t{});
    default: call.fail("works on the bits of integers only.");
    }
}

template <typename T, typename F>
void broadcast(Call& call, const F& f) {
    const Tensor& a = call.input(0);
    const Tensor& b = call.input(1);
    if (a.dtype != b.dtype) {
        call.fail("needs inputs of one type.");
    }
    const std::array shapes{a.dims, b.dims};
    Tensor& out = call.output(0, a.dtype, broadcast_dims(shapes));
    const auto strides_a = broadcast_strides(a.dims, out.dims);
    const auto strides_b = broadcast_strides(b.dims, out.dims);
    const auto y = out.as<T>();
    std::size_t at = 0;
    for (Odometer i(out.dims); i.valid(); i.next(), ++at) {
        y[at] = f(a.as<T>()[static_cast<std::size_t>(i.offset(strides_a))], b.as<T>()[static_cast<std::size_t>(i.offset(strides_b))]);
    }
}

enum class Bitwise { kAND, kOR, kXOR };

template <Bitwise Op>
void bitwise(Call& call) {
    with_integer_type(call, call.input(0).dtype, [&]<typename T>(T) {
        broadcast<T>(call, [](T a, T b) {
            return static_cast<T>(Op == Bitwise::kAND ? a & b : Op == Bitwise::kOR ? a | b : a ^ b);
        });
    });
}

void bitwise_not(Call& call) {
    const Tensor& x = call.input(0);
    with_integer_type(call, x.dtype, [&]<typename T>(T) {
        const auto from = x.as<T>();
        const auto to = call.output(0, x.dtype, x.dims).as<T>();
        std::ranges::transform(from, to.begin(), [](T value) { return static_cast<T>(~value); });
    });
}

//! Shifts bring in zeros; by the width or more nothing is left.
void bit_shift(Call& call) {
    const std::string direction = call.attributes().text("direction");
    if (direction != "LEFT" && direction != "RIGHT") {
        call.fail("shifts '", direction, "'; LEFT and RIGHT are offered.");
    }
    const bool left = direction == "LEFT";
    with_integer_type(call, call.input(0).dtype, [&]<typename T>(T) {
        using Bits = std::make_unsigned_t<T>;
        broadcast<T>(call, [left](T value, T by) {
            if (static_cast<std::uint64_t>(by) >= 8 * sizeof(T)) {
                return T{0};
            }
            const std::uint64_t bits = static_cast<Bits>(value);
            return static_cast<T>(static_cast<Bits>(left ? bits << by : bits >> by));
        });
    });
}

void bit_cast(Call& call) {
    const Tensor& x = call.input(0);
    const DataType to = onnx_type(call.attributes().integer("to")).value_or(x.dtype);
    if (dtype_size(to) != dtype_size(x.dtype)) {
        call.fail("cannot take the bits of ", dtype_name(x.dtype), " as ", dtype_name(to), ": the sizes differ.");
    }
    call.output(0, Tensor(to, x.dims, x.data));
}

//! Of the quotient rounded towards zero.
void mod(Call& call) {
    broadcast<float>(call, [](float a, float b) { return std::fmod(a, b); });
}

constexpr std::array kFunctions{
    Function{"BitCast", bit_cast},
    Function{"BitShift", bit_shift},
    Function{"BitwiseAnd", bitwise<Bitwise::kAND>},
    Function{"BitwiseNot", bitwise_not},
    Function{"BitwiseOr", bitwise<Bitwise::kOR>},
    Function{"BitwiseXor", bitwise<Bitwise::kXOR>},
    Function{"Mod", mod},
};

} // namespace

std::span<const Function> bits_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
