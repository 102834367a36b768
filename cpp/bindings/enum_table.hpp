// An enumeration from a table of names. Names with equal numbers are aliases; the first one is printed.
#pragma once

#include <initializer_list>
#include <utility>

#include "bindings.hpp"

namespace tensorvk::bindings {

template <typename Enum>
using EnumTable = std::initializer_list<std::pair<const char*, Enum>>;

template <typename Enum, typename... Extra>
py::enum_<Enum> add_enum(py::handle scope, const char* name, const char* doc, EnumTable<Enum> table,
                         const Extra&... extra) {
    py::enum_<Enum> result(scope, name, doc, extra...);
    for (const auto& [member, value] : table) {
        result.value(member, value);
    }
    return result;
}

} // namespace tensorvk::bindings
