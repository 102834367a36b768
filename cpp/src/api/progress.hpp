// From the builder's running count of steps to TensorRT's phases.
#pragma once

#include <string>

#include "tensorvk/interfaces.h"

namespace tensorvk::api {

class Progress {
  public:
    explicit Progress(IProgressMonitor* monitor) : monitor_(monitor) {}
    ~Progress() { finish(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    //! `done` of `steps` are done; false when the monitor cancels.
    bool report(const char* phase, int done, int steps) {
        if (phase_ != phase) {
            finish();
            phase_ = phase;
            monitor_->phaseStart(phase, nullptr, steps);
        }
        const bool go_on = done == 0 || monitor_->stepComplete(phase, done - 1);
        if (done >= steps) {
            finish();
        }
        return go_on;
    }

  private:
    //! Also after a failure: each phase that started finishes.
    void finish() {
        if (!phase_.empty()) {
            monitor_->phaseFinish(phase_.c_str());
            phase_.clear();
        }
    }

    IProgressMonitor* monitor_;
    std::string phase_;
};

} // namespace tensorvk::api
