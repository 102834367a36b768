// Reductions, softmax and top-k along every axis, in every layout, against the host's reference.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "kernels/host/rows.hpp"
#include "tactics/check.hpp"

namespace tensorvk::test {
namespace {

using kernels::host::Tensor;
using tactics::Layout;

constexpr Layout kLast = Layout::kCHANNELS_LAST;
constexpr ReduceOperation kOps[] = {ReduceOperation::kSUM, ReduceOperation::kPROD, ReduceOperation::kMAX, ReduceOperation::kMIN, ReduceOperation::kAVG};

OperationCase make(tactics::Kind kind, const Tensor& x, Layout from) {
    tactics::Operation operation;
    operation.name = "rows";
    operation.kind = std::move(kind);
    OperationCase test(operation);
    test.add_input(x, from, false);
    return test;
}

struct Case {
    std::string name;
    std::vector<std::int64_t> x;
    std::uint32_t axes; // bitmask
    Layout from = Layout::kLINEAR, to = Layout::kLINEAR;
    bool vectors = false; // the vec4 candidate applies
};

class Reductions : public testing::TestWithParam<Case> {};

TEST_P(Reductions, OfFloatsHalvesAndIntegers) {
    const Case& c = GetParam();
    std::vector<DataType> types = float_types();
    types.push_back(DataType::kINT32);
    for (const DataType type : types) {
        const Tensor x = random_tensor(type, c.x, 7);
        for (const ReduceOperation op : kOps) {
            for (const bool keep : {true, false}) {
                if (!keep && c.to == kLast) continue; // dropped axes leave no channels
                SCOPED_TRACE(text(dtype_name(type), ", operation ", static_cast<int>(op), keep ? ", kept" : ", dropped"));
                const Tensor expected = kernels::host::reduce(unrounded(x), op, c.axes, keep);
                OperationCase test = make(tactics::Reduce{op, c.axes}, x, c.from);
                test.set_output(type, expected.dims, c.to);
                const auto ran = check_all(test, {expected}, type == DataType::kINT32 ? 0.0 : float_tolerance(x.volume(), type));
                EXPECT_EQ(std::ranges::count(ran, "reduce/vec4"), c.vectors && type != DataType::kINT32 && type != DataType::kBF16 ? 1 : 0);
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Axes, Reductions,
    testing::Values(Case{"line", {17}, 1}, Case{"rows", {5, 33}, 2}, Case{"columns", {33, 5}, 1}, Case{"columns_of_4", {33, 8}, 1, {}, {}, true},
                    Case{"all", {3, 5, 7}, 7}, Case{"none", {3, 5}, 0}, Case{"global_pool", {2, 5, 3, 7}, 12},
                    Case{"global_pool_last", {2, 8, 3, 7}, 12, kLast, kLast, true}, Case{"global_pool_to_linear", {2, 8, 3, 7}, 12, kLast, {}, true},
                    Case{"channels_last", {2, 5, 3, 7}, 2, kLast, kLast}, Case{"batch_and_space", {3, 4, 3, 5}, 13, {}, {}},
                    Case{"outer_and_inner", {3, 4, 5}, 5}, Case{"alternating", {2, 3, 2, 3, 2, 3, 2, 3}, 0b10101010}, Case{"one", {1, 1, 1}, 2},
                    Case{"no_rows", {0, 4}, 2}, Case{"long_columns", {2, 700, 66}, 2}),
    [](const auto& test) { return test.param.name; });

TEST(Reduce, WithDynamicBatch) {
    const Tensor x = random_tensor(DataType::kFLOAT, {3, 8, 5, 5}, 2);
    const Tensor expected = kernels::host::reduce(x, ReduceOperation::kAVG, 12, true);
    OperationCase test = make(tactics::Reduce{ReduceOperation::kAVG, 12}, x, kLast);
    test.set_output(DataType::kFLOAT, expected.dims, kLast);
    test.make_dynamic(0);
    EXPECT_GE(check_all(test, {expected}, 1e-6).size(), 2u);
}

class Softmaxes : public testing::TestWithParam<Case> {};

TEST_P(Softmaxes, AndTheirLogarithms) {
    const Case& c = GetParam();
    for (const DataType type : float_types()) {
        Tensor x = random_tensor(type, c.x, 11);
        for (std::int64_t i = 0; i < x.volume(); ++i) {
            x.set(i, 300.0 * x.get(i)); // without subtracting the maximum this overflows
        }
        for (const bool log : {false, true}) {
            const auto axis = static_cast<std::int64_t>(c.axes);
            const Tensor expected = kernels::host::softmax(unrounded(x), axis, log);
            OperationCase test = make(tactics::SoftMax{axis, log}, x, c.from);
            test.set_output(type, expected.dims, c.to);
            // exp on GPUs is good to a few units of its argument's size; the largest argument here is about 600.
            const auto ran = check_all(test, {expected}, type == DataType::kFLOAT ? 2e-5 : type == DataType::kHALF ? 2e-3 : kBfloatTolerance);
            EXPECT_EQ(std::ranges::count(ran, "softmax/vec4"), c.vectors && type != DataType::kBF16 ? 1 : 0);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Axes, Softmaxes,
    testing::Values(Case{"line", {17}, 0}, Case{"rows", {3, 33}, 1}, Case{"columns", {5, 3}, 0}, Case{"columns_of_4", {5, 12}, 0, {}, {}, true},
                    Case{"middle", {2, 5, 4}, 1, {}, {}, true}, Case{"channels_last", {2, 5, 3, 3}, 1, kLast, kLast},
                    Case{"to_other_layout", {2, 5, 3, 3}, 1, kLast, {}}, Case{"one", {3, 1}, 1}, Case{"empty", {0, 3}, 1}, Case{"long", {2, 700}, 1},
                    Case{"long_and_wide", {2, 600, 131}, 1}),
    [](const auto& test) { return test.param.name; });

struct Top {
    std::string name;
    std::vector<std::int64_t> x;
    std::int64_t axis, k;
};

class TopKs : public testing::TestWithParam<Top> {};

TEST_P(TopKs, GiveValuesAndPlacesWithTiesInOrder) {
    const Top& c = GetParam();
    Tensor x(DataType::kFLOAT, c.x);
    for (std::int64_t i = 0; i < x.volume(); ++i) {
        x.set(i, static_cast<double>((i * 7 + i / 5) % 6) - 2.0); // many equal ones
    }
    for (const TopKOperation op : {TopKOperation::kMAX, TopKOperation::kMIN}) {
        for (const bool last : {false, true}) {
            for (const DataType type : {DataType::kINT32, DataType::kINT64}) {
                const auto [values, indices] = kernels::host::topk(x, op, c.axis, c.k, last, type);
                OperationCase both = make(tactics::TopK{op, c.axis, c.k, last}, x, Layout::kLINEAR);
                both.set_output(DataType::kFLOAT, values.dims, Layout::kLINEAR);
                both.set_output(type, indices.dims, Layout::kLINEAR);
                check_all(both, {values, indices}, 0.0);
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Axes, TopKs,
                         testing::Values(Top{"line", {17}, 0, 5}, Top{"rows", {3, 33}, 1, 1}, Top{"columns", {33, 3}, 0, 3}, Top{"middle", {2, 5, 3}, 1, 5},
                                         Top{"one", {1}, 0, 1}),
                         [](const auto& test) { return test.param.name; });

// More than one invocation would search for, in parts and all at once; halves are widened.
TEST(TopK, OnTheHostSortsLongRows) {
    const auto device = vulkan::Device::current();
    if (!device->caps().host_kernels) GTEST_SKIP() << "the device's memory is not the host's";
    for (const DataType type : float_types()) {
        for (const std::int64_t k : {1, 20, 256, 257, 1500}) {
            for (const bool last : {false, true}) {
                Tensor x = random_tensor(type, {3, 5003}, 8);
                for (std::int64_t i = 0; i < x.volume(); i += 3) x.set(i, 0.25); // many equal ones
                x.set(700, std::numeric_limits<double>::quiet_NaN());
                x.set(710, -0.0);
                x.set(711, 0.0);
                SCOPED_TRACE(text(dtype_name(type), ", ", k, last ? ", last first" : ""));
                const auto [values, indices] = kernels::host::topk(x, TopKOperation::kMIN, 1, k, last, DataType::kINT64);
                OperationCase test = make(tactics::TopK{TopKOperation::kMIN, 1, k, last}, x, Layout::kLINEAR);
                test.set_output(type, values.dims, Layout::kLINEAR);
                test.set_output(DataType::kINT64, indices.dims, Layout::kLINEAR);
                const auto candidates = test.candidates(device->caps());
                const auto host = std::ranges::find(candidates, "topk/cpu", &tactics::Candidate::name);
                ASSERT_TRUE(host != candidates.end() && host->applicable());
                auto prepared = test.prepare(device, *host);
                prepared.runner->run();
                EXPECT_EQ(test.output(prepared, 0).data, values.data);
                EXPECT_EQ(test.output(prepared, 1).data, indices.data);
            }
        }
    }
}

TEST(TopK, ArgMaxAloneWritesPlacesOnlyAndMayDropItsAxis) {
    const Tensor x = random_tensor(DataType::kFLOAT, {3, 17}, 4);
    Tensor places = kernels::host::topk(x, TopKOperation::kMAX, 1, 1, false, DataType::kINT64).second;
    places.dims = {3};
    tactics::Operation operation;
    operation.name = "argmax";
    operation.kind = tactics::TopK{TopKOperation::kMAX, 1, 1, false};
    OperationCase test(operation);
    test.add_input(x, Layout::kLINEAR, false);
    test.omit_output();
    test.set_output(DataType::kINT64, {3}, Layout::kLINEAR);
    const auto device = vulkan::Device::current();
    const auto candidates = test.candidates(device->caps());
    const auto generic = std::ranges::find(candidates, "topk/generic", &tactics::Candidate::name);
    ASSERT_TRUE(generic != candidates.end() && generic->applicable());
    auto prepared = test.prepare(device, *generic);
    prepared.runner->run();
    EXPECT_EQ(test.output(prepared, 1).data, places.data);
}

//! Values of a few kinds, many of them equal, and whatever may confuse an order of bits: by workgroups, which GPUs alone are offered.
TEST(TopK, WorkgroupsOrderLongRowsAsTheHostDoes) {
    const auto device = vulkan::Device::current();
    if (!device->caps().shaders) GTEST_SKIP() << "a device without shaders";
    vulkan::DeviceCaps caps = device->caps();
    caps.is_cpu = caps.host_kernels = false;
    struct Row { std::vector<std::int64_t> x; std::int64_t axis, k; };
    for (const auto& [dims, axis, k] : {Row{{1}, 0, 1}, Row{{2, 17}, 1, 17}, Row{{3, 5003}, 1, 1}, Row{{300, 3}, 0, 33}, Row{{2, 70001}, 1, 128}, Row{{1, 257}, 1, 256}}) {
        for (const bool last : {false, true}) {
            const TopKOperation op = last ? TopKOperation::kMIN : TopKOperation::kMAX;
            for (const DataType type : {DataType::kFLOAT, DataType::kHALF}) {
                if (type == DataType::kHALF && !caps.fp16_storage) continue;
                SCOPED_TRACE(text(dims.back(), ", ", k, ", ", dtype_name(type), last ? ", smallest, last first" : ""));
                Tensor x = random_tensor(type, dims, 8);
                const double special[] = {0.25, -0.0, 0.0, INFINITY, -INFINITY, std::numeric_limits<double>::quiet_NaN(), -0.25};
                for (std::int64_t i = 0; i < x.volume(); i += 3) x.set(i, special[i / 3 % 7 < 3 || i > 60 ? 0 : i / 3 % 7]);
                for (std::int64_t i = 1; i < x.volume() && i < 90; i += 3) x.set(i, special[i % 7]);
                const auto [values, indices] = kernels::host::topk(x, op, axis, k, last, DataType::kINT64);
                OperationCase test = make(tactics::TopK{op, axis, k, last}, x, Layout::kLINEAR);
                test.set_output(type, values.dims, Layout::kLINEAR);
                test.set_output(DataType::kINT64, indices.dims, Layout::kLINEAR);
                const auto candidates = test.candidates(caps);
                const auto radix = std::ranges::find(candidates, "topk/radix", &tactics::Candidate::name);
                ASSERT_TRUE(radix != candidates.end() && radix->applicable());
                auto prepared = test.prepare(device, *radix, caps);
                prepared.runner->run();
                EXPECT_EQ(test.output(prepared, 1).data, indices.data);
                const Tensor found = test.output(prepared, 0);
                for (std::int64_t i = 0; i < values.volume(); ++i) EXPECT_TRUE(found.get(i) == values.get(i) || (std::isnan(found.get(i)) && std::isnan(values.get(i))));
            }
        }
    }
}

//! As numpy sorts and searches: NaN is larger than all numbers, and argmin finds it.
TEST(TopK, NaNIsTheLargestNumberUnlessItIsSearchedForFirst) {
    const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
    Tensor x(DataType::kFLOAT, {7});
    const std::array numbers{3.0, nan, -5.0, infinite, nan, -infinite, 8.0};
    for (std::size_t i = 0; i < numbers.size(); ++i) x.set(static_cast<std::int64_t>(i), numbers[i]);
    struct Order { TopKOperation op; bool last, nan_first; std::array<std::int64_t, 7> places; };
    const Order orders[] = {{TopKOperation::kMAX, false, false, {1, 4, 3, 6, 0, 2, 5}}, {TopKOperation::kMIN, false, false, {5, 2, 0, 6, 3, 1, 4}},
                            {TopKOperation::kMIN, true, false, {5, 2, 0, 6, 3, 4, 1}}, {TopKOperation::kMIN, false, true, {1, 4, 5, 2, 0, 6, 3}}};
    for (const auto& [op, last, nan_first, places] : orders) {
        for (const std::int64_t k : {1, 3, 7}) {
            SCOPED_TRACE(testing::Message() << (op == TopKOperation::kMIN ? "smallest" : "largest") << ", k = " << k << (nan_first ? ", NaN first" : "") << (last ? ", last first" : ""));
            const auto [values, indices] = kernels::host::topk(x, op, 0, k, last, DataType::kINT32, nan_first);
            for (std::int64_t i = 0; i < k; ++i) EXPECT_EQ(indices.get_integer(i), places[static_cast<std::size_t>(i)]);
            OperationCase test = make(tactics::TopK{op, 0, k, last, nan_first}, x, Layout::kLINEAR);
            test.set_output(DataType::kFLOAT, {k}, Layout::kLINEAR);
            test.set_output(DataType::kINT32, {k}, Layout::kLINEAR);
            check_all(test, {values, indices}, 0.0);
            const auto device = vulkan::Device::current();
            vulkan::DeviceCaps gpu = device->caps(); // for which the workgroup's kernel is made
            gpu.is_cpu = gpu.host_kernels = false;
            for (const tactics::Candidate& candidate : test.candidates(gpu)) {
                if (candidate.name != "topk/radix" || !device->caps().shaders) continue;
                OperationCase::Prepared prepared = test.prepare(device, candidate);
                prepared.runner->run();
                EXPECT_EQ(test.output(prepared, 1).data, indices.data) << candidate.refusal;
            }
        }
    }
}

} // namespace
} // namespace tensorvk::test
