// Fourier transforms, windows, text and pictures.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>

#include "kernels/host/elements.hpp"
#include "kernels/host/fourier.hpp"
#include "kernels/host/functions.hpp"
#include "kernels/host/index.hpp"
#include "support/dtype.hpp"
#include "support/onnx_type.hpp"

namespace tensorvk::kernels::host {

namespace {

using Complex = std::complex<double>;
using Dims = std::vector<std::int64_t>;

std::int64_t positive(const Call& call, std::int64_t value, const char* what) {
    if (value < 1) {
        call.fail("has ", what, " ", value, ", which must be 1 or more.");
    }
    return value;
}

//! Element `at` of a tensor whose last dimension is [real] or [real, imaginary].
Complex complex_at(const Tensor& x, std::int64_t at) {
    return x.dims.back() == 1 ? Complex(x.get(at)) : Complex(x.get(at * 2), x.get(at * 2 + 1));
}

void require_complex(const Call& call, const Tensor& x) {
    if (x.dims.size() < 2 || (x.dims.back() != 1 && x.dims.back() != 2)) {
        call.fail("needs 1 or 2 numbers (real, imaginary) in the last of two dimensions or more.");
    }
}

//! The spectrum of a real signal from the half that is not its mirror image.
void mirror(std::vector<Complex>& spectrum) {
    const std::size_t n = spectrum.size();
    for (std::size_t k = n / 2 + 1; k < n; ++k) {
        spectrum[k] = std::conj(spectrum[n - k]);
    }
}

void dft(Call& call) {
    const AttributeSet& attributes = call.attributes();
    const Tensor& x = call.input(0);
    require_complex(call, x);
    const bool axis_is_input = attributes.integer("opset") >= 20;
    const std::int64_t named = axis_is_input && call.has_input(2) ? call.integer(2) : attributes.integer("axis", axis_is_input ? -2 : 1);
    const std::size_t axis = checked_axis(call, named, x.dims.size());
    if (axis + 1 == x.dims.size()) {
        call.fail("has an axis that is none of the signal's ", axis, " dimensions.");
    }
    const bool inverse = attributes.flag("inverse"), onesided = attributes.flag("onesided");
    if (onesided && !inverse && x.dims.back() != 1) {
        call.fail("makes a one-sided spectrum, which needs a real signal.");
    }
    const Dims signal(x.dims.begin(), x.dims.end() - 1);
    const std::int64_t given = signal[axis];
    const std::int64_t length =
        positive(call, call.has_input(1) ? call.integer(1) : inverse && onesided ? 2 * (given - 1) : given, "the length");
    Dims dims = signal;
    dims[axis] = onesided && !inverse ? length / 2 + 1 : length;
    const std::int64_t kept = dims[axis];
    Dims with_parts = dims;
    with_parts.push_back(inverse && onesided ? 1 : 2);
    Tensor y(x.dtype, with_parts);
    const std::int64_t from_step = row_major_strides(signal)[axis];
    const std::int64_t used = std::min(given, inverse && onesided ? length / 2 + 1 : length);
    Dims others = signal;
    others[axis] = 1;
    const Dims from_strides = row_major_strides(signal), to_strides = row_major_strides(dims);
    for (Odometer index(others); index.valid(); index.next()) {
        const std::int64_t from = index.offset(from_strides), to = index.offset(to_strides);
        std::vector<Complex> line(static_cast<std::size_t>(length));
        for (std::int64_t i = 0; i < used; ++i) {
            line[static_cast<std::size_t>(i)] = complex_at(x, from + i * from_step);
        }
        if (inverse && onesided) {
            mirror(line);
        }
        line = fourier_transform(std::move(line), inverse);
        for (std::int64_t i = 0; i < kept; ++i) {
            const std::int64_t at = to + i * to_strides[axis];
            const Complex value = line[static_cast<std::size_t>(i)];
            if (inverse && onesided) {
                y.set(at, value.real());
            } else {
                y.set(at * 2, value.real());
                y.set(at * 2 + 1, value.imag());
            }
        }
    }
    call.output(0, std::move(y));
}

//! Frames of the signal, weighted by the window and transformed.
void stft(Call& call) {
    const Tensor& x = call.input(0);
    require_complex(call, x);
    const std::int64_t step = positive(call, call.integer(1), "the frame step");
    const Tensor* window = call.optional_input(2);
    const std::int64_t samples = x.dims[1];
    const std::int64_t length = positive(call, call.has_input(3)      ? call.integer(3)
                                               : window != nullptr ? window->volume()
                                                                   : samples, "the frame length");
    const bool onesided = call.attributes().flag("onesided", true);
    if (x.dims.size() != 3 || length > samples || (window != nullptr && window->volume() != length) || (onesided && x.dims[2] != 1)) {
        call.fail("needs a signal [batch, samples, 1 or 2] that is no shorter than a frame (", length, ") and real where 'onesided' is set, and a window ",
                  "of the frame's length.");
    }
    const std::int64_t frames = (samples - length) / step + 1, bins = onesided ? length / 2 + 1 : length;
    Tensor& y = call.output(0, x.dtype, {x.dims[0], frames, bins, 2});
    std::int64_t at = 0;
    for (std::int64_t frame = 0; frame < x.dims[0] * frames; ++frame) {
        const std::int64_t begin = frame / frames * samples + frame % frames * step;
        std::vector<Complex> line(static_cast<std::size_t>(length));
        for (std::int64_t i = 0; i < length; ++i) {
            line[static_cast<std::size_t>(i)] = complex_at(x, begin + i) * (window == nullptr ? 1.0 : window->get(i));
        }
        line = fourier_transform(std::move(line), false);
        for (std::int64_t i = 0; i < bins; ++i) {
            y.set(at++, line[static_cast<std::size_t>(i)].real());
            y.set(at++, line[static_cast<std::size_t>(i)].imag());
        }
    }
}

//! Floating types are float32 on the host.
DataType output_type(const Call& call) {
    const DataType type = onnx_type(call.attributes().integer("output_datatype", 1)).value_or(DataType::kFLOAT);
    return is_floating(type) ? DataType::kFLOAT : type;
}

//! a - b cos(2 pi n / N) + c cos(4 pi n / N) where N is the size, or one less for a symmetric window.
void cosine_window(Call& call, double a, double b, double c) {
    const std::int64_t size = call.integer(0);
    if (size < 0) {
        call.fail("has the size ", size, ", which must be 0 or more.");
    }
    Tensor& y = call.output(0, output_type(call), {size});
    const std::int64_t period = call.attributes().flag("periodic", true) ? size : size - 1;
    for (std::int64_t n = 0; n < size; ++n) {
        const double turn = 2.0 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(std::max<std::int64_t>(period, 1));
        y.set(n, a - b * std::cos(turn) + c * std::cos(2.0 * turn));
    }
}

void blackman_window(Call& call) { cosine_window(call, 0.42, 0.5, 0.08); }
void hann_window(Call& call) { cosine_window(call, 0.5, 0.5, 0.0); }
void hamming_window(Call& call) { cosine_window(call, 25.0 / 46.0, 21.0 / 46.0, 0.0); }

//! Triangles over the frequencies of a transform, equally wide in mel(f) = 2595 log10(1 + f / 700).
void mel_weight_matrix(Call& call) {
    const std::int64_t bands = positive(call, call.integer(0), "the number of bands");
    const std::int64_t length = positive(call, call.integer(1), "the length");
    const std::int64_t rate = positive(call, call.integer(2), "the sample rate");
    const auto mel = [&](std::size_t input) { return 2595.0 * std::log10(1.0 + call.real(input) / 700.0); };
    const double low = mel(3), step = (mel(4) - low) / (static_cast<double>(bands) + 2.0);
    const std::int64_t bins = length / 2 + 1;
    Tensor& y = call.output(0, output_type(call), {bins, bands});
    const auto edge = [&](std::int64_t i) {
        const double hertz = 700.0 * (std::pow(10.0, (low + static_cast<double>(i) * step) / 2595.0) - 1.0);
        const double bin = std::floor((static_cast<double>(length) + 1.0) * hertz / static_cast<double>(rate));
        if (!(bin >= 0.0 && bin < static_cast<double>(bins))) {
            call.fail("has a band edge of ", hertz, " Hz, which lies outside the ", bins, " frequencies of the transform.");
        }
        return static_cast<std::int64_t>(bin);
    };
    for (std::int64_t band = 0; band < bands; ++band) {
        const std::int64_t left = edge(band), centre = edge(band + 1), right = edge(band + 2);
        for (std::int64_t i = left; i <= centre; ++i) {
            y.set(i * bands + band, left == centre ? 1.0 : static_cast<double>(i - left) / static_cast<double>(centre - left));
        }
        for (std::int64_t i = centre; i < right; ++i) {
            y.set(i * bands + band, static_cast<double>(right - i) / static_cast<double>(right - centre));
        }
    }
}

struct Ngrams {
    std::map<std::vector<std::int64_t>, std::size_t> numbers; // of each n-gram in the pool: of the last one where it is there twice
    std::int64_t shortest = 1, longest = 1;
    std::size_t count = 0; // in the pool
};

//! The pool holds all 1-grams, then all 2-grams and so on; `ngram_counts` says where each begins.
Ngrams read_ngrams(const Call& call) {
    const AttributeSet& attributes = call.attributes();
    const std::vector<std::int64_t> pool = attributes.integers("pool_int64s"), starts = attributes.integers("ngram_counts");
    Ngrams ngrams{{}, attributes.integer("min_gram_length", 1), attributes.integer("max_gram_length", 1), 0};
    for (std::size_t n = 1; n <= starts.size(); ++n) {
        const std::int64_t end = n < starts.size() ? starts[n] : static_cast<std::int64_t>(pool.size());
        if (starts[n - 1] < 0 || end < starts[n - 1] || end > static_cast<std::int64_t>(pool.size())) {
            call.fail("has 'ngram_counts' that leave the pool.");
        }
        for (std::int64_t at = starts[n - 1]; at + static_cast<std::int64_t>(n) <= end; at += static_cast<std::int64_t>(n)) {
            const auto first = pool.begin() + at;
            ngrams.numbers[{first, first + static_cast<std::ptrdiff_t>(n)}] = ngrams.count++;
        }
    }
    return ngrams;
}

//! Words of an n-gram may lie up to 'max_skip_count' words apart; single words count once.
void count_row(const Ngrams& ngrams, const std::vector<std::int64_t>& words, std::int64_t skips, const std::vector<std::int64_t>& places,
               std::vector<double>& counts) {
    const auto size = static_cast<std::int64_t>(words.size());
    const std::int64_t farthest = std::min(skips, size) + 1; // beyond the row there are no two words
    for (std::int64_t distance = 1; distance <= farthest; ++distance) {
        for (std::int64_t begin = 0; begin < size; ++begin) {
            std::vector<std::int64_t> ngram;
            for (std::int64_t at = begin; at < size && static_cast<std::int64_t>(ngram.size()) < ngrams.longest; at += distance) {
                ngram.push_back(words[static_cast<std::size_t>(at)]);
                const auto n = static_cast<std::int64_t>(ngram.size());
                const auto found = ngrams.numbers.find(ngram);
                if (n >= ngrams.shortest && (n > 1 || distance == 1) && found != ngrams.numbers.end()) {
                    counts[static_cast<std::size_t>(places[found->second])] += 1.0;
                }
            }
        }
    }
}

void tf_idf(Call& call) {
    const AttributeSet& attributes = call.attributes();
    const Tensor& x = call.input(0);
    const Ngrams ngrams = read_ngrams(call);
    const std::vector<std::int64_t> places = attributes.integers("ngram_indexes");
    const std::vector<double> weights = attributes.reals("weights");
    const std::string mode = attributes.text("mode");
    if (places.size() < ngrams.count || places.empty() || std::any_of(places.begin(), places.end(), [](std::int64_t place) { return place < 0; }) ||
        (mode != "TF" && mode != "IDF" && mode != "TFIDF")) {
        call.fail("needs a place in 'ngram_indexes' for each n-gram and the mode TF, IDF or TFIDF.");
    }
    const std::int64_t size = checked_add(*std::max_element(places.begin(), places.end()), 1);
    const std::int64_t rows = x.dims.size() == 2 ? x.dims[0] : 1, length = x.dims.empty() ? 1 : x.dims.back();
    Tensor& y = call.output(0, DataType::kFLOAT, x.dims.size() == 2 ? Dims{rows, size} : Dims{size});
    for (std::int64_t row = 0; row < rows; ++row) {
        std::vector<std::int64_t> words;
        for (std::int64_t i = 0; i < length; ++i) {
            words.push_back(x.get_integer(row * length + i));
        }
        std::vector<double> counts(static_cast<std::size_t>(size));
        count_row(ngrams, words, attributes.integer("max_skip_count"), places, counts);
        for (std::int64_t i = 0; i < size; ++i) {
            const auto at = static_cast<std::size_t>(i);
            const double count = mode == "IDF" ? std::min(counts[at], 1.0) : counts[at];
            y.set(row * size + i, mode == "TF" || at >= weights.size() ? count : count * weights[at]);
        }
    }
}

constexpr std::array kFunctions{
    Function{"DFT", dft},
    Function{"STFT", stft},
    Function{"BlackmanWindow", blackman_window},
    Function{"HammingWindow", hamming_window},
    Function{"HannWindow", hann_window},
    Function{"MelWeightMatrix", mel_weight_matrix},
    Function{"TfIdfVectorizer", tf_idf},
};

} // namespace

std::span<const Function> signal_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
