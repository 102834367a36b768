#include "compiler/run_passes.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "support/error.hpp"
#include "support/words.hpp"

namespace tensorvk::compiler {

namespace {

//! A pass that loses a producer would make a plan that reads memory nobody wrote.
void check_sources(const Ir& ir, std::string_view pass) {
    const Uses uses(ir);
    for (std::size_t id = 0; id < ir.values.size(); ++id) {
        const Value& value = ir.values[id];
        if (!uses.consumers[id].empty() && uses.producers[id].empty() && !value.constant && !value.is_input) {
            throw InternalError(text("Behind the pass ", pass, " nothing computes '", value.name, "', which '", ir.ops[uses.consumers[id].front()].name, "' reads."));
        }
    }
}

//! What operations were, by what they write first.
class Snapshot {
public:
    explicit Snapshot(const std::vector<Op>& ops) {
        for (const Op& op : ops) before_.emplace(op.result(), std::pair<Role, Operation>(op.role, op));
    }
    [[nodiscard]] bool holds(const Op& op) const {
        const auto [first, last] = before_.equal_range(op.result());
        return std::any_of(first, last, [&](const auto& entry) { return entry.second.first == op.role && entry.second.second == op; });
    }

private:
    std::multimap<ValueId, std::pair<Role, Operation>> before_;
};

PassReport run_pass(const Pass& pass, Ir& ir) {
    const Snapshot snapshot(ir.ops);
    PassReport report{.name = pass.name, .before = ir.ops.size()};
    const auto begin = std::chrono::steady_clock::now();
    pass.run(ir);
    report.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    check_sources(ir, pass.name);
    report.after = ir.ops.size();
    for (Op& op : ir.ops) {
        if (snapshot.holds(op)) continue;
        ++report.changed;
        if (std::ranges::find(op.passes, pass.name) == op.passes.end()) op.passes.push_back(pass.name);
    }
    return report;
}

} // namespace

std::vector<std::string_view> disabled_passes() {
    const char* setting = std::getenv("TENSORVK_DISABLE_PASSES");
    std::vector<std::string_view> disabled;
    for (const std::string& word : comma_separated(setting == nullptr ? "" : setting)) {
        const auto pass = std::ranges::find(all_passes(), word, &Pass::name);
        if (pass != all_passes().end() && !pass->required) {
            disabled.push_back(pass->name);
            continue;
        }
        std::string allowed;
        for (const Pass& other : all_passes()) {
            if (!other.required) allowed += text(allowed.empty() ? "" : ", ", other.name);
        }
        throw InvalidArgument(text("TENSORVK_DISABLE_PASSES names '", word, pass == all_passes().end() ? "', which is no pass of the compiler" : "', without which no plan comes out right",
                                   ": give any of ", allowed, ", joined by commas without blanks."));
    }
    return disabled;
}

std::vector<PassReport> run_passes(Ir& ir, const std::vector<std::string_view>& disabled) {
    std::vector<PassReport> reports;
    for (const Pass& pass : all_passes()) {
        const bool off = std::ranges::find(disabled, pass.name) != disabled.end();
        reports.push_back(off ? PassReport{.name = pass.name, .off = true, .before = ir.ops.size(), .after = ir.ops.size()} : run_pass(pass, ir));
    }
    return reports;
}

} // namespace tensorvk::compiler
