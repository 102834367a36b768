"""CUDA's runtime API on Vulkan devices, in cuda-python's call shapes.

Every function returns a tuple that begins with a :class:`cudaError_t`; its results follow. Device pointers are plain
integers in one flat space, and any address inside an allocation is as good as its first. Where a pointer is expected
these are accepted: integers, objects with ``__int__``, ctypes pointers, and (as the host end of a copy) numpy arrays
or anything with the buffer protocol, whose size is checked.

After a failure :func:`cudaGetLastErrorMessage` tells in one sentence what was wrong. With ``TENSORVK_VERBOSE=1`` it is
printed as well.
"""

from __future__ import annotations

import atexit
import ctypes
from collections.abc import Callable
from enum import IntEnum
from numbers import Integral, Real
from typing import Any, TypeAlias

from tensorvk._core import cudart as _api

# An integer, an object with __int__, a ctypes pointer, or an object with the buffer protocol.
Pointer: TypeAlias = Any
Stream: TypeAlias = "cudaStream_t | int | Any"
Event: TypeAlias = "cudaEvent_t | int | Any"


class cudaError_t(IntEnum):
    """Error codes, with CUDA's names and numbers."""

    cudaSuccess = 0
    cudaErrorInvalidValue = 1
    cudaErrorMemoryAllocation = 2
    cudaErrorInitializationError = 3
    cudaErrorInvalidMemcpyDirection = 21
    cudaErrorNoDevice = 100
    cudaErrorInvalidDevice = 101
    cudaErrorDeviceUninitialized = 201
    cudaErrorInvalidResourceHandle = 400
    cudaErrorNotReady = 600
    cudaErrorIllegalAddress = 700
    cudaErrorHostMemoryAlreadyRegistered = 712
    cudaErrorHostMemoryNotRegistered = 713
    cudaErrorLaunchFailure = 719
    cudaErrorNotPermitted = 800
    cudaErrorNotSupported = 801
    cudaErrorUnknown = 999


class cudaMemcpyKind(IntEnum):
    """Direction of a copy; with cudaMemcpyDefault the addresses tell it."""

    cudaMemcpyHostToHost = 0
    cudaMemcpyHostToDevice = 1
    cudaMemcpyDeviceToHost = 2
    cudaMemcpyDeviceToDevice = 3
    cudaMemcpyDefault = 4


class cudaDeviceAttr(IntEnum):
    """Device attributes that mean something to a Vulkan device."""

    cudaDevAttrMaxThreadsPerBlock = 1
    cudaDevAttrMaxBlockDimX = 2
    cudaDevAttrMaxBlockDimY = 3
    cudaDevAttrMaxBlockDimZ = 4
    cudaDevAttrMaxGridDimX = 5
    cudaDevAttrMaxGridDimY = 6
    cudaDevAttrMaxGridDimZ = 7
    cudaDevAttrMaxSharedMemoryPerBlock = 8
    cudaDevAttrWarpSize = 10
    cudaDevAttrMultiProcessorCount = 16
    cudaDevAttrKernelExecTimeout = 17
    cudaDevAttrIntegrated = 18
    cudaDevAttrCanMapHostMemory = 19
    cudaDevAttrConcurrentKernels = 31
    cudaDevAttrAsyncEngineCount = 40
    cudaDevAttrUnifiedAddressing = 41
    cudaDevAttrComputeCapabilityMajor = 75
    cudaDevAttrComputeCapabilityMinor = 76


cudaStreamDefault = 0x0
cudaStreamNonBlocking = 0x1
cudaStreamLegacy = 0x1
cudaStreamPerThread = 0x2
cudaEventDefault = 0x0
cudaEventBlockingSync = 0x1
cudaEventDisableTiming = 0x2
cudaEventWaitDefault = 0x0
cudaHostAllocDefault = 0x0
cudaHostAllocPortable = 0x1
cudaHostAllocMapped = 0x2
cudaHostAllocWriteCombined = 0x4
cudaHostRegisterDefault = 0x0
cudaHostRegisterPortable = 0x1
cudaHostRegisterMapped = 0x2
cudaHostRegisterReadOnly = 0x8


class _Handle:
    """A number that stands for an object of the runtime."""

    __slots__ = ("_value",)

    def __init__(self, init_value: Any = 0) -> None:
        self._value = int(init_value)

    def __int__(self) -> int:
        return self._value

    def __index__(self) -> int:
        return self._value

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Handle | int):
            return self._value == int(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._value:#x}>"

    def getPtr(self) -> int:
        """The number, as cuda-python's handles give it."""
        return self._value


class cudaStream_t(_Handle):
    """A stream; ``int()`` gives its number, 0 is the default stream."""

    __slots__ = ()


class cudaEvent_t(_Handle):
    """An event; ``int()`` gives its number."""

    __slots__ = ()


class cudaDeviceProp:
    """Properties of a device: ``name`` (bytes), ``totalGlobalMem`` (bytes of memory), ``major`` and ``minor`` (of its
    Vulkan version), ``multiProcessorCount``, ``warpSize`` (subgroup size), ``sharedMemPerBlock`` (bytes) and CUDA's
    other names; unknown ones are 0."""

    name: bytes
    totalGlobalMem: int
    major: int
    minor: int
    multiProcessorCount: int

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        self.__dict__.update(values or {})

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"cudaDeviceProp has no {name!r}; it has: {', '.join(sorted(self.__dict__))}")

    def __repr__(self) -> str:
        return "\n".join(f"{name} : {value}" for name, value in self.__dict__.items())


_ERRORS = {error.value: error for error in cudaError_t}
_Result: TypeAlias = tuple[cudaError_t]


def _status(code: int) -> _Result:
    return (_ERRORS[code],)


def _number(value: Any) -> int:
    """An address or handle as int() gives it; TypeError for what int() would round or parse."""
    if isinstance(value, (Real, str, bytes, bytearray)) and not isinstance(value, Integral):
        raise TypeError(f"An address or handle is a whole number, not the {type(value).__name__} {value!r}.")
    return int(value)


def _handle_number(handle: Any) -> int:
    return 0 if handle is None else _number(handle)


def _ctypes_address(pointer: Any) -> int | None:
    """The address in a ctypes pointer, or None for anything else.

    Their own buffers hold the address, not what it points at.
    """
    if isinstance(pointer, ctypes.c_void_p):
        return pointer.value or 0
    if isinstance(pointer, ctypes._Pointer):
        return ctypes.cast(pointer, ctypes.c_void_p).value or 0
    return None


def _copy_end(pointer: Pointer) -> Any:
    """An integer, or an object with the buffer protocol."""
    if type(pointer) is int:
        return pointer
    if isinstance(pointer, Integral):
        return int(pointer)
    address = _ctypes_address(pointer)
    if address is not None:
        return address
    try:
        memoryview(pointer)
    except TypeError:
        return _number(pointer)
    except (ValueError, BufferError):
        pass  # a buffer, though of a form that memoryview does not take: the copy says what is wrong with it
    return pointer


def _address(pointer: Pointer) -> int:
    """An address, also of an object with the buffer protocol."""
    end = _copy_end(pointer)
    return end if type(end) is int else int(_api.buffer_of(end)[0])


def cudaGetDeviceCount() -> tuple[cudaError_t, int]:
    code, count = _api.cudaGetDeviceCount()
    return _ERRORS[code], count


def cudaGetDevice() -> tuple[cudaError_t, int]:
    code, device = _api.cudaGetDevice()
    return _ERRORS[code], device


def cudaSetDevice(device: int) -> _Result:
    return _status(_api.cudaSetDevice(device))


def cudaGetDeviceProperties(device: int) -> tuple[cudaError_t, cudaDeviceProp]:
    code, values = _api.cudaGetDeviceProperties(device)
    return _ERRORS[code], cudaDeviceProp(values)


def cudaDeviceGetAttribute(attr: cudaDeviceAttr | int, device: int) -> tuple[cudaError_t, int]:
    code, value = _api.cudaDeviceGetAttribute(int(attr), device)
    return _ERRORS[code], value


def cudaDeviceSynchronize() -> _Result:
    return _status(_api.cudaDeviceSynchronize())


def cudaDriverGetVersion() -> tuple[cudaError_t, int]:
    code, version = _api.cudaDriverGetVersion()
    return _ERRORS[code], version


def cudaRuntimeGetVersion() -> tuple[cudaError_t, int]:
    code, version = _api.cudaRuntimeGetVersion()
    return _ERRORS[code], version


def cudaMemGetInfo() -> tuple[cudaError_t, int, int]:
    """Free and total bytes of the current device's memory."""
    code, free, total = _api.cudaMemGetInfo()
    return _ERRORS[code], free, total


def cudaProfilerStart() -> _Result:
    return (cudaError_t.cudaSuccess,)


def cudaProfilerStop() -> _Result:
    return (cudaError_t.cudaSuccess,)


def cudaMalloc(size: int) -> tuple[cudaError_t, int]:
    """Device memory of `size` bytes; 0 bytes give address 0."""
    code, address = _api.cudaMalloc(size)
    return _ERRORS[code], address


def cudaMallocAsync(size: int, hStream: Stream = 0) -> tuple[cudaError_t, int]:
    code, address = _api.cudaMallocAsync(size, _handle_number(hStream))
    return _ERRORS[code], address


def cudaFree(devPtr: Pointer) -> _Result:
    """Waits for the device, then frees what cudaMalloc gave; 0 is allowed."""
    return _status(_api.cudaFree(_address(devPtr)))


def cudaFreeAsync(devPtr: Pointer, hStream: Stream = 0) -> _Result:
    return _status(_api.cudaFreeAsync(_address(devPtr), _handle_number(hStream)))


def cudaHostAlloc(size: int, flags: int = cudaHostAllocDefault) -> tuple[cudaError_t, int]:
    """Pinned host memory of `size` bytes: a real address, used by copies directly."""
    code, address = _api.cudaHostAlloc(size, flags)
    return _ERRORS[code], address


def cudaMallocHost(size: int, flags: int = cudaHostAllocDefault) -> tuple[cudaError_t, int]:
    return cudaHostAlloc(size, flags)


def cudaFreeHost(ptr: Pointer) -> _Result:
    return _status(_api.cudaFreeHost(_address(ptr)))


def cudaHostRegister(ptr: Pointer, size: int, flags: int = cudaHostRegisterDefault) -> _Result:
    """Makes host memory known, so that asynchronous copies may use it while they run.

    The caller keeps it alive until cudaHostUnregister.
    """
    return _status(_api.cudaHostRegister(_address(ptr), size, flags))


def cudaHostUnregister(ptr: Pointer) -> _Result:
    return _status(_api.cudaHostUnregister(_address(ptr)))


def cudaMemcpy(dst: Pointer, src: Pointer, count: int, kind: cudaMemcpyKind | int) -> _Result:
    """Copies `count` bytes after all work of the default stream; the bytes are there when it returns."""
    return _status(_api.cudaMemcpy(_copy_end(dst), _copy_end(src), count, int(kind)))


def cudaMemcpyAsync(dst: Pointer, src: Pointer, count: int, kind: cudaMemcpyKind | int, stream: Stream = 0) -> _Result:
    """Copies `count` bytes in the stream's order. Ordinary host memory is read, or written, before this returns; pinned
    and registered memory when the stream gets there."""
    return _status(_api.cudaMemcpyAsync(_copy_end(dst), _copy_end(src), count, int(kind), _handle_number(stream)))


def cudaMemset(devPtr: Pointer, value: int, count: int) -> _Result:
    return _status(_api.cudaMemset(_address(devPtr), value, count))


def cudaMemsetAsync(devPtr: Pointer, value: int, count: int, stream: Stream = 0) -> _Result:
    return _status(_api.cudaMemsetAsync(_address(devPtr), value, count, _handle_number(stream)))


def cudaStreamCreate() -> tuple[cudaError_t, cudaStream_t]:
    return cudaStreamCreateWithFlags(cudaStreamDefault)


def cudaStreamCreateWithFlags(flags: int) -> tuple[cudaError_t, cudaStream_t]:
    code, handle = _api.cudaStreamCreateWithFlags(flags)
    return _ERRORS[code], cudaStream_t(handle)


def cudaStreamCreateWithPriority(flags: int, priority: int) -> tuple[cudaError_t, cudaStream_t]:
    """Priorities are accepted and not used."""
    return cudaStreamCreateWithFlags(flags)


def cudaStreamDestroy(stream: Stream) -> _Result:
    return _status(_api.cudaStreamDestroy(_handle_number(stream)))


def cudaStreamSynchronize(stream: Stream) -> _Result:
    return _status(_api.cudaStreamSynchronize(_handle_number(stream)))


def cudaStreamQuery(stream: Stream) -> _Result:
    """cudaErrorNotReady while the stream has work left."""
    return _status(_api.cudaStreamQuery(_handle_number(stream)))


def cudaStreamWaitEvent(stream: Stream, event: Event, flags: int = cudaEventWaitDefault) -> _Result:
    return _status(_api.cudaStreamWaitEvent(_handle_number(stream), _handle_number(event), flags))


class _HostFunctions:
    """Waits for Python functions in streams before the interpreter goes away."""

    registered = False

    @classmethod
    def expect(cls) -> None:
        if not cls.registered:
            cls.registered = True
            atexit.register(_api.cudaDeviceSynchronize)


def cudaLaunchHostFunc(stream: Stream, fn: Callable[[Any], object] | int | Any, userData: Any = None) -> _Result:
    """Calls `fn(userData)` on another thread when the stream gets there. `fn` is a Python callable, or the address of a
    C function ``void (*)(void*)``, whose `userData` is an address."""
    if not callable(fn):
        fn = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(int(fn))
        userData = 0 if userData is None else _address(userData)
    _HostFunctions.expect()
    return _status(_api.cudaLaunchHostFunc(_handle_number(stream), fn, userData))


def cudaEventCreate() -> tuple[cudaError_t, cudaEvent_t]:
    return cudaEventCreateWithFlags(cudaEventDefault)


def cudaEventCreateWithFlags(flags: int) -> tuple[cudaError_t, cudaEvent_t]:
    code, handle = _api.cudaEventCreateWithFlags(flags)
    return _ERRORS[code], cudaEvent_t(handle)


def cudaEventDestroy(event: Event) -> _Result:
    return _status(_api.cudaEventDestroy(_handle_number(event)))


def cudaEventRecord(event: Event, stream: Stream = 0) -> _Result:
    return _status(_api.cudaEventRecord(_handle_number(event), _handle_number(stream)))


def cudaEventSynchronize(event: Event) -> _Result:
    return _status(_api.cudaEventSynchronize(_handle_number(event)))


def cudaEventQuery(event: Event) -> _Result:
    """cudaErrorNotReady while the record is not reached."""
    return _status(_api.cudaEventQuery(_handle_number(event)))


def cudaEventElapsedTime(start: Event, end: Event) -> tuple[cudaError_t, float]:
    """Milliseconds from `start` to `end`, in device time."""
    code, milliseconds = _api.cudaEventElapsedTime(_handle_number(start), _handle_number(end))
    return _ERRORS[code], milliseconds


def cudaGetLastError() -> _Result:
    """The calling thread's last failure, which is forgotten then."""
    return _status(_api.cudaGetLastError())


def cudaPeekAtLastError() -> _Result:
    return _status(_api.cudaPeekAtLastError())


def cudaGetErrorName(error: cudaError_t | int) -> tuple[cudaError_t, bytes]:
    return cudaError_t.cudaSuccess, _api.cudaGetErrorName(int(error))


def cudaGetErrorString(error: cudaError_t | int) -> tuple[cudaError_t, bytes]:
    return cudaError_t.cudaSuccess, _api.cudaGetErrorString(int(error))


def cudaGetLastErrorMessage() -> str:
    """One sentence about the calling thread's last failure, beyond CUDA's API; empty when there was none."""
    message: str = _api.last_error_message()
    return message
