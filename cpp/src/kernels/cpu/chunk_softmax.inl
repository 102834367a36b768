// Softmax of rows, for chunk_functions.inl, inside its namespace.
constexpr int kLanes = 16;

//! NaN is passed over: the differences bring it in.
inline float larger(float a, float b) { return b > a ? b : a; }

inline float largest_of(const float* x, int n) {
    float lanes[kLanes];
    for (int l = 0; l < kLanes; ++l) lanes[l] = -kInfinity;
    int i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        for (int l = 0; l < kLanes; ++l) lanes[l] = larger(lanes[l], x[i + l]);
    }
    for (int l = 0; i < n; ++i, ++l) lanes[l] = larger(lanes[l], x[i]);
    for (int half = kLanes / 2; half > 0; half /= 2) {
        for (int l = 0; l < half; ++l) lanes[l] = larger(lanes[l], lanes[l + half]);
    }
    return lanes[0];
}

inline float sum_of(const float* x, int n) {
    float lanes[kLanes] = {};
    int i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        for (int l = 0; l < kLanes; ++l) lanes[l] += x[i + l];
    }
    for (int l = 0; i < n; ++i, ++l) lanes[l] += x[i];
    for (int half = kLanes / 2; half > 0; half /= 2) {
        for (int l = 0; l < half; ++l) lanes[l] += lanes[l + half];
    }
    return lanes[0];
}

//! exponential() for x <= 0, with 0 for what is below the smallest normal number: a third of the work.
inline float small_exponential(float x) {
    const float bounded = x > -87.0f ? x : -87.0f;
    const float shifted = bounded * 1.44269504089f + 12582912.0f; // the sum's last bits are the nearest integer
    const float k = shifted - 12582912.0f;
    const float r = (bounded - k * 0.693359375f) - k * -2.12194440e-4f;
    const float p = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;
    const float y = p * r * r + r + 1.0f;
    const float power = from_bits(to_bits(y) + (to_bits(shifted) << 23));
    return x > -87.0f ? power : x != x ? x : 0.0f;
}

void softmax_row(const SoftmaxTask& task, const float* x, float* values, void* y) {
    const int n = static_cast<int>(task.length);
    const float largest = largest_of(x, n);
    for (int i = 0; i < n; ++i) values[i] = small_exponential(x[i] - largest);
    const float sum = sum_of(values, n);
    if (task.log) {
        const float logarithm_of_sum = logarithm(sum);
        for (int i = 0; i < n; ++i) values[i] = x[i] - largest - logarithm_of_sum;
    } else {
        const float factor = 1.0f / sum;
        for (int i = 0; i < n; ++i) values[i] *= factor;
    }
    store(task.out_type, y, values, n);
}

//! A row that is longer than a chunk. Its exponentials wait for their sum in the output; bfloat16 would round them on the way, so they are computed
//! again.
void long_softmax_row(const SoftmaxTask& task, const char* from, char* to) {
    alignas(64) float loaded[kChunk], values[kChunk];
    const bool wait = task.out_type == Word::kF32 && !task.log;
    auto* out = reinterpret_cast<float*>(to);
    const auto length_at = [&](std::int64_t at) { return static_cast<int>(task.length - at < kChunk ? task.length - at : kChunk); };
    const auto numbers_at = [&](std::int64_t at) -> const float* {
        if (task.in_type == Word::kF32) return reinterpret_cast<const float*>(from) + at;
        load(task.in_type, from + at * bytes_of(task.in_type), 1, length_at(at), loaded);
        return loaded;
    };
    float largest = -kInfinity;
    for (std::int64_t at = 0; at < task.length; at += kChunk) largest = larger(largest, largest_of(numbers_at(at), length_at(at)));
    double sum = 0.0;
    for (std::int64_t at = 0; at < task.length; at += kChunk) {
        const float* x = numbers_at(at);
        float* r = wait ? out + at : values;
        for (int i = 0; i < length_at(at); ++i) r[i] = small_exponential(x[i] - largest);
        sum += static_cast<double>(sum_of(r, length_at(at)));
    }
    const float logarithm_of_sum = logarithm(static_cast<float>(sum)), factor = 1.0f / static_cast<float>(sum);
    for (std::int64_t at = 0; at < task.length; at += kChunk) {
        const int n = length_at(at);
        if (wait) {
            for (int i = 0; i < n; ++i) out[at + i] *= factor;
            continue;
        }
        const float* x = numbers_at(at);
        for (int i = 0; i < n; ++i) values[i] = task.log ? x[i] - largest - logarithm_of_sum : small_exponential(x[i] - largest) * factor;
        store(task.out_type, to + at * bytes_of(task.out_type), values, n);
    }
}
