#include <cstring>

#include "plan/file.hpp"
#include "plan/layout.hpp"
#include "plan/sections.hpp"
#include "plan/validate.hpp"
#include "support/error.hpp"

namespace tensorvk::plan {
namespace {

struct Section {
    SectionKind kind;
    Bytes own;
    std::span<const std::byte> bytes; // of `own`, or the plan's weights
};

std::vector<Section> make_sections(const Plan& plan) {
    std::vector<Section> sections;
    const auto add = [&](SectionKind kind, Bytes bytes) {
        sections.push_back({kind, std::move(bytes), {}});
        sections.back().bytes = sections.back().own; // the vector's heap block does not move with it
    };
    add(SectionKind::kMETA, write_meta(plan));
    add(SectionKind::kPORTABLE, write_program(plan.portable, nullptr));
    for (const TunedProgram& tuned : plan.tuned) {
        add(SectionKind::kTUNED, write_program(tuned.program, &tuned.device));
    }
    add(SectionKind::kREPORT, write_report(plan.report_json));
    sections.push_back({SectionKind::kWEIGHTS, {}, plan.weights});
    return sections;
}

std::vector<SectionEntry> place(const std::vector<Section>& sections, std::uint64_t& end) {
    std::vector<SectionEntry> table;
    end = align_section(sizeof(FileHeader) + sections.size() * sizeof(SectionEntry));
    for (const Section& section : sections) {
        table.push_back({section.kind, 0, end, section.bytes.size(), {}, 0});
        end = align_section(end + section.bytes.size());
    }
    return table;
}

} // namespace

std::vector<std::byte> write_plan(const Plan& plan) {
    try {
        validate(plan, plan.weights.size());
    } catch (const InvalidPlan& error) {
        throw InternalError(text("A plan was made that no runtime would accept: ", error.what()));
    }
    const std::vector<Section> sections = make_sections(plan);
    std::uint64_t total = 0;
    std::vector<SectionEntry> table = place(sections, total);
    if (table.size() > kMaxSections) {
        throw InvalidArgument(text("A plan can hold ", kMaxSections, " sections, ", table.size(),
                                   " are asked for: remove tuned devices."));
    }

    std::vector<std::byte> bytes(total);
    for (std::size_t i = 0; i < sections.size(); ++i) {
        SectionEntry& entry = table[i];
        if (entry.size > 0) {
            std::memcpy(bytes.data() + entry.offset, sections[i].bytes.data(), entry.size);
        }
        entry.digest = digest128(std::span(bytes).subspan(entry.offset, align_section(entry.size)));
    }
    FileHeader header{};
    std::memcpy(header.magic, kMagic, sizeof(kMagic));
    header.version = kFormatVersion;
    header.section_count = static_cast<std::uint32_t>(table.size());
    header.total_size = total;
    std::memcpy(bytes.data(), &header, sizeof(header));
    std::memcpy(bytes.data() + sizeof(header), table.data(), table.size() * sizeof(SectionEntry));
    header.digest = digest128(std::span(bytes).first(table.front().offset));
    std::memcpy(bytes.data(), &header, sizeof(header));
    return bytes;
}

} // namespace tensorvk::plan
