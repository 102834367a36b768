// Sequences whose elements are inputs and outputs, where a position in them is data: the last input.
#include <array>

#include "kernels/host/functions.hpp"

namespace tensorvk::kernels::host {

namespace {

//! The last input as one of `places` places, counted from the end of `elements` elements when negative.
std::size_t position(const Call& call, std::size_t elements, std::size_t places) {
    const std::int64_t number = call.integer(call.input_count() - 1);
    const std::int64_t at = number < 0 ? number + static_cast<std::int64_t>(elements) : number;
    if (at < 0 || at >= static_cast<std::int64_t>(places)) {
        call.fail("has the position ", number, " in a sequence of ", elements, " elements.");
    }
    return static_cast<std::size_t>(at);
}

void sequence_at(Call& call) {
    const std::size_t elements = call.input_count() - 1;
    call.output(0, call.input(position(call, elements, elements)));
}

void sequence_erase(Call& call) {
    const std::size_t elements = call.input_count() - 1;
    const std::size_t erased = position(call, elements, elements);
    for (std::size_t i = 0; i + 1 < elements; ++i) {
        call.output(i, call.input(i < erased ? i : i + 1));
    }
}

//! The last but one input is what is inserted.
void sequence_insert(Call& call) {
    const std::size_t elements = call.input_count() - 2;
    const std::size_t inserted = position(call, elements, elements + 1);
    for (std::size_t i = 0; i <= elements; ++i) {
        call.output(i, call.input(i < inserted ? i : i == inserted ? elements : i - 1));
    }
}

constexpr std::array kFunctions{
    Function{"SequenceAt", sequence_at},
    Function{"SequenceErase", sequence_erase},
    Function{"SequenceInsert", sequence_insert},
};

} // namespace

std::span<const Function> sequence_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
