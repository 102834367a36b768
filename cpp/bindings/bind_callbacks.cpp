// What users implement in Python. Overrides are called with the GIL held, from whatever thread the library is in; what
// they raise is printed through sys.unraisablehook and does not reach the library.
#include <cstring>
#include <optional>

#include "enum_table.hpp"
#include "overrides.hpp"

namespace tensorvk::bindings {

namespace {

class PyLogger : public ILogger {
  public:
    void log(Severity severity, const char* message) override {
        // Messages come from the library's bytes; a stray one that is no UTF-8 must not lose the rest.
        const GilAcquire gil;
        const auto text = py::reinterpret_steal<py::object>(
            PyUnicode_DecodeUTF8(message, static_cast<py::ssize_t>(std::strlen(message)), "replace"));
        call_override_void(static_cast<const ILogger*>(this), "log", severity, text);
    }
};

class PyProfiler : public IProfiler {
  public:
    void reportLayerTime(const char* layerName, float milliseconds) override {
        call_override_void(static_cast<const IProfiler*>(this), "report_layer_time", layerName, milliseconds);
    }
};

class Profiler : public IProfiler {
  public:
    void reportLayerTime(const char* layerName, float milliseconds) override {
        const GilAcquire gil;
        py::print(py::str("{}: {:.6f}ms").format(layerName, milliseconds));
    }
};

class PyErrorRecorder : public IErrorRecorder {
  public:
    int32_t getNbErrors() const override { return call_override<int32_t>(base(), "num_errors", 0); }
    ErrorCode getErrorCode(int32_t index) const override {
        return call_override<ErrorCode>(base(), "get_error_code", ErrorCode::kUNSPECIFIED_ERROR, index);
    }
    ErrorDesc getErrorDesc(int32_t index) const override {
        description_ = call_override<std::string>(base(), "get_error_desc", std::string(), index);
        return description_.c_str();
    }
    bool hasOverflowed() const override { return call_override<bool>(base(), "has_overflowed", false); }
    void clear() override { call_override_void(base(), "clear"); }
    bool reportError(ErrorCode code, ErrorDesc description) override {
        call_override_void(base(), "report_error", code, description);
        return true;
    }

  private:
    const IErrorRecorder* base() const { return this; }
    mutable std::string description_;
};

class PyProgressMonitor : public IProgressMonitor {
  public:
    void phaseStart(const char* phaseName, const char* parentPhase, int32_t steps) override {
        call_override_void(base(), "phase_start", phaseName, parentPhase, steps);
    }
    bool stepComplete(const char* phaseName, int32_t step) override {
        const GilAcquire gil;
        // TensorRT's monitors cancel with False; one that forgets to return anything means to go on.
        return !call_override<py::object>(base(), "step_complete", py::none(), phaseName, step).is(py::bool_(false)) &&
               !interrupted();
    }
    void phaseFinish(const char* phaseName) override { call_override_void(base(), "phase_finish", phaseName); }

  private:
    const IProgressMonitor* base() const { return this; }
    static bool interrupted() { return PyErr_CheckSignals() != 0 && (PyErr_WriteUnraisable(nullptr), true); }
};

void bind_loggers(py::module_& module) {
    py::class_<ILogger, PyLogger, std::shared_ptr<ILogger>> base(
        module, "ILogger", "Receives messages: derive, call ILogger.__init__ and define log.");
    auto severity = add_enum<Severity>(base, "Severity", "How serious a message is; smaller is worse.",
                                       {{"INTERNAL_ERROR", Severity::kINTERNAL_ERROR},
                                        {"ERROR", Severity::kERROR},
                                        {"WARNING", Severity::kWARNING},
                                        {"INFO", Severity::kINFO},
                                        {"VERBOSE", Severity::kVERBOSE}},
                                       py::arithmetic());
    severity.export_values();
    base.def(py::init<>());
    base.def(
        "log", [](ILogger& self, Severity level, const std::string& message) { self.log(level, message.c_str()); },
        py::arg("severity"), py::arg("msg"));
    add_context_manager(base);
    py::class_<Logger, ILogger, std::shared_ptr<Logger>>(
        module, "Logger", "Prints messages that are at least as serious as min_severity to standard output.")
        .def(py::init<Severity>(), py::arg("min_severity") = Severity::kWARNING)
        .def_property("min_severity", &Logger::minSeverity, &Logger::setMinSeverity);
}

void bind_profilers(py::module_& module) {
    py::class_<IProfiler, PyProfiler, std::shared_ptr<IProfiler>>(
        module, "IProfiler", "Is told each layer's time: derive and define report_layer_time.")
        .def(py::init<>())
        .def(
            "report_layer_time",
            [](IProfiler& self, const std::string& name, float ms) { self.reportLayerTime(name.c_str(), ms); },
            py::arg("layer_name"), py::arg("ms"));
    py::class_<Profiler, IProfiler, std::shared_ptr<Profiler>>(module, "Profiler", "Prints each layer's time.")
        .def(py::init<>());
}

void bind_error_recorder(py::module_& module) {
    py::class_<IErrorRecorder, PyErrorRecorder, std::shared_ptr<IErrorRecorder>> recorder(
        module, "IErrorRecorder",
        "Collects errors: derive and define report_error, num_errors, get_error_code, get_error_desc, has_overflowed, "
        "clear.");
    recorder.def(py::init<>())
        .def("num_errors", &IErrorRecorder::getNbErrors)
        .def("get_error_code", &IErrorRecorder::getErrorCode, py::arg("arg0"))
        .def("get_error_desc", &IErrorRecorder::getErrorDesc, py::arg("arg0"))
        .def("has_overflowed", &IErrorRecorder::hasOverflowed)
        .def("clear", &IErrorRecorder::clear)
        .def(
            "report_error",
            [](IErrorRecorder& self, ErrorCode code, const std::string& description) {
                return self.reportError(code, description.c_str());
            },
            py::arg("arg0"), py::arg("arg1"));
    recorder.attr("MAX_DESC_LENGTH") = IErrorRecorder::kMAX_DESC_LENGTH;
}

void bind_progress_monitor(py::module_& module) {
    py::class_<IProgressMonitor, PyProgressMonitor, std::shared_ptr<IProgressMonitor>>(
        module, "IProgressMonitor",
        "Follows a build: derive and define phase_start, step_complete (False cancels) and phase_finish.")
        .def(py::init<>())
        .def(
            "phase_start",
            [](IProgressMonitor& self, const std::string& phase, const std::optional<std::string>& parent,
               int32_t steps) { self.phaseStart(phase.c_str(), parent ? parent->c_str() : nullptr, steps); },
            py::arg("phase_name"), py::arg("parent_phase"), py::arg("num_steps"))
        .def(
            "step_complete",
            [](IProgressMonitor& self, const std::string& phase, int32_t step) {
                return self.stepComplete(phase.c_str(), step);
            },
            py::arg("phase_name"), py::arg("step"))
        .def(
            "phase_finish", [](IProgressMonitor& self, const std::string& phase) { self.phaseFinish(phase.c_str()); },
            py::arg("phase_name"));
}

} // namespace

void bind_callbacks(py::module_& module) {
    bind_loggers(module);
    bind_profilers(module);
    bind_error_recorder(module);
    bind_progress_monitor(module);
    bind_output_allocator(module);
    module.def("last_error", &lastError, "The calling thread's latest error sentence; '' when there was none.");
    module.def(
        "set_raise_on_error", &setRaiseOnError, py::arg("raise_on_error"),
        "With True, calls that fail raise RuntimeError with the logged sentence instead of returning None or False.");
    module.def("raise_on_error", &raiseOnError,
               "Whether calls that fail raise; TENSORVK_RAISE=1 in the environment sets it at start.");
}

} // namespace tensorvk::bindings
