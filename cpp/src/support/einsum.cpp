#include "support/einsum.hpp"

#include <algorithm>
#include <map>

#include "support/error.hpp"

namespace tensorvk {

namespace {

constexpr char kEllipsis = '.';

[[noreturn]] void refuse(std::string_view equation, const std::string& reason) {
    throw InvalidArgument(text("The equation '", equation, "' ", reason));
}

//! Letters, with one '.' for an ellipsis; spaces mean nothing.
std::string labels_of(std::string_view equation, std::string_view term) {
    std::string out;
    for (std::size_t i = 0; i < term.size(); ++i) {
        const char c = term[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == ' ') {
            continue;
        }
        if (c == kEllipsis && term.substr(i, 3) == "..." && out.find(kEllipsis) == std::string::npos) {
            i += 2;
        } else if (!letter) {
            refuse(equation, text("has '", std::string(1, c), "' where letters, ',', one '->' and one '...' a term are allowed."));
        }
        out += c;
    }
    return out;
}

std::vector<std::string> terms_of(std::string_view equation, std::string_view left) {
    std::vector<std::string> terms;
    for (std::size_t begin = 0; begin <= left.size();) {
        const std::size_t end = std::min(left.find(',', begin), left.size());
        terms.push_back(labels_of(equation, left.substr(begin, end - begin)));
        begin = end + 1;
    }
    return terms;
}

//! Without '->': the ellipsis, then what occurs once, in alphabetical order.
std::string implied_output(const std::vector<std::string>& terms) {
    std::map<char, int> seen;
    for (const std::string& term : terms) {
        for (const char c : term) {
            ++seen[c];
        }
    }
    std::string out = seen.contains(kEllipsis) ? std::string(1, kEllipsis) : std::string();
    for (const auto& [label, times] : seen) {
        out += label != kEllipsis && times == 1 ? std::string(1, label) : std::string();
    }
    return out;
}

class Numbers {
public:
    explicit Numbers(std::size_t ellipsis) : ellipsis_(ellipsis), count_(ellipsis) {}

    //! `own` axes of the ellipsis are the last ones.
    [[nodiscard]] std::vector<std::size_t> of(const std::string& term, std::size_t own) {
        std::vector<std::size_t> out;
        for (const char c : term) {
            if (c == kEllipsis) {
                for (std::size_t i = ellipsis_ - own; i < ellipsis_; ++i) {
                    out.push_back(i);
                }
                continue;
            }
            const auto [it, fresh] = known_.try_emplace(c, count_);
            count_ += fresh ? 1 : 0;
            out.push_back(it->second);
        }
        return out;
    }
    [[nodiscard]] bool knows(char c) const { return c == kEllipsis || known_.contains(c); }
    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] std::size_t ellipsis() const { return ellipsis_; }

private:
    std::size_t ellipsis_, count_;
    std::map<char, std::size_t> known_;
};

//! How many axes the ellipsis of each term stands for.
std::vector<std::size_t> ellipsis_ranks(std::string_view equation, const std::vector<std::string>& terms, const std::vector<std::size_t>& ranks) {
    if (terms.size() != ranks.size()) {
        refuse(equation, text("has ", terms.size(), " terms for ", ranks.size(), " inputs."));
    }
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < terms.size(); ++i) {
        const bool has = terms[i].find(kEllipsis) != std::string::npos;
        const std::size_t letters = terms[i].size() - (has ? 1 : 0);
        if (has ? ranks[i] < letters : ranks[i] != letters) {
            refuse(equation, text("has ", letters, " letters for input ", i, ", which has ", ranks[i], " dimensions."));
        }
        out.push_back(ranks[i] - letters);
    }
    return out;
}

} // namespace

EinsumAxes parse_einsum(std::string_view equation, const std::vector<std::size_t>& ranks) {
    const std::size_t arrow = equation.find("->");
    const std::vector<std::string> terms = terms_of(equation, equation.substr(0, arrow));
    const std::vector<std::size_t> ellipsis = ellipsis_ranks(equation, terms, ranks);
    Numbers numbers(*std::max_element(ellipsis.begin(), ellipsis.end()));
    EinsumAxes axes;
    for (std::size_t i = 0; i < terms.size(); ++i) {
        axes.inputs.push_back(numbers.of(terms[i], ellipsis[i]));
    }
    const std::string output = arrow == std::string_view::npos ? implied_output(terms) : labels_of(equation, equation.substr(arrow + 2));
    for (const char c : output) {
        if (!numbers.knows(c) || std::count(output.begin(), output.end(), c) > 1) {
            refuse(equation, text("has '", std::string(1, c), "' in its output, where each letter of the inputs may occur once."));
        }
    }
    axes.output = numbers.of(output, numbers.ellipsis());
    axes.count = numbers.count();
    return axes;
}

} // namespace tensorvk
