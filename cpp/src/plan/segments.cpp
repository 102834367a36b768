#include "plan/segments.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace tensorvk::plan {

bool Program::has_host_steps() const noexcept {
    return std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.host != nullptr; });
}

namespace {

//! By buffer, the first and the last segment that uses it.
struct Span {
    std::int32_t first = INT32_MAX;
    std::int32_t last = -1;
};

//! Copies steps [first, last) and what they use into a program of their own.
class Extractor {
public:
    Extractor(const Program& whole, Segment& segment) : whole_(whole), segment_(segment) {}

    std::shared_ptr<const Program> extract(std::size_t first, std::size_t last, const std::vector<bool>& lives_beyond) {
        for (std::size_t i = first; i < last; ++i) {
            out_.steps.push_back(copied(whole_.steps[i]));
        }
        for (auto step = whole_.init.rbegin(); step != whole_.init.rend(); ++step) { // those that prepare what the steps read, or one another
            const bool needed = std::any_of(step->bindings.begin(), step->bindings.end(),
                                            [&](const Binding& b) { return b.written && buffers_.contains(b.buffer); });
            if (needed) {
                out_.init.push_back(copied(*step));
            }
        }
        std::ranges::reverse(out_.init);
        for (std::size_t i = 0; i < sources_.size(); ++i) {
            if (lives_beyond[static_cast<std::size_t>(sources_[i])]) {
                add_io(static_cast<std::int32_t>(i));
            }
        }
        std::stable_sort(out_.io.begin(), out_.io.end(),
                         [](const IoTensor& a, const IoTensor& b) { return a.mode == TensorIOMode::kINPUT && b.mode != TensorIOMode::kINPUT; });
        for (const IoTensor& tensor : out_.io) {
            segment_.io_buffers.push_back(sources_[static_cast<std::size_t>(tensor.buffer)]);
        }
        return std::make_shared<const Program>(std::move(out_));
    }

private:
    shape::Expr copied(shape::Expr e) {
        if (const auto known = exprs_.find(e); known != exprs_.end()) {
            return known->second;
        }
        const shape::ExprNode node = whole_.exprs.node(e);
        shape::Expr out;
        if (node.op == shape::ExprOp::kCONSTANT) {
            out = out_.exprs.constant(node.value);
        } else if (node.op == shape::ExprOp::kSYMBOL) {
            out = out_.exprs.symbol(whole_.exprs.symbols()[static_cast<std::size_t>(node.value)]);
            segment_.symbols.push_back(static_cast<std::int32_t>(node.value));
        } else {
            const shape::Expr a = copied(node.a);
            out = out_.exprs.make(node.op, a, copied(node.b));
        }
        exprs_.emplace(e, out);
        return out;
    }

    std::int32_t copied_buffer(std::int32_t index) {
        const auto [it, added] = buffers_.try_emplace(index, static_cast<std::int32_t>(out_.buffers.size()));
        if (added) {
            Buffer buffer = whole_.buffers[static_cast<std::size_t>(index)];
            buffer.bytes = copied(buffer.bytes);
            const bool view = buffer.kind == BufferKind::kVIEW;
            if (view) buffer.offset = copied(buffer.offset);
            const std::int32_t whole = buffer.whole;
            out_.buffers.push_back(std::move(buffer));
            sources_.push_back(index);
            if (view) { // other entries of the map stay where they are
                const std::int32_t holder = copied_buffer(whole);
                out_.buffers[static_cast<std::size_t>(it->second)].whole = holder;
            }
        }
        return it->second;
    }

    Step copied(Step step) {
        for (shape::Expr& e : step.params) {
            e = copied(e);
        }
        for (shape::Expr& e : step.groups) {
            e = copied(e);
        }
        for (Binding& binding : step.bindings) {
            binding.buffer = copied_buffer(binding.buffer);
        }
        return step;
    }

    void add_io(std::int32_t index) {
        Buffer& buffer = out_.buffers[static_cast<std::size_t>(index)];
        const bool written = std::any_of(out_.steps.begin(), out_.steps.end(), [&](const Step& step) {
            return std::any_of(step.bindings.begin(), step.bindings.end(), [&](const Binding& b) { return b.buffer == index && b.written; });
        });
        buffer.kind = written ? BufferKind::kOUTPUT : BufferKind::kINPUT;
        out_.io.push_back({buffer.name, DataType::kINT8, written ? TensorIOMode::kOUTPUT : TensorIOMode::kINPUT, {buffer.bytes}, index});
    }

    const Program& whole_;
    Segment& segment_;
    Program out_;
    std::map<shape::Expr, shape::Expr> exprs_;
    std::map<std::int32_t, std::int32_t> buffers_; // whole -> part
    std::vector<std::int32_t> sources_;            // part -> whole
};

std::vector<Span> spans(const Program& program, const std::vector<std::int32_t>& segment_of) {
    std::vector<Span> out(program.buffers.size());
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
        for (const Binding& binding : program.steps[i].bindings) {
            Span& span = out[static_cast<std::size_t>(program.holder(binding.buffer))];
            span.first = std::min(span.first, segment_of[i]);
            span.last = std::max(span.last, segment_of[i]);
        }
    }
    return out;
}

std::vector<std::int32_t> number_segments(const Program& program) {
    std::vector<std::int32_t> out;
    std::int32_t next = -1;
    bool open = false; // the segment takes more dispatches
    for (const Step& step : program.steps) {
        if (step.host || !open) {
            ++next;
        }
        open = step.host == nullptr;
        out.push_back(next);
    }
    return out;
}

bool bound_by_user(const Buffer& buffer) { return buffer.kind == BufferKind::kINPUT || buffer.kind == BufferKind::kOUTPUT; }

} // namespace

std::vector<Segment> split(const Program& program) {
    const std::vector<std::int32_t> segment_of = number_segments(program);
    const std::vector<Span> used = spans(program, segment_of);
    std::vector<bool> beyond(program.buffers.size());
    for (std::size_t i = 0; i < beyond.size(); ++i) {
        const Buffer& buffer = program.buffers[i];
        beyond[i] = bound_by_user(buffer) || (buffer.kind == BufferKind::kARENA && used[i].first < used[i].last);
    }
    std::vector<Segment> segments;
    for (std::size_t first = 0; first < program.steps.size();) {
        std::size_t last = first + 1;
        while (last < program.steps.size() && segment_of[last] == segment_of[first]) {
            ++last;
        }
        Segment segment;
        segment.step = first;
        if (!program.steps[first].host) {
            segment.dispatches = Extractor(program, segment).extract(first, last, beyond);
        }
        segments.push_back(std::move(segment));
        first = last;
    }
    return segments;
}

std::vector<std::int32_t> last_uses(const Program& program, const std::vector<Segment>& segments) {
    std::vector<std::int32_t> out(program.buffers.size(), -1);
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const std::size_t end = i + 1 < segments.size() ? segments[i + 1].step : program.steps.size();
        for (std::size_t step = segments[i].step; step < end; ++step) {
            for (const Binding& binding : program.steps[step].bindings) {
                out[static_cast<std::size_t>(program.holder(binding.buffer))] = static_cast<std::int32_t>(i);
            }
        }
    }
    return out;
}

} // namespace tensorvk::plan
