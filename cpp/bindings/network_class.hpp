// What the files that bind INetworkDefinition share.
#pragma once

#include "share.hpp"
#include "tensorvk/network.h"

namespace tensorvk::bindings {

using NetworkClass = py::class_<INetworkDefinition, std::shared_ptr<INetworkDefinition>>;

//! An add method whose arguments C++ takes as they are.
template <typename Result, typename... Arguments, typename... Extra>
void add(NetworkClass& cls, const char* name, Result* (INetworkDefinition::*method)(Arguments...), const Extra&... extra) {
    cls.def(
        name,
        [method](INetworkDefinition& self, Arguments... arguments) {
            return share((self.*method)(std::forward<Arguments>(arguments)...));
        },
        extra...);
}

//! The add methods of bind_network_operators.cpp.
void add_operators(NetworkClass& cls);

} // namespace tensorvk::bindings
