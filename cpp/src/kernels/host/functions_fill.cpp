// Functions that make numbers from nothing or at random.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "kernels/host/functions.hpp"
#include "support/onnx_type.hpp"

namespace tensorvk::kernels::host {

namespace {

void real_range(Call& call) {
    const double start = call.real(0);
    const double delta = call.real(2);
    const double length = std::ceil((call.real(1) - start) / delta);
    if (std::isnan(length) || length > 1e15) {
        call.fail("has no end: from ", start, " to ", call.real(1), " in steps of ", delta, ".");
    }
    const auto count = static_cast<std::int64_t>(std::max(length, 0.0));
    Tensor& out = call.output(0, call.input(0).dtype, {count});
    for (std::int64_t i = 0; i < count; ++i) {
        out.set(i, start + static_cast<double>(i) * delta);
    }
}

void range(Call& call) {
    if (is_floating(call.input(0).dtype)) {
        return real_range(call);
    }
    const std::int64_t start = call.integer(0);
    const std::int64_t delta = call.integer(2);
    if (delta == 0) {
        call.fail("has a delta of 0.");
    }
    const std::int64_t distance = checked_add(call.integer(1), checked_mul(start, -1));
    const bool none = distance == 0 || (distance < 0) != (delta < 0);
    const std::int64_t count = none ? 0 : distance / delta + (distance % delta != 0 ? 1 : 0);
    Tensor& out = call.output(0, call.input(0).dtype, {count});
    for (std::int64_t i = 0; i < count; ++i) {
        out.set_integer(i, start + i * delta);
    }
}

//! Ones on diagonal k. The type is that of the result, which the caller converts to.
void eye_like(Call& call) {
    const Tensor& x = call.input(0);
    const std::int64_t k = call.attributes().integer("k", 0);
    if (x.dims.size() != 2) {
        call.fail("makes matrices only.");
    }
    Tensor& out = call.output(0, call.attributes().has("dtype") ? DataType::kFLOAT : x.dtype, x.dims);
    for (std::int64_t row = 0; row < x.dims[0]; ++row) {
        if (row + k >= 0 && row + k < x.dims[1]) {
            out.set(row * x.dims[1] + row + k, 1.0);
        }
    }
}

//! Random numbers of one run. A seed gives the numbers that numpy's RandomState(seed) gives, as in ONNX's reference implementation:
//! the Mersenne Twister, 53 bits per number.
class Random {
public:
    explicit Random(const Call& call) : engine_(seed_of(call)) {}

    //! In [0, 1).
    double uniform() {
        const std::uint64_t high = engine_() >> 5;
        const std::uint64_t low = engine_() >> 6;
        return (static_cast<double>(high) * 67108864.0 + static_cast<double>(low)) / 9007199254740992.0;
    }
    //! Mean 0, variance 1: Marsaglia's polar method, which yields two numbers at a time.
    double normal() {
        if (has_spare_) {
            has_spare_ = false;
            return spare_;
        }
        double x = 0.0, y = 0.0, square = 0.0;
        do {
            x = 2.0 * uniform() - 1.0;
            y = 2.0 * uniform() - 1.0;
            square = x * x + y * y;
        } while (square >= 1.0 || square == 0.0);
        const double factor = std::sqrt(-2.0 * std::log(square) / square);
        spare_ = factor * x;
        has_spare_ = true;
        return factor * y;
    }

private:
    //! "seed" is a real number in most operators, an integer in Dropout.
    static std::uint32_t seed_of(const Call& call) {
        const auto& values = call.attributes().values();
        const auto seed = values.find("seed");
        if (seed == values.end()) {
            return std::random_device()();
        }
        if (const auto* whole = std::get_if<std::int64_t>(&seed->second)) {
            return static_cast<std::uint32_t>(*whole);
        }
        const double real = call.attributes().real("seed");
        return std::abs(real) < 9e15 ? static_cast<std::uint32_t>(static_cast<std::int64_t>(real)) : std::bit_cast<std::uint32_t>(static_cast<float>(real));
    }

    std::mt19937 engine_;
    double spare_ = 0.0;
    bool has_spare_ = false;
};

std::vector<std::int64_t> random_dims(const Call& call) {
    return call.has_input(0) ? call.input(0).dims : call.attributes().integers("shape");
}

void random_uniform(Call& call) {
    Random random(call);
    const double low = call.attributes().real("low", 0.0);
    const double high = call.attributes().real("high", 1.0);
    for (float& value : call.output(0, DataType::kFLOAT, random_dims(call)).as<float>()) {
        value = static_cast<float>(low + (high - low) * random.uniform());
    }
}

void random_normal(Call& call) {
    Random random(call);
    const double mean = call.attributes().real("mean", 0.0);
    const double scale = call.attributes().real("scale", 1.0);
    for (float& value : call.output(0, DataType::kFLOAT, random_dims(call)).as<float>()) {
        value = static_cast<float>(mean + scale * random.normal());
    }
}

//! 1 with the probability that the input says.
void bernoulli(Call& call) {
    Random random(call);
    const Tensor& probability = call.input(0);
    Tensor& out = call.output(0, DataType::kFLOAT, probability.dims);
    for (std::int64_t i = 0; i < out.volume(); ++i) {
        out.set(i, random.uniform() < probability.get(i) ? 1.0 : 0.0);
    }
}

//! Draws classes by their unnormalized logarithms of probabilities: the first class whose cumulated share is above a uniform number.
void multinomial(Call& call) {
    Random random(call);
    const Tensor& x = call.input(0);
    const std::int64_t count = call.attributes().integer("sample_size", 1);
    const std::int64_t rows = x.dims.at(0);
    const std::int64_t classes = x.dims.at(1);
    const DataType type = onnx_type(call.attributes().integer("dtype", 6)).value_or(DataType::kINT32);
    if (classes == 0 && rows > 0) {
        call.fail("draws from no classes.");
    }
    Tensor& out = call.output(0, type, {rows, count});
    std::vector<double> cumulated(static_cast<std::size_t>(classes));
    for (std::int64_t row = 0; row < rows; ++row) {
        double largest = -std::numeric_limits<double>::infinity();
        for (std::int64_t c = 0; c < classes; ++c) {
            largest = std::max(largest, x.get(row * classes + c));
        }
        double sum = 0.0;
        for (std::int64_t c = 0; c < classes; ++c) {
            sum += std::exp(x.get(row * classes + c) - largest);
            cumulated[static_cast<std::size_t>(c)] = sum;
        }
        if (!std::isfinite(sum)) {
            call.fail("has a row ", row, " that holds no logarithms of probabilities: one of them is NaN or infinite, or all are -infinity.");
        }
        for (std::int64_t i = 0; i < count; ++i) {
            const auto drawn = std::ranges::upper_bound(cumulated, random.uniform() * sum) - cumulated.begin();
            out.set_integer(row * count + i, std::min<std::int64_t>(drawn, classes - 1));
        }
    }
}

//! In training, elements become 0 with probability `ratio` and the others are scaled so that the mean stays; else nothing happens.
void dropout(Call& call) {
    const Tensor& x = call.input(0);
    const double ratio = call.has_input(1) ? call.real(1) : call.attributes().real("ratio", 0.5);
    const bool training = call.has_input(2) && call.real(2) != 0.0;
    Tensor& y = call.output(0, x);
    const std::int64_t opset = call.attributes().integer("opset", 13);
    Tensor mask(opset < 10 ? x.dtype : DataType::kBOOL, x.dims);
    if (training && (ratio < 0.0 || ratio >= 1.0)) {
        call.fail("drops the share ", ratio, " of its input; 0 or more and less than 1 is possible.");
    }
    Random random(call);
    for (std::int64_t i = 0; i < x.volume(); ++i) {
        const bool kept = !training || ratio == 0.0 || random.uniform() >= ratio;
        mask.set(i, kept && opset >= 12 ? 1.0 : 0.0); // before, ONNX does not say what it holds, and ONNX Runtime gives zeros
        if (training) {
            y.set(i, kept ? x.get(i) / (1.0 - ratio) : 0.0);
        }
    }
    call.output(1, std::move(mask));
}

constexpr std::array kFunctions{
    Function{"Bernoulli", bernoulli, false},
    Function{"Dropout", dropout, false},
    Function{"EyeLike", eye_like},
    Function{"Multinomial", multinomial, false},
    Function{"RandomNormal", random_normal, false},
    Function{"RandomNormalLike", random_normal, false},
    Function{"RandomUniform", random_uniform, false},
    Function{"RandomUniformLike", random_uniform, false},
    Function{"Range", range},
};

} // namespace

std::span<const Function> fill_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
