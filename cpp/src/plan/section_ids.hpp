// File identifiers of the structured sections' FlatBuffers.
#pragma once

namespace tensorvk::plan {

inline constexpr char kMetaId[] = "TVKM";
inline constexpr char kProgramId[] = "TVKP";
inline constexpr char kReportId[] = "TVKR";

} // namespace tensorvk::plan
