#include "builder/shipped_timings.hpp"

#include <cstdio>

#include "builder/timing_file.hpp"
#include "support/files.hpp"

namespace tensorvk::builder {

std::filesystem::path shipped_timings_folder() { return own_folder() / "timing_caches"; }

std::string shipped_timings_name(const vulkan::DeviceOffer& offer) {
    char name[32];
    std::snprintf(name, sizeof(name), "%04x-%04x.cache", offer.vendor_id, offer.device_id);
    return name;
}

std::shared_ptr<TimingCache> shipped_timings(const std::filesystem::path& folder, const vulkan::DeviceOffer& offer, LogSink& log) {
    return TimingFile(folder.empty() ? folder : folder / shipped_timings_name(offer), log).cache();
}

} // namespace tensorvk::builder
