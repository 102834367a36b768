// The bytes of a plan file, all little-endian:
//
//   FileHeader                       64 bytes
//   SectionEntry[section_count]      48 bytes each
//   zeros up to a multiple of 256
//   section 0, zeros up to a multiple of 256
//   section 1, ...
//
// Every byte is covered by a digest: header, table and the zeros after them by the header's (taken with the digest
// itself as zeros), every section with the zeros after it by its entry's.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "support/hash.hpp"

namespace tensorvk::plan {

static_assert(std::endian::native == std::endian::little, "plan files are little-endian and read without conversion");

inline constexpr char kMagic[8] = {'T', 'E', 'N', 'S', 'O', 'R', 'V', 'K'};
//! Counts up when files of before can no longer be read or this file not by readers of before.
inline constexpr std::uint32_t kFormatVersion = 2;
inline constexpr std::uint64_t kSectionAlignment = 256; // what any device may ask of a storage buffer's offset
inline constexpr std::uint32_t kMaxSections = 4096;

enum class SectionKind : std::uint32_t {
    kMETA = 1,     // FlatBuffer Meta, exactly one
    kPORTABLE = 2, // FlatBuffer Program, exactly one
    kTUNED = 3,    // FlatBuffer Program with its device, any number
    kREPORT = 4,   // FlatBuffer Report, at most one
    kWEIGHTS = 5,  // raw bytes, exactly one
};

struct FileHeader {
    char magic[8];
    std::uint32_t version;
    std::uint32_t section_count;
    std::uint64_t total_size;
    std::uint64_t reserved[3];
    Digest128 digest;
};
static_assert(sizeof(FileHeader) == 64 && std::is_trivially_copyable_v<FileHeader>);

struct SectionEntry {
    SectionKind kind;
    std::uint32_t reserved;
    std::uint64_t offset;
    std::uint64_t size; // without the zeros after it
    Digest128 digest;
    std::uint64_t reserved_too;
};
static_assert(sizeof(SectionEntry) == 48 && std::is_trivially_copyable_v<SectionEntry>);

[[nodiscard]] constexpr std::uint64_t align_section(std::uint64_t offset) noexcept {
    return (offset + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

} // namespace tensorvk::plan
