// Rules and host functions of operators are found by the same names.
#include <gtest/gtest.h>

#include "graph/operators.hpp"
#include "kernels/host/functions.hpp"

namespace tensorvk::compiler {
namespace {

TEST(Operators, EachWithARuleHasAHostFunction) {
    const std::vector<std::string_view> names = graph::operator_rule_names();
    EXPECT_GT(names.size(), 80u);
    for (const std::string_view name : names) {
        const bool without_outputs = name == graph::kReadValues || name == "Assertion"; // the compiler takes them
        EXPECT_EQ(kernels::host::find_function(name) == nullptr, without_outputs) << name;
    }
}

TEST(Operators, UnknownNamesAreFoundNowhere) {
    EXPECT_EQ(graph::find_operator_rule("Unheard"), nullptr);
    EXPECT_EQ(kernels::host::find_function("Unheard"), nullptr);
}

} // namespace
} // namespace tensorvk::compiler
