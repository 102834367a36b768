// The order and the numbers of Winograd weights are oneDNN's own: its reorder is the reference, bit for bit.
#include "kernels/onednn/winograd_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ostream>
#include <span>

#include <dlfcn.h>
#include <gtest/gtest.h>

namespace tensorvk::kernels::cpu {
namespace {

#if DNNL_VERSION_MAJOR == 2

using dnnl::memory;
using Tag = memory::format_tag;

struct Layer {
    std::int64_t in, out, size; // channels; of the picture
};
std::ostream& operator<<(std::ostream& out, const Layer& layer) { return out << layer.in << " to " << layer.out << " channels of " << layer.size; }

const dnnl::engine& engine() {
    static const dnnl::engine made(dnnl::engine::kind::cpu, 0);
    return made;
}

//! What oneDNN wants of a layer; it throws where it has no Winograd kernel for the layer or the processor.
memory::desc wanted_of(const Layer& layer) {
    const auto any = [](const memory::dims& dims) { return memory::desc(dims, memory::data_type::f32, Tag::any); };
    const dnnl::convolution_forward::desc described(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_winograd, any({1, layer.in, layer.size, layer.size}),
        any({layer.out, layer.in, 3, 3}), any({1, layer.out, layer.size, layer.size}), {1, 1}, {1, 1}, {1, 1});
    return dnnl::convolution_forward::primitive_desc(described, engine()).weights_desc();
}

std::span<const float> numbers(const memory& of) { return {static_cast<const float*>(of.get_data_handle()), of.get_desc().get_size() / sizeof(float)}; }

memory weights_of(const Layer& layer, Tag tag) {
    memory made({{layer.out, layer.in, 3, 3}, memory::data_type::f32, tag}, engine());
    auto* number = static_cast<float*>(made.get_data_handle());
    for (std::int64_t i = 0; i < layer.in * layer.out * 9; ++i) number[i] = std::sin(0.37f * static_cast<float>(i));
    return made;
}

//! oneDNN is called without this library's threads in between. Its own are OpenMP's, and the thread sanitizer does not see how those wait for each other.
class WinogradWeights : public testing::TestWithParam<Layer> {
protected:
    void SetUp() override {
        void* const found = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
        if (found != nullptr) reinterpret_cast<void (*)(int)>(found)(1);
    }
};

TEST_P(WinogradWeights, AreThoseOfOneDnnsReorder) {
    memory::desc wanted;
    try {
        wanted = wanted_of(GetParam());
    } catch (const dnnl::error&) {
        GTEST_SKIP() << "oneDNN has no Winograd kernel for this layer on this processor";
    }
    for (const Tag tag : {Tag::oihw, Tag::ohwi}) {
        const memory given = weights_of(GetParam(), tag), plain({{GetParam().out, GetParam().in, 3, 3}, memory::data_type::f32, Tag::oihw}, engine());
        const memory expected(wanted, engine()), packed(wanted, engine());
        dnnl::stream stream(engine());
        dnnl::reorder(given, plain).execute(stream, const_cast<memory&>(given), const_cast<memory&>(plain)); // its own packs from this order alone
        dnnl::reorder(plain, expected).execute(stream, const_cast<memory&>(plain), const_cast<memory&>(expected));
        stream.wait();
        std::memset(packed.get_data_handle(), 0x7f, wanted.get_size());
        ASSERT_TRUE(pack_winograd_weights(given.get_desc(), numbers(given).data(), packed));
        EXPECT_TRUE(std::ranges::equal(numbers(packed), numbers(expected)));
    }
}

// All three formats that oneDNN 2.6 has for float32, and channels that fill no block.
constexpr Layer kLayers[] = {{16, 64, 56}, {17, 33, 40}, {3, 20, 64}, {32, 32, 256}, {128, 128, 28}, {200, 24, 64}, {256, 256, 14}, {100, 70, 14}};
INSTANTIATE_TEST_SUITE_P(Layers, WinogradWeights, testing::ValuesIn(kLayers));

TEST(WinogradWeightsOfOtherFormats, AreLeftToOneDnn) {
    const memory::desc plain({16, 16, 3, 3}, memory::data_type::f32, Tag::oihw);
    const memory weights(plain, engine()), target(plain, engine());
    EXPECT_FALSE(pack_winograd_weights(plain, numbers(weights).data(), target));
}

#endif

} // namespace
} // namespace tensorvk::kernels::cpu
