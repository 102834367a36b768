// What a copy's ends are in Python: numbers that are addresses, or objects whose bytes are meant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <pybind11/pybind11.h>

#include "support/error.hpp"

namespace tensorvk::bindings {

namespace py = pybind11;

using Number = std::uint64_t;

inline void* pointer(Number address) {
    return reinterpret_cast<void*>(address);
}
inline Number number(const void* address) {
    return reinterpret_cast<std::uintptr_t>(address);
}

// A Python object's bytes as one end of a copy. They are held as long as this lives.
class HostBytes {
  public:
    HostBytes(const py::object& object, std::size_t count, bool written, const char* what) {
        const int flags = (written ? PyBUF_WRITABLE : PyBUF_SIMPLE) | PyBUF_ANY_CONTIGUOUS;
        if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) {
            py::error_already_set reason;
            throw InvalidArgument(text("The ", what, " is a Python buffer that cannot be ",
                                       written ? "written" : "read",
                                       " as one piece of memory: ", py::str(reason.value()).cast<std::string>(),
                                       ". A contiguous array is needed (numpy.ascontiguousarray)."));
        }
        if (static_cast<std::size_t>(view_.len) < count) {
            const Py_ssize_t size = view_.len;
            PyBuffer_Release(&view_);
            throw InvalidArgument(
                text("The ", what, " is a Python buffer of ", size, " bytes, ", count, " are to be copied."));
        }
    }
    ~HostBytes() { PyBuffer_Release(&view_); }
    HostBytes(const HostBytes&) = delete;
    HostBytes& operator=(const HostBytes&) = delete;
    [[nodiscard]] Number address() const { return number(view_.buf); }

  private:
    Py_buffer view_{};
};

// One end of a copy: an address, or an object whose bytes are meant.
class CopyEnd {
  public:
    CopyEnd(const py::object& object, std::size_t count, bool written, const char* what) {
        if (PyLong_Check(object.ptr()) != 0) {
            address_ = object.cast<Number>();
        } else {
            address_ = bytes_.emplace(object, count, written, what).address();
        }
    }
    [[nodiscard]] void* get() const { return pointer(address_); }

  private:
    std::optional<HostBytes> bytes_;
    Number address_ = 0;
};

} // namespace tensorvk::bindings
