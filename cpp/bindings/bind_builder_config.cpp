// IOptimizationProfile, ITimingCache, IBuilderConfig.
#include "api/builder_access.hpp"
#include "bindings.hpp"

namespace tensorvk::bindings {

namespace {

using Profile = IOptimizationProfile;
using Config = IBuilderConfig;
using ConfigClass = py::class_<Config, std::shared_ptr<Config>>;

constexpr OptProfileSelector kSelectors[] = {OptProfileSelector::kMIN, OptProfileSelector::kOPT,
                                             OptProfileSelector::kMAX};

void set_shape(Profile& self, const std::string& input, const Dims& min, const Dims& opt, const Dims& max) {
    // A second call may move the whole range, so what was there before must not be compared with half of it.
    const auto fresh = std::make_shared<Profile>(api::BuilderAccess::reporter(self));
    const Dims* shapes[] = {&min, &opt, &max};
    for (std::size_t i = 0; i < 3; ++i) {
        require(fresh->setDimensions(input.c_str(), kSelectors[i], *shapes[i]));
    }
    api::BuilderAccess::set_shape(self, input, {min, opt, max});
}

void bind_profile(py::module_& module) {
    py::class_<Profile, std::shared_ptr<Profile>>(module, "IOptimizationProfile",
                                                  "Smallest, usual and largest shape of every dynamic input.")
        .def("set_shape", &set_shape, py::arg("input"), py::arg("min"), py::arg("opt"), py::arg("max"),
             "Raises RuntimeError unless min <= opt <= max.")
        .def(
            "get_shape",
            [](const Profile& self, const std::string& input) {
                std::vector<Dims> shapes;
                for (const OptProfileSelector select : kSelectors) {
                    const Dims dims = self.getDimensions(input.c_str(), select);
                    if (dims.nbDims < 0) {
                        return std::vector<Dims>();
                    }
                    shapes.push_back(dims);
                }
                return shapes;
            },
            py::arg("input"), "[min, opt, max], or [] when not set.")
        .def(
            "set_shape_input",
            [](Profile& self, const std::string& input, const std::vector<int64_t>& min,
               const std::vector<int64_t>& opt, const std::vector<int64_t>& max) {
                const std::vector<int64_t>* values[] = {&min, &opt, &max};
                for (std::size_t i = 0; i < 3; ++i) {
                    require(self.setShapeValuesV2(input.c_str(), kSelectors[i], values[i]->data(),
                                                  static_cast<int32_t>(values[i]->size())));
                }
            },
            py::arg("input"), py::arg("min"), py::arg("opt"), py::arg("max"))
        .def(
            "get_shape_input",
            [](const Profile& self, const std::string& input) {
                std::vector<std::vector<int64_t>> all;
                const int32_t count = self.getNbShapeValues(input.c_str());
                for (const OptProfileSelector select : kSelectors) {
                    if (const int64_t* values = count < 0 ? nullptr : self.getShapeValuesV2(input.c_str(), select)) {
                        all.emplace_back(values, values + count);
                    }
                }
                return all;
            },
            py::arg("input"))
        .def_property("extra_memory_target", &Profile::getExtraMemoryTarget,
                      [](Profile& self, float target) { require(self.setExtraMemoryTarget(target)); })
        .def("__bool__", &Profile::isValid)
        .def("__nonzero__", &Profile::isValid);
}

void bind_timing_cache(py::module_& module) {
    py::class_<ITimingCache, std::shared_ptr<ITimingCache>>(module, "ITimingCache", "Measured times of tactics.")
        .def("serialize", [](const ITimingCache& self) { return std::shared_ptr<IHostMemory>(self.serialize()); })
        .def(
            "serialize_for_any_driver",
            [](const ITimingCache& self) { return std::shared_ptr<IHostMemory>(self.serializeForAnyDriver()); },
            "Not in TensorRT: for other drivers of the device that was timed.")
        .def("combine", &ITimingCache::combine, py::arg("input_cache"), py::arg("ignore_mismatch"))
        .def("reset", &ITimingCache::reset);
}

void add_flags(ConfigClass& cls) {
    cls.def_property("flags", &Config::getFlags, &Config::setFlags, "Bitmask of 1 << int(BuilderFlag).")
        .def("set_flag", &Config::setFlag, py::arg("flag"))
        .def("clear_flag", &Config::clearFlag, py::arg("flag"))
        .def("get_flag", &Config::getFlag, py::arg("flag"))
        .def_property("quantization_flags", &Config::getQuantizationFlags, &Config::setQuantizationFlags);
    const auto bit = [](QuantizationFlag flag) { return 1U << static_cast<uint32_t>(flag); };
    cls.def(
        "set_quantization_flag",
        [bit](Config& self, QuantizationFlag flag) {
            self.setQuantizationFlags(self.getQuantizationFlags() | bit(flag));
        },
        py::arg("flag"));
    cls.def(
        "clear_quantization_flag",
        [bit](Config& self, QuantizationFlag flag) {
            self.setQuantizationFlags(self.getQuantizationFlags() & ~bit(flag));
        },
        py::arg("flag"));
    cls.def(
        "get_quantization_flag",
        [bit](const Config& self, QuantizationFlag flag) { return (self.getQuantizationFlags() & bit(flag)) != 0; },
        py::arg("flag"));
    cls.def("set_preview_feature", &Config::setPreviewFeature, py::arg("feature"), py::arg("enable"));
    cls.def("get_preview_feature", &Config::getPreviewFeature, py::arg("feature"));
}

void set_timing_cache_path(Config& self, const py::object& path) {
    self.setTimingCachePath(py::module_::import("os").attr("fspath")(path).cast<std::string>());
}

void add_build(ConfigClass& cls) {
    cls.def("set_memory_pool_limit", &Config::setMemoryPoolLimit, py::arg("pool"), py::arg("pool_size"), "In bytes.")
        .def("get_memory_pool_limit", &Config::getMemoryPoolLimit, py::arg("pool"))
        .def_property("max_workspace_size", &Config::getMaxWorkspaceSize, &Config::setMaxWorkspaceSize,
                      "TensorRT <= 9: the limit of the WORKSPACE pool.")
        .def(
            "add_optimization_profile",
            [](Config& self, const Profile& profile) { return self.addOptimizationProfile(&profile); },
            py::arg("profile"), "The profile's index, or -1 when it is not valid.")
        .def_property_readonly("num_optimization_profiles", &Config::getNbOptimizationProfiles)
        .def(
            "set_calibration_profile",
            [](Config& self, const Profile* profile) { return self.setCalibrationProfile(profile); },
            py::arg("profile"))
        .def("get_calibration_profile",
             [](const Config& self) {
                 return std::const_pointer_cast<Profile>(api::BuilderAccess::calibration_profile(self));
             })
        .def(
            "create_timing_cache",
            [](const Config& self, const py::object& serialized) {
                const ByteView bytes(serialized);
                return std::shared_ptr<ITimingCache>(self.createTimingCache(bytes.data(), bytes.size()));
            },
            py::arg("serialized_timing_cache"),
            "From ITimingCache.serialize(); b'' makes an empty one. None for damaged bytes.")
        .def("set_timing_cache", &Config::setTimingCache, py::arg("cache"), py::arg("ignore_mismatch"))
        .def("get_timing_cache", [](const Config& self) { return api::BuilderAccess::timing_cache(self); })
        .def_property("timing_cache_path", &Config::getTimingCachePath, &set_timing_cache_path,
                      "Not in TensorRT: a file of timings that processes share; '': what TENSORVK_TIMING_CACHE names.")
        .def("set_tactic_sources", &Config::setTacticSources, py::arg("tactic_sources"))
        .def("get_tactic_sources", &Config::getTacticSources)
        .def_property(
            "profile_stream", [](const Config& self) { return number_of(self.getProfileStream()); },
            [](Config& self, const py::object& stream) { self.setProfileStream(pointer_of(stream)); })
        .def_property("profiling_verbosity", &Config::getProfilingVerbosity, &Config::setProfilingVerbosity)
        .def_property("builder_optimization_level", &Config::getBuilderOptimizationLevel,
                      &Config::setBuilderOptimizationLevel, "0 (no search) to 5.")
        .def_property("avg_timing_iterations", &Config::getAvgTimingIterations, &Config::setAvgTimingIterations)
        .def_property("tactic_time_budget", &Config::getTacticTimeBudget, &Config::setTacticTimeBudget,
                      "Not in TensorRT: seconds for making and timing kernels; 0: as many as it takes.")
        .def_property("min_timing_iterations", &Config::getMinTimingIterations, &Config::setMinTimingIterations)
        .def_property(
            "progress_monitor", &Config::getProgressMonitor,
            [](Config& self, IProgressMonitor* monitor) {
                api::BuilderAccess::set_progress_monitor(self, keep(monitor));
            },
            py::return_value_policy::reference)
        .def("reset", &Config::reset);
}

void add_kept(ConfigClass& cls) {
    cls.def_property("engine_capability", &Config::getEngineCapability, &Config::setEngineCapability)
        .def_property("hardware_compatibility_level", &Config::getHardwareCompatibilityLevel,
                      &Config::setHardwareCompatibilityLevel)
        .def_property("runtime_platform", &Config::getRuntimePlatform, &Config::setRuntimePlatform)
        .def_property("tiling_optimization_level", &Config::getTilingOptimizationLevel,
                      &Config::setTilingOptimizationLevel)
        .def_property("l2_limit_for_tiling", &Config::getL2LimitForTiling, &Config::setL2LimitForTiling)
        .def_property("max_aux_streams", &Config::getMaxAuxStreams, &Config::setMaxAuxStreams)
        .def_property("max_num_tactics", &Config::getMaxNbTactics, &Config::setMaxNbTactics)
        .def_property("default_device_type", &Config::getDefaultDeviceType, &Config::setDefaultDeviceType)
        .def_property("DLA_core", &Config::getDLACore, &Config::setDLACore)
        .def_property("plugins_to_serialize", &Config::getPluginsToSerialize, &Config::setPluginsToSerialize)
        .def_property("remote_auto_tuning_config", &Config::getRemoteAutoTuningConfig,
                      &Config::setRemoteAutoTuningConfig)
        .def("set_device_type", &Config::setDeviceType, py::arg("layer"), py::arg("device_type"))
        .def("get_device_type", &Config::getDeviceType, py::arg("layer"))
        .def("is_device_type_set", &Config::isDeviceTypeSet, py::arg("layer"))
        .def("reset_device_type", &Config::resetDeviceType, py::arg("layer"))
        .def("can_run_on_DLA", &Config::canRunOnDLA, py::arg("layer"));
    add_refused(
        cls, "int8_calibrator",
        "INT8 calibration is not offered; quantize the model beforehand (QuantizeLinear and DequantizeLinear nodes).");
    add_refused(
        cls, "algorithm_selector",
        "Algorithm selectors are not offered; tactics are chosen by time, and a timing cache makes builds repeatable.");
}

} // namespace

void bind_builder_config(py::module_& module) {
    bind_profile(module);
    bind_timing_cache(module);
    ConfigClass cls(module, "IBuilderConfig",
                    "Everything that steers a build; Builder.create_builder_config makes one.");
    add_flags(cls);
    add_build(cls);
    add_kept(cls);
    add_context_manager(cls);
}

} // namespace tensorvk::bindings
