#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <iterator>
#include <numeric>
#include <optional>
#include <string_view>

#include "support/error.hpp"
#include "support/words.hpp"
#include "vulkan/device_plan.hpp"
#include "vulkan/device_profiles.hpp"

namespace tensorvk::vulkan {
namespace {

struct TypeRow {
    DeviceType type;
    const char* name;
    int rank;
};

constexpr std::array kTypes{
    TypeRow{DeviceType::kDiscrete, "discrete GPU", 0},
    TypeRow{DeviceType::kIntegrated, "integrated GPU", 1},
    TypeRow{DeviceType::kVirtual, "virtual GPU", 2},
    TypeRow{DeviceType::kOther, "other", 3},
    TypeRow{DeviceType::kCpu, "CPU", 4},
};

const TypeRow& row_of(DeviceType type) {
    return *std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeRow& row) { return row.type == type; });
}

std::string lower(std::string value) {
    std::transform(value.begin(), value.end(), value.begin(),
                   [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    return value;
}

std::optional<std::size_t> parse_index(const std::string& wish) {
    const bool digits = std::all_of(wish.begin(), wish.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (wish.empty() || !digits || wish.size() > 4) return std::nullopt;
    return static_cast<std::size_t>(std::stoul(wish));
}

std::string list_devices(const std::vector<DeviceOffer>& offers, const std::vector<std::size_t>& order) {
    std::string list;
    for (std::size_t i = 0; i < order.size(); ++i) {
        list += text(i == 0 ? "" : ", ", i, " = ", offers[order[i]].name);
    }
    return list.empty() ? "none" : list;
}

// docs/settings.md says what they are.
constexpr std::array<std::string_view, 21> kFeatures{
    "bar_upload", "compute_queue", "cooperative_matrix", "fp16", "fp16_arithmetic", "host_import", "host_kernels", "int16", "int64", "int8", "int8_storage",
    "integer_dot_product", "late_driver", "memory_budget", "subgroup_arithmetic", "subgroup_shuffle", "subgroup_size_control", "transfer_queue", "unified_memory", "vulkan", "vulkan_memory_model"};

} // namespace

const char* to_string(DeviceType type) {
    return row_of(type).name;
}

std::vector<std::size_t> order_devices(const std::vector<DeviceOffer>& offers) {
    std::vector<std::size_t> order(offers.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return row_of(offers[a].type).rank < row_of(offers[b].type).rank;
    });
    return order;
}

std::string no_device_sentence() {
    return "There is no Vulkan device: on Debian and Ubuntu 'apt-get install mesa-vulkan-drivers' brings lavapipe, which needs no GPU; for a "
           "GPU install its vendor's driver.";
}

std::string device_wish() {
    const char* wish = std::getenv("TENSORVK_DEVICE");
    return wish == nullptr ? "" : wish;
}

std::size_t choose_device(const std::vector<DeviceOffer>& offers, const std::string& wish) {
    const std::vector<std::size_t> order = order_devices(offers);
    if (order.empty()) {
        throw DeviceUnavailable(no_device_sentence());
    }
    if (wish.empty()) {
        const auto usable =
            std::find_if(order.begin(), order.end(), [&](std::size_t i) { return plan_device(offers[i], {}).usable; });
        return usable == order.end() ? order.front() : *usable;
    }
    if (const auto index = parse_index(wish); index && *index < order.size()) return order[*index];
    const std::string part = lower(wish);
    const auto match = std::find_if(order.begin(), order.end(), [&](std::size_t i) {
        const DeviceOffer& offer = offers[i];
        return part == "cpu" ? offer.type == DeviceType::kCpu : lower(offer.name).find(part) != std::string::npos;
    });
    if (match != order.end()) return *match;
    throw InvalidArgument(text("TENSORVK_DEVICE is '", wish, "', which is no device here (",
                               list_devices(offers, order), "): give an index, a part of a name, or cpu."));
}

PlanEnvironment PlanEnvironment::from_process() {
    PlanEnvironment environment;
    const char* value = std::getenv("TENSORVK_DISABLE");
    environment.disabled = comma_separated(value == nullptr ? "" : value);
    const char* profile = std::getenv("TENSORVK_DEVICE_PROFILE");
    environment.profile = profile == nullptr ? "" : profile;
    const char* limit = std::getenv("TENSORVK_SUBMISSION_LIMIT");
    environment.submission_limit = limit == nullptr ? "" : limit;
    return environment;
}

std::vector<std::string> PlanEnvironment::unknown() const {
    std::vector<std::string> names;
    std::ranges::copy_if(disabled, std::back_inserter(names), [](const std::string& name) { return std::ranges::find(kFeatures, name) == kFeatures.end(); });
    return names;
}

std::optional<double> parse_submission_limit(const std::string& value) {
    constexpr double kHour = 3.6e6;
    double milliseconds = 0.0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, milliseconds, std::chars_format::fixed);
    const bool number = !value.empty() && error == std::errc() && stop == end && milliseconds >= 0.0 && milliseconds <= kHour;
    return number ? std::optional(milliseconds) : std::nullopt;
}

void refuse_unknown_features(const PlanEnvironment& environment) {
    if (!environment.profile.empty() && find_profile(environment.profile) == nullptr) {
        throw InvalidArgument(text("TENSORVK_DEVICE_PROFILE is '", environment.profile, "', which is no profile: give ", profile_names(), "."));
    }
    if (!environment.submission_limit.empty() && !parse_submission_limit(environment.submission_limit)) {
        throw InvalidArgument(text("TENSORVK_SUBMISSION_LIMIT is '", environment.submission_limit,
                                   "': give the milliseconds that a submission may take, such as 100 or 0.5, up to an hour, or 0 for no limit."));
    }
    const std::vector<std::string> unknown = environment.unknown();
    if (unknown.empty()) return;
    std::string known;
    for (const std::string_view feature : kFeatures) known += text(known.empty() ? "" : ", ", feature);
    throw InvalidArgument(text("TENSORVK_DISABLE names '", unknown.front(), "', which is no feature that can be left alone: give any of ", known,
                               ", joined by commas without blanks."));
}

} // namespace tensorvk::vulkan
