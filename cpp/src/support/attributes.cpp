#include "support/attributes.hpp"

#include "support/error.hpp"

namespace tensorvk {

namespace {

template <typename T>
T read(const AttributeSet::Map& values, std::string_view name, T otherwise, const char* kind) {
    const auto it = values.find(name);
    if (it == values.end()) {
        return otherwise;
    }
    if (const T* value = std::get_if<T>(&it->second)) {
        return *value;
    }
    throw InvalidArgument(tensorvk::text("Attribute '", name, "' has to be ", kind, "."));
}

} // namespace

std::int64_t AttributeSet::integer(std::string_view name, std::int64_t otherwise) const {
    return read<std::int64_t>(values_, name, otherwise, "an integer");
}
double AttributeSet::real(std::string_view name, double otherwise) const {
    return read<double>(values_, name, otherwise, "a real number");
}
std::string AttributeSet::text(std::string_view name, std::string_view otherwise) const {
    return read<std::string>(values_, name, std::string(otherwise), "a text");
}
std::vector<std::int64_t> AttributeSet::integers(std::string_view name) const {
    return read<std::vector<std::int64_t>>(values_, name, {}, "a list of integers");
}
std::vector<double> AttributeSet::reals(std::string_view name) const {
    return read<std::vector<double>>(values_, name, {}, "a list of real numbers");
}
std::vector<std::string> AttributeSet::texts(std::string_view name) const {
    return read<std::vector<std::string>>(values_, name, {}, "a list of texts");
}

} // namespace tensorvk
