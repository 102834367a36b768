// Named values that describe an operation: what a graph layer, a host function and a plan have in common.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tensorvk {

using AttributeValue =
    std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>;

//! Attributes by name. Readers return `otherwise` when the attribute is absent and throw InvalidArgument, naming it, when it is there with
//! another type.
class AttributeSet {
public:
    using Map = std::map<std::string, AttributeValue, std::less<>>;

    void set(std::string name, AttributeValue value) { values_[std::move(name)] = std::move(value); }
    [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
    [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t otherwise = 0) const;
    [[nodiscard]] bool flag(std::string_view name, bool otherwise = false) const { return integer(name, otherwise ? 1 : 0) != 0; }
    [[nodiscard]] double real(std::string_view name, double otherwise = 0.0) const;
    [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise = "") const;
    [[nodiscard]] std::vector<std::int64_t> integers(std::string_view name) const;
    [[nodiscard]] std::vector<double> reals(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
    [[nodiscard]] const Map& values() const noexcept { return values_; }
    auto operator<=>(const AttributeSet&) const = default;

private:
    Map values_;
};

} // namespace tensorvk
