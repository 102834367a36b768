#include <algorithm>
#include <cstdio>
#include <string_view>

#include "api/runtime_state.hpp"

namespace tensorvk {

using api::guarded;

namespace {

std::string quoted(std::string_view value) {
    std::string out = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        if (static_cast<unsigned char>(c) < 0x20) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
            out += code;
        } else {
            out += c;
        }
    }
    return out + "\"";
}

template <typename Names>
std::string quoted_list(const Names& names) {
    std::string out = "[";
    for (const auto& name : names) {
        out += (out.size() == 1 ? "" : ", ") + quoted(name);
    }
    return out + "]";
}

//! The objects of the report's array "Layers". The report is the builder's own JSON, so braces and strings are all
//! there is to watch.
std::vector<std::string> report_layers(const std::string& report) {
    std::vector<std::string> layers;
    const std::size_t array = report.find('[', std::min(report.find("\"Layers\""), report.size()));
    int depth = 0;
    bool in_string = false;
    std::size_t begin = 0;
    for (std::size_t i = array; i < report.size(); ++i) {
        const char c = report[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' && depth++ == 0) {
            begin = i;
        } else if (c == '}' && --depth == 0) {
            layers.push_back(report.substr(begin, i - begin + 1));
        } else if (c == ']' && depth == 0) {
            break;
        }
    }
    return layers;
}

} // namespace

const char* IEngineInspector::getEngineInformation(LayerInformationFormat format) const {
    return guarded(*state_->reporter, "", [&] {
        const runtime::Engine& engine = *state_->engine;
        const auto verbosity = static_cast<ProfilingVerbosity>(engine.profiling_verbosity());
        const std::vector<std::string> names =
            verbosity == ProfilingVerbosity::kNONE ? std::vector<std::string>() : engine.layers();
        text_.clear();
        if (format == LayerInformationFormat::kONELINE) {
            text_ = text("Layers:\n");
            for (const std::string& name : names) {
                text_ += name + "\n";
            }
            text_ += "\nBindings:\n";
            for (const std::string& name : state_->binding_names) {
                text_ += name + "\n";
            }
        } else if (verbosity == ProfilingVerbosity::kDETAILED && !engine.report_json().empty()) {
            text_ = engine.report_json();
        } else {
            text_ =
                "{\"Layers\": " + quoted_list(names) + ", \"Bindings\": " + quoted_list(state_->binding_names) + "}";
        }
        return text_.c_str();
    });
}

const char* IEngineInspector::getLayerInformation(int32_t layer, LayerInformationFormat format) const {
    return guarded(*state_->reporter, "", [&] {
        const runtime::Engine& engine = *state_->engine;
        const auto& names = engine.layers();
        if (layer < 0 || static_cast<std::size_t>(layer) >= names.size()) {
            throw InvalidArgument(
                text("There is no layer ", layer, ": engine '", engine.name(), "' has ", names.size(), "."));
        }
        const std::string& name = names[static_cast<std::size_t>(layer)];
        text_ = format == LayerInformationFormat::kONELINE ? name : quoted(name);
        if (format == LayerInformationFormat::kJSON &&
            engine.profiling_verbosity() == static_cast<uint32_t>(ProfilingVerbosity::kDETAILED)) {
            for (std::string& object : report_layers(engine.report_json())) {
                if (object.find("\"Name\": " + quoted(name)) != std::string::npos ||
                    object.find("\"Name\":" + quoted(name)) != std::string::npos) {
                    text_ = std::move(object);
                    break;
                }
            }
        }
        return text_.c_str();
    });
}

bool IEngineInspector::setExecutionContext(const IExecutionContext* context) {
    context_ = context;
    return true;
}
void IEngineInspector::setErrorRecorder(IErrorRecorder* recorder) {
    state_->reporter->set_recorder(api::unowned(recorder));
}
IErrorRecorder* IEngineInspector::getErrorRecorder() const {
    return state_->reporter->recorder().get();
}

} // namespace tensorvk
