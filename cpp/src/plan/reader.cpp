#include <cstring>
#include <memory>

#include "plan/file.hpp"
#include "plan/layout.hpp"
#include "plan/sections.hpp"
#include "plan/validate.hpp"
#include "support/error.hpp"

namespace tensorvk::plan {
namespace {

using View = std::span<const std::byte>;

const char* section_name(SectionKind kind) {
    constexpr const char* kNames[] = {"unknown", "network", "portable program", "tuned program", "report", "weights"};
    const auto index = static_cast<std::uint32_t>(kind);
    return kNames[index < std::size(kNames) ? index : 0];
}

FileHeader read_header(View bytes) {
    const std::size_t magic_size = sizeof(kMagic);
    if (bytes.size() < magic_size || std::memcmp(bytes.data(), kMagic, magic_size) != 0) {
        throw InvalidPlan(text(
            "These ", bytes.size(),
            " bytes are not a TensorVK plan: a plan begins with 'TENSORVK'. "
            "Check that the file is a plan that a TensorVK builder wrote, and not an ONNX model or another engine."));
    }
    if (bytes.size() < sizeof(FileHeader)) {
        throw InvalidPlan(text("The plan is truncated: ", bytes.size(), " bytes are given, its header alone has ",
                               sizeof(FileHeader), "; copy or build it again."));
    }
    FileHeader header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.version > kFormatVersion) {
        throw InvalidPlan(text("The plan has format version ", header.version, ", newer than version ", kFormatVersion,
                               " that this TensorVK reads: rebuild the plan or update TensorVK."));
    }
    if (header.version < kFormatVersion) {
        throw InvalidPlan(text("The plan has format version ", header.version, ", this TensorVK reads version ",
                               kFormatVersion, ": rebuild the plan."));
    }
    if (header.total_size != bytes.size()) {
        const char* what = header.total_size > bytes.size() ? "is truncated" : "has bytes after its end";
        throw InvalidPlan(text("The plan ", what, ": ", bytes.size(), " bytes are given, ", header.total_size,
                               " are expected; copy or build it again."));
    }
    return header;
}

[[noreturn]] void damaged(const char* what) {
    throw InvalidPlan(text("The plan's ", what, " is damaged (its digest does not match): copy or build it again."));
}

std::vector<SectionEntry> read_table(View bytes, FileHeader header) {
    const std::uint64_t table_bytes = std::uint64_t{header.section_count} * sizeof(SectionEntry);
    const std::uint64_t first = align_section(sizeof(FileHeader) + table_bytes);
    if (header.section_count > kMaxSections || first > bytes.size()) {
        damaged("header");
    }
    std::vector<std::byte> head(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(first));
    const Digest128 given = header.digest;
    header.digest = {};
    std::memcpy(head.data(), &header, sizeof(header));
    if (digest128(head) != given) {
        damaged("header");
    }
    std::vector<SectionEntry> table(header.section_count);
    if (!table.empty()) std::memcpy(table.data(), head.data() + sizeof(header), table_bytes);
    return table;
}

// Sections lie one after the other without gaps, each with its digest.
void check_sections(View bytes, const std::vector<SectionEntry>& table) {
    std::uint64_t at = align_section(sizeof(FileHeader) + table.size() * sizeof(SectionEntry));
    for (const SectionEntry& entry : table) {
        const bool inside = entry.offset == at && entry.size <= bytes.size() && at <= bytes.size() - entry.size &&
                            align_section(at + entry.size) <= bytes.size();
        if (!inside || digest128(bytes.subspan(at, align_section(entry.size))) != entry.digest) {
            damaged(text(section_name(entry.kind), " section").c_str());
        }
        at += align_section(entry.size);
    }
    if (at != bytes.size()) {
        damaged("section table");
    }
}

// FlatBuffers reads numbers in place, so structured sections have to lie aligned.
class AlignedSection {
  public:
    explicit AlignedSection(View bytes) : view_(bytes) {
        if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(std::max_align_t) != 0) {
            copy_.assign(bytes.begin(), bytes.end());
            view_ = copy_;
        }
    }
    [[nodiscard]] View view() const noexcept { return view_; }

  private:
    std::vector<std::byte> copy_;
    View view_;
};

void expect_once(const std::vector<SectionEntry>& table, SectionKind kind) {
    std::size_t count = 0;
    for (const SectionEntry& entry : table) {
        count += entry.kind == kind ? 1U : 0U;
    }
    if (count != 1) {
        throw InvalidPlan(
            text("The plan has ", count, " ", section_name(kind), " sections instead of one; build it again."));
    }
}

void read_section(SectionKind kind, View bytes, StoredPlan& out) {
    if (kind == SectionKind::kWEIGHTS) {
        out.weights = bytes;
        return;
    }
    const AlignedSection section(bytes);
    switch (kind) {
        case SectionKind::kMETA:
            read_meta(section.view(), out.plan);
            return;
        case SectionKind::kPORTABLE:
            out.plan.portable = read_program(section.view());
            return;
        case SectionKind::kTUNED:
            out.plan.tuned.push_back(read_tuned(section.view()));
            return;
        case SectionKind::kREPORT:
            out.plan.report_json = read_report(section.view());
            return;
        case SectionKind::kWEIGHTS:
            break;
    }
    throw InvalidPlan(
        text("The plan has a section of the unknown kind ", static_cast<std::uint32_t>(kind), "; build it again."));
}

} // namespace

StoredPlan read_plan(std::span<const std::byte> bytes) {
    const FileHeader header = read_header(bytes);
    const std::vector<SectionEntry> table = read_table(bytes, header);
    check_sections(bytes, table);
    for (const SectionKind kind :
         {SectionKind::kMETA, SectionKind::kPORTABLE, SectionKind::kREPORT, SectionKind::kWEIGHTS}) {
        expect_once(table, kind);
    }
    StoredPlan out;
    for (const SectionEntry& entry : table) {
        read_section(entry.kind, bytes.subspan(entry.offset, entry.size), out);
    }
    validate(out.plan, out.weights.size());
    return out;
}

} // namespace tensorvk::plan
