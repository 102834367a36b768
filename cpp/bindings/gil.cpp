#include "gil.hpp"

#include <unistd.h>

#include <utility>

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

// What GilRelease of this thread gave up, null while the thread holds the lock or never held it.
thread_local PyThreadState* given_up = nullptr;

void restore(PyThreadState* state) {
    stay_if_python_ends([state] {
        PyEval_RestoreThread(state);
        return true;
    });
}

// The thread that ends Python holds the lock until the end, while it destroys what variables of modules held.
bool ends_python() {
    return Py_IsInitialized() == 0 && (PyGILState_GetThisThreadState() != nullptr || gettid() == getpid());
}

// For threads of our own. PyGILState_Ensure() of a finished interpreter reads through a null pointer.
PyGILState_STATE ensure() {
    return stay_if_python_ends([] {
        while (Py_IsInitialized() == 0) {
            pause();
        }
        return PyGILState_Ensure();
    });
}

} // namespace

GilRelease::GilRelease() : state_(PyEval_SaveThread()) {
    given_up = state_;
}

GilRelease::~GilRelease() {
    restore(state_);
    given_up = nullptr;
}

GilAcquire::GilAcquire() : of_python_(std::exchange(given_up, nullptr)) {
    if (of_python_ != nullptr) {
        restore(of_python_);
    } else if (!ends_python()) {
        state_ = ensure();
    }
}

GilAcquire::~GilAcquire() {
    if (of_python_ != nullptr) {
        given_up = PyEval_SaveThread();
    } else if (state_) {
        PyGILState_Release(*state_);
    }
}

pybind11::object call_python(const pybind11::object& function, const pybind11::tuple& arguments) {
    PyObject* const result = stay_if_python_ends([&] { return PyObject_CallObject(function.ptr(), arguments.ptr()); });
    if (result == nullptr) {
        throw pybind11::error_already_set();
    }
    return pybind11::reinterpret_steal<pybind11::object>(result);
}

} // namespace tensorvk::bindings
