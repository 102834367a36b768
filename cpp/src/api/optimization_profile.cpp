#include <algorithm>
#include <array>

#include "api/convert.hpp"
#include "api/reporter.hpp"
#include "tensorvk/builder_config.h"

namespace tensorvk {

using api::succeeds;

namespace {

constexpr std::array kSelectorNames{"min", "opt", "max"};

std::size_t index_of(OptProfileSelector select) {
    return static_cast<std::size_t>(select);
}

std::string show(const Dims& dims) {
    std::string out = "(";
    for (const std::int64_t d : api::view(dims)) {
        out += (out.size() == 1 ? "" : ", ") + std::to_string(d);
    }
    return out + ")";
}

void check_order(const std::string& input, const Dims& low, std::size_t low_index, const Dims& high,
                 std::size_t high_index) {
    if (low.nbDims < 0 || high.nbDims < 0) {
        return;
    }
    const bool ordered =
        low.nbDims == high.nbDims && std::ranges::equal(api::view(low), api::view(high), std::ranges::less_equal());
    if (!ordered) {
        throw InvalidArgument(text("Optimization profile, input '", input, "': the ", kSelectorNames[low_index],
                                   " shape ", show(low), " must have as many dimensions as the ",
                                   kSelectorNames[high_index], " shape ", show(high),
                                   " and must not exceed it anywhere."));
    }
}

} // namespace

bool IOptimizationProfile::setDimensions(const char* inputName, OptProfileSelector select, const Dims& dimensions) {
    return succeeds(*reporter_, [&] {
        const std::string name = api::required(inputName, "inputName");
        if (dimensions.nbDims < 0 || dimensions.nbDims > Dims::MAX_DIMS ||
            std::ranges::any_of(api::view(dimensions), [](std::int64_t d) { return d < 0; })) {
            throw InvalidArgument(text("Optimization profile, input '", name, "': the ",
                                       kSelectorNames.at(index_of(select)), " shape ", show(dimensions),
                                       " must have at most 8 dimensions, none of them negative."));
        }
        Range range{api::no_dims(), api::no_dims(), api::no_dims()};
        if (const auto known = shapes_.find(name); known != shapes_.end()) {
            range = known->second;
        }
        range.at(index_of(select)) = dimensions;
        check_order(name, range[0], 0, range[1], 1);
        check_order(name, range[1], 1, range[2], 2);
        check_order(name, range[0], 0, range[2], 2);
        shapes_[name] = range;
    });
}

Dims IOptimizationProfile::getDimensions(const char* inputName, OptProfileSelector select) const {
    const auto range = inputName == nullptr ? shapes_.end() : shapes_.find(inputName);
    return range == shapes_.end() ? api::no_dims() : range->second.at(index_of(select));
}

bool IOptimizationProfile::setShapeValuesV2(const char* inputName, OptProfileSelector select, const int64_t* values,
                                            int32_t count) {
    return succeeds(*reporter_, [&] {
        const std::string name = api::required(inputName, "inputName");
        if (count < 0 || (count > 0 && values == nullptr)) {
            throw InvalidArgument(
                text("Optimization profile, input '", name, "': ", count, " shape values at a null address."));
        }
        values_[name].at(index_of(select)).assign(values, values + count);
    });
}

int32_t IOptimizationProfile::getNbShapeValues(const char* inputName) const {
    const auto entry = inputName == nullptr ? values_.end() : values_.find(inputName);
    return entry == values_.end() ? -1 : static_cast<int32_t>(entry->second[0].size());
}

const int64_t* IOptimizationProfile::getShapeValuesV2(const char* inputName, OptProfileSelector select) const {
    const auto entry = inputName == nullptr ? values_.end() : values_.find(inputName);
    return entry == values_.end() ? nullptr : entry->second.at(index_of(select)).data();
}

bool IOptimizationProfile::setExtraMemoryTarget(float target) {
    return succeeds(*reporter_, [&] {
        if (!(target >= 0.0F && target <= 1.0F)) {
            throw InvalidArgument(text("The extra memory target ", target, " is not between 0 and 1."));
        }
        extra_memory_target_ = target;
    });
}

bool IOptimizationProfile::isValid() const {
    return std::ranges::all_of(shapes_, [](const auto& entry) {
        return std::ranges::all_of(entry.second, [](const Dims& dims) { return dims.nbDims >= 0; });
    });
}

} // namespace tensorvk
