// tensorvk._core.cudart: the runtime API as plain functions that return tuples beginning with the error's number.
// python/tensorvk/cudart.py gives them cuda-python's types.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "copy_end.hpp"
#include "gil.hpp"
#include "stream/cudart_guard.hpp"
#include "stream/stream.hpp"
#include "support/error.hpp"
#include "tensorvk/cudart.h"
#include "vulkan/instance.hpp"

namespace py = pybind11;

namespace tensorvk::bindings {
namespace {

cudaStream_t stream_handle(Number handle) {
    return reinterpret_cast<cudaStream_t>(handle);
}
cudaEvent_t event_handle(Number handle) {
    return reinterpret_cast<cudaEvent_t>(handle);
}

template <typename Copy>
int copy_between(const py::object& target, const py::object& source, std::size_t count, Copy copy) {
    int error = cudaSuccess;
    const cudaError_t refused = stream::guarded([&] {
        const CopyEnd to(target, count, true, "target");
        const CopyEnd from(source, count, false, "source");
        const GilRelease release;
        error = copy(to.get(), from.get());
    });
    return refused == cudaSuccess ? error : refused;
}

int memcpy_sync(const py::object& dst, const py::object& src, std::size_t count, int kind) {
    return copy_between(dst, src, count, [&](void* to, const void* from) {
        return cudaMemcpy(to, from, count, static_cast<cudaMemcpyKind>(kind));
    });
}

int memcpy_async(const py::object& dst, const py::object& src, std::size_t count, int kind, Number stream) {
    return copy_between(dst, src, count, [&](void* to, const void* from) {
        return cudaMemcpyAsync(to, from, count, static_cast<cudaMemcpyKind>(kind), stream_handle(stream));
    });
}

// Address and size of an object's bytes, for calls that keep the memory beyond their return.
std::pair<Number, std::size_t> buffer_of(const py::buffer& object) {
    Py_buffer view{};
    if (PyObject_GetBuffer(object.ptr(), &view, PyBUF_ANY_CONTIGUOUS) != 0) throw py::error_already_set();
    const std::pair<Number, std::size_t> result{number(view.buf), static_cast<std::size_t>(view.len)};
    PyBuffer_Release(&view);
    return result;
}

// A Python function for a host thread of ours: called, and let go of, with the interpreter's lock.
std::function<void()> host_call(py::object function, py::object argument) {
    struct Call {
        py::object function;
        py::object argument;
    };
    const auto release = [](Call* call) {
        // Without an interpreter there is nothing to release the objects to.
        if (Py_IsInitialized() == 0) return;
        const GilAcquire lock;
        delete call;
    };
    const std::shared_ptr<Call> call(new Call{std::move(function), std::move(argument)}, release);
    return [call] {
        if (Py_IsInitialized() == 0) return;
        const GilAcquire lock;
        try {
            (void)call_python(call->function, py::make_tuple(call->argument));
        } catch (py::error_already_set& error) {
            error.discard_as_unraisable("a host function of a stream");
        }
    };
}

int launch_host(Number handle, py::object function, py::object argument) {
    auto call = host_call(std::move(function), std::move(argument));
    const GilRelease release;
    return stream::guarded([&] { stream::Stream::from_handle(handle)->host_function(std::move(call)); });
}

py::dict properties(const cudaDeviceProp& prop) {
    py::dict result;
    result["name"] = py::bytes(prop.name);
    result["uuid"] = py::bytes(prop.uuid.bytes, sizeof(prop.uuid.bytes));
    result["maxThreadsDim"] = std::vector<int>(std::begin(prop.maxThreadsDim), std::end(prop.maxThreadsDim));
    result["maxGridSize"] = std::vector<int>(std::begin(prop.maxGridSize), std::end(prop.maxGridSize));
#define TVK_FIELD(field) result[#field] = prop.field
    TVK_FIELD(totalGlobalMem);
    TVK_FIELD(sharedMemPerBlock);
    TVK_FIELD(sharedMemPerMultiprocessor);
    TVK_FIELD(warpSize);
    TVK_FIELD(maxThreadsPerBlock);
    TVK_FIELD(clockRate);
    TVK_FIELD(totalConstMem);
    TVK_FIELD(major);
    TVK_FIELD(minor);
    TVK_FIELD(multiProcessorCount);
    TVK_FIELD(kernelExecTimeoutEnabled);
    TVK_FIELD(integrated);
    TVK_FIELD(canMapHostMemory);
    TVK_FIELD(concurrentKernels);
    TVK_FIELD(ECCEnabled);
    TVK_FIELD(asyncEngineCount);
    TVK_FIELD(unifiedAddressing);
    TVK_FIELD(memoryClockRate);
    TVK_FIELD(memoryBusWidth);
    TVK_FIELD(l2CacheSize);
    TVK_FIELD(isMultiGpuBoard);
#undef TVK_FIELD
    return result;
}

// A call with one result that is written through a pointer, as a tuple (error, result).
template <typename Result, typename Call>
std::pair<int, Result> answer(Call call) {
    Result result{};
    const int error = call(&result);
    return {error, result};
}

template <typename Call>
std::pair<int, Number> answer_pointer(Call call) {
    void* result = nullptr;
    const int error = call(&result);
    return {error, number(result)};
}

using Unlocked = py::call_guard<GilRelease>;

void bind_devices(py::module_& m) {
    m.def(
        "cudaGetDeviceCount", [] { return answer<int>(cudaGetDeviceCount); }, Unlocked());
    m.def(
        "cudaGetDevice", [] { return answer<int>(cudaGetDevice); }, Unlocked());
    m.def(
        "cudaSetDevice", [](int device) { return static_cast<int>(cudaSetDevice(device)); }, Unlocked());
    m.def("cudaGetDeviceProperties", [](int device) {
        cudaDeviceProp prop{};
        const int error = cudaGetDeviceProperties(&prop, device);
        return std::pair(error, properties(prop));
    });
    m.def("cudaDeviceGetAttribute", [](int attr, int device) {
        return answer<int>(
            [&](int* value) { return cudaDeviceGetAttribute(value, static_cast<cudaDeviceAttr>(attr), device); });
    });
    m.def(
        "cudaDeviceSynchronize", [] { return static_cast<int>(cudaDeviceSynchronize()); }, Unlocked());
    m.def(
        "cudaDriverGetVersion", [] { return answer<int>(cudaDriverGetVersion); }, Unlocked());
    m.def("cudaRuntimeGetVersion", [] { return answer<int>(cudaRuntimeGetVersion); });
    m.def(
        "cudaMemGetInfo",
        [] {
            std::size_t free = 0;
            std::size_t total = 0;
            const int error = cudaMemGetInfo(&free, &total);
            return std::tuple(error, free, total);
        },
        Unlocked());
}

void bind_memory(py::module_& m) {
    m.def(
        "cudaMalloc", [](std::size_t size) { return answer_pointer([&](void** p) { return cudaMalloc(p, size); }); },
        Unlocked());
    m.def(
        "cudaMallocAsync",
        [](std::size_t size, Number stream) {
            return answer_pointer([&](void** p) { return cudaMallocAsync(p, size, stream_handle(stream)); });
        },
        Unlocked());
    m.def(
        "cudaFree", [](Number p) { return static_cast<int>(cudaFree(pointer(p))); }, Unlocked());
    m.def(
        "cudaFreeAsync",
        [](Number p, Number stream) { return static_cast<int>(cudaFreeAsync(pointer(p), stream_handle(stream))); },
        Unlocked());
    m.def(
        "cudaHostAlloc",
        [](std::size_t size, unsigned int flags) {
            return answer_pointer([&](void** p) { return cudaHostAlloc(p, size, flags); });
        },
        Unlocked());
    m.def(
        "cudaFreeHost", [](Number p) { return static_cast<int>(cudaFreeHost(pointer(p))); }, Unlocked());
    m.def(
        "cudaHostRegister",
        [](Number p, std::size_t size, unsigned int flags) {
            return static_cast<int>(cudaHostRegister(pointer(p), size, flags));
        },
        Unlocked());
    m.def(
        "cudaHostUnregister", [](Number p) { return static_cast<int>(cudaHostUnregister(pointer(p))); }, Unlocked());
    m.def("cudaMemcpy", memcpy_sync);
    m.def("cudaMemcpyAsync", memcpy_async);
    m.def(
        "cudaMemset",
        [](Number p, int value, std::size_t count) { return static_cast<int>(cudaMemset(pointer(p), value, count)); },
        Unlocked());
    m.def(
        "cudaMemsetAsync",
        [](Number p, int value, std::size_t count, Number stream) {
            return static_cast<int>(cudaMemsetAsync(pointer(p), value, count, stream_handle(stream)));
        },
        Unlocked());
    m.def("buffer_of", buffer_of);
}

void bind_streams(py::module_& m) {
    m.def(
        "cudaStreamCreateWithFlags",
        [](unsigned int flags) {
            cudaStream_t stream = nullptr;
            const int error = cudaStreamCreateWithFlags(&stream, flags);
            return std::pair(error, number(stream));
        },
        Unlocked());
    m.def(
        "cudaStreamDestroy", [](Number s) { return static_cast<int>(cudaStreamDestroy(stream_handle(s))); },
        Unlocked());
    m.def(
        "cudaStreamSynchronize", [](Number s) { return static_cast<int>(cudaStreamSynchronize(stream_handle(s))); },
        Unlocked());
    m.def(
        "cudaStreamQuery", [](Number s) { return static_cast<int>(cudaStreamQuery(stream_handle(s))); }, Unlocked());
    m.def(
        "cudaStreamWaitEvent",
        [](Number s, Number e, unsigned int flags) {
            return static_cast<int>(cudaStreamWaitEvent(stream_handle(s), event_handle(e), flags));
        },
        Unlocked());
    m.def("cudaLaunchHostFunc", launch_host);
    m.def(
        "cudaEventCreateWithFlags",
        [](unsigned int flags) {
            cudaEvent_t event = nullptr;
            const int error = cudaEventCreateWithFlags(&event, flags);
            return std::pair(error, number(event));
        },
        Unlocked());
    m.def(
        "cudaEventDestroy", [](Number e) { return static_cast<int>(cudaEventDestroy(event_handle(e))); }, Unlocked());
    m.def(
        "cudaEventRecord",
        [](Number e, Number s) { return static_cast<int>(cudaEventRecord(event_handle(e), stream_handle(s))); },
        Unlocked());
    m.def(
        "cudaEventSynchronize", [](Number e) { return static_cast<int>(cudaEventSynchronize(event_handle(e))); },
        Unlocked());
    m.def(
        "cudaEventQuery", [](Number e) { return static_cast<int>(cudaEventQuery(event_handle(e))); }, Unlocked());
    m.def(
        "cudaEventElapsedTime",
        [](Number start, Number end) {
            return answer<float>(
                [&](float* ms) { return cudaEventElapsedTime(ms, event_handle(start), event_handle(end)); });
        },
        Unlocked());
}

void bind_errors(py::module_& m) {
    m.def("cudaGetLastError", [] { return static_cast<int>(cudaGetLastError()); });
    m.def("cudaPeekAtLastError", [] { return static_cast<int>(cudaPeekAtLastError()); });
    m.def("cudaGetErrorName", [](int error) { return py::bytes(cudaGetErrorName(static_cast<cudaError_t>(error))); });
    m.def("cudaGetErrorString",
          [](int error) { return py::bytes(cudaGetErrorString(static_cast<cudaError_t>(error))); });
    m.def("last_error_message", lastErrorMessage);
    m.def("validation_error_count", vulkan::validation_error_count);
    m.def("validation_errors", vulkan::validation_errors);
}

} // namespace

void bind_survey(py::module_& m);

} // namespace tensorvk::bindings

void bind_cudart(py::module_& m) {
    py::module_ cudart =
        m.def_submodule("cudart", "CUDA's runtime API on Vulkan devices, with numbers for handles and errors.");
    tensorvk::bindings::bind_devices(cudart);
    tensorvk::bindings::bind_memory(cudart);
    tensorvk::bindings::bind_streams(cudart);
    tensorvk::bindings::bind_errors(cudart);
    tensorvk::bindings::bind_survey(cudart);
}
