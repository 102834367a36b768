#include "gil.hpp"

#include <unistd.h>

namespace tensorvk::bindings {

namespace {

// Surrounds a call of one of Python's C functions: what leaves it without returning is pthread_exit().
class Stay {
  public:
    Stay() = default;
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;
    // No catch block: libstdc++ allows none for this while the thread handles another exception.
    ~Stay() {
        while (!returned_) {
            pause();
        }
    }
    void returned() noexcept { returned_ = true; }

  private:
    bool returned_ = false;
};

// Not inlined, because inside a noexcept function the unwinding ends before it reaches Stay.
template <typename Call>
[[gnu::noinline]] auto stay_if_python_ends(const Call& call) {
    Stay stay;
    const auto result = call();
    stay.returned();
    return result;
}

} // namespace

GilRelease::GilRelease() : state_(PyEval_SaveThread()) {
}

GilRelease::~GilRelease() {
    stay_if_python_ends([this] {
        PyEval_RestoreThread(state_);
        return true;
    });
}

GilAcquire::GilAcquire() : state_(stay_if_python_ends(&PyGILState_Ensure)) {
}

GilAcquire::~GilAcquire() {
    PyGILState_Release(state_);
}

pybind11::object call_python(const pybind11::object& function, const pybind11::tuple& arguments) {
    PyObject* const result = stay_if_python_ends([&] { return PyObject_CallObject(function.ptr(), arguments.ptr()); });
    if (result == nullptr) {
        throw pybind11::error_already_set();
    }
    return pybind11::reinterpret_steal<pybind11::object>(result);
}

} // namespace tensorvk::bindings
