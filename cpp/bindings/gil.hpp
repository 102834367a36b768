// The interpreter's lock for threads that may outlive the interpreter. Once the interpreter ends, Python up to 3.13
// answers a daemon thread that wants the lock with pthread_exit(), whose unwinding takes the whole process down at our
// first noexcept function. Here such a thread stays until the process is gone, as with Python 3.14.
#pragma once

#include <optional>

#include <pybind11/pybind11.h>

namespace tensorvk::bindings {

//! As pybind11's gil_scoped_release.
class GilRelease {
  public:
    GilRelease();
    ~GilRelease();
    GilRelease(const GilRelease&) = delete;
    GilRelease& operator=(const GilRelease&) = delete;

  private:
    PyThreadState* state_;
};

//! As pybind11's gil_scoped_acquire.
class GilAcquire {
  public:
    GilAcquire();
    ~GilAcquire();
    GilAcquire(const GilAcquire&) = delete;
    GilAcquire& operator=(const GilAcquire&) = delete;

  private:
    // A thread of Python's takes up the state that it gave up, because a finished interpreter still answers that.
    PyThreadState* of_python_;
    std::optional<PyGILState_STATE> state_;
};

//! Calls a Python function, which gives the lock away now and then. Throws error_already_set.
[[nodiscard]] pybind11::object call_python(const pybind11::object& function, const pybind11::tuple& arguments);

} // namespace tensorvk::bindings
