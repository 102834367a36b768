// A property that has one value and takes no other: for what is offered in one way.
#pragma once

#include <stdexcept>

#include "bindings.hpp"

namespace tensorvk::bindings {

template <typename Class, typename Value>
void add_only(Class& cls, const char* name, Value only, const char* sentence) {
    using T = typename Class::type;
    cls.def_property(
        name, [only](const T&) { return only; },
        [only, sentence](T&, Value value) {
            if (value != only) {
                throw std::runtime_error(sentence);
            }
        },
        sentence);
}

} // namespace tensorvk::bindings
