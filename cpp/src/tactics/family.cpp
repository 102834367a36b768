#include "tactics/family.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <type_traits>
#include <variant>

#include "support/error.hpp"
#include "tactics/companion.hpp"
#include "tactics/families.hpp"
#include "tactics/placement.hpp"
#include "tactics/views.hpp"
#include "tactics/widening.hpp"

namespace tensorvk::tactics {

namespace {

std::vector<Candidate> convolution(const Query& query) {
    return convolution_candidates(query.operation, query.values, query.caps, query.exprs);
}
std::vector<Candidate> matrix(const Query& query) { return matrix_candidates(query.operation, query.values, query.caps, query.exprs); }

struct Row {
    std::size_t kind; // index in Kind
    Family family;
};

template <typename K, std::size_t I = 0>
constexpr std::size_t index_of() {
    if constexpr (std::is_same_v<std::variant_alternative_t<I, Kind>, K>) {
        return I;
    } else {
        return index_of<K, I + 1>();
    }
}

constexpr Row kRows[] = {
    {index_of<Convolution>(), convolution},
    {index_of<MatrixProduct>(), matrix},
    {index_of<Pooling>(), pooling_candidates},
    {index_of<Pointwise>(), pointwise_candidates},
    {index_of<Copy>(), copy_candidates},
    {index_of<Gather>(), gather_candidates},
    {index_of<Resize>(), resize_candidates},
    {index_of<Reduce>(), reduce_candidates},
    {index_of<SoftMax>(), softmax_candidates},
    {index_of<TopK>(), topk_candidates},
    {index_of<Attention>(), attention_candidates},
    {index_of<Normalization>(), normalization_candidates},
    {index_of<RowMoments>(), row_moments_candidates},
    {index_of<ShapeValues>(), shape_values_candidates},
    {index_of<HostCall>(), host_candidates},
};

constexpr auto kFamilies = [] {
    std::array<Family, std::variant_size_v<Kind>> families{};
    for (const Row& row : kRows) {
        families[row.kind] = row.family;
    }
    return families;
}();
static_assert([] {
    std::array<bool, std::variant_size_v<Kind>> present{};
    for (const Row& row : kRows) {
        present[row.kind] = true;
    }
    return std::ranges::all_of(present, std::identity());
}(), "every kind of operation has a family");

} // namespace

namespace {

//! Other families' shaders move bfloat16 or say themselves that they do not take it.
std::string refuse_product_shaders(const Query& query) {
    const bool product = std::holds_alternative<Convolution>(query.operation.kind) || std::holds_alternative<MatrixProduct>(query.operation.kind);
    if (!product) return {};
    for (const auto* list : {&query.operation.inputs, &query.operation.operands, &query.operation.outputs}) {
        for (const ValueId id : *list) {
            if (id >= 0 && query.value(id).dtype == DataType::kBF16) return text("'", query.value(id).name, "' is bfloat16, shaders take float32 and float16");
        }
    }
    return {};
}

} // namespace

namespace {

std::vector<Candidate> offered(const Query& query) {
    const Family family = kFamilies[query.operation.kind.index()];
    std::vector<Candidate> all = family(query);
    widen_host_candidates(all, query, family);
    const std::string product = refuse_product_shaders(query);
    for (Candidate& candidate : all) {
        if (!candidate.host && !candidate.calls_host() && candidate.applicable() && !product.empty()) {
            candidate.refusal = product;
            candidate.lower = nullptr;
        }
        if (!query.caps.shaders && !candidate.host && !candidate.calls_host()) { // whatever else speaks against it
            candidate.refusal = "the device runs no shaders";
            candidate.lower = nullptr;
        }
    }
    return all;
}

std::vector<Candidate> placed(const Query& query) { return query.operation.placement ? placed_candidates(query, offered) : offered(query); }

std::vector<Candidate> unaccompanied(const Query& query) { return reads_gaps(query) ? viewing_candidates(query, placed) : placed(query); }

} // namespace

std::vector<Candidate> candidates(const Operation& operation, std::span<const Value> values, const vulkan::DeviceCaps& caps,
                                  const shape::ExprPool& exprs) {
    const Query query{operation, values, caps, exprs};
    return operation.companion ? accompanied_candidates(query, unaccompanied) : unaccompanied(query);
}

} // namespace tensorvk::tactics
