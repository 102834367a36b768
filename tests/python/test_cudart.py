"""tensorvk.cudart in the call shapes that scripts written for cuda-python use."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tensorvk import cudart
from tensorvk.cudart import cudaError_t, cudaMemcpyKind

H2D = cudaMemcpyKind.cudaMemcpyHostToDevice
D2H = cudaMemcpyKind.cudaMemcpyDeviceToHost
D2D = cudaMemcpyKind.cudaMemcpyDeviceToDevice


def checked(call: tuple[Any, ...]) -> Any:
    """The helper that TensorRT's samples use."""
    error, results = call[0], call[1:]
    if error.value:
        raise RuntimeError(f"{cudart.cudaGetErrorName(error)[1].decode()}: {cudart.cudaGetLastErrorMessage()}")
    return results[0] if len(results) == 1 else results


@pytest.fixture
def memory() -> Iterator[int]:
    """1000 bytes on the device."""
    address = checked(cudart.cudaMalloc(1000))
    yield address
    cudart.cudaFree(address)


@pytest.fixture
def stream() -> Iterator[cudart.cudaStream_t]:
    handle = checked(cudart.cudaStreamCreate())
    yield handle
    cudart.cudaStreamDestroy(handle)


def test_ten_line_script_of_the_tutorial() -> None:
    host = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    back = np.empty_like(host)
    _, stream = cudart.cudaStreamCreate()
    device = cudart.cudaMallocAsync(host.nbytes, stream)[1]
    cudart.cudaMemcpyAsync(device, host.ctypes.data, host.nbytes, H2D, stream)
    cudart.cudaMemcpyAsync(back.ctypes.data, device, back.nbytes, D2H, stream)
    cudart.cudaStreamSynchronize(stream)
    (err,) = cudart.cudaFreeAsync(device, stream)
    assert err == cudaError_t.cudaSuccess
    (err,) = cudart.cudaStreamDestroy(stream)
    assert isinstance(err, cudaError_t) and err.value == 0
    np.testing.assert_array_equal(back, host)


def test_keywords_are_those_of_cuda_python(memory: int) -> None:
    data = np.full(10, 3, np.uint8)
    back = np.zeros(10, np.uint8)
    stream = checked(cudart.cudaStreamCreateWithFlags(flags=cudart.cudaStreamNonBlocking))
    event = checked(cudart.cudaEventCreateWithFlags(flags=cudart.cudaEventDefault))
    checked(cudart.cudaMemcpy(dst=memory, src=data, count=10, kind=H2D))
    checked(cudart.cudaMemcpyAsync(dst=back, src=memory, count=10, kind=D2H, stream=stream))
    checked(cudart.cudaEventRecord(event=event, stream=stream))
    checked(cudart.cudaStreamWaitEvent(stream=stream, event=event, flags=cudart.cudaEventWaitDefault))
    checked(cudart.cudaMemsetAsync(devPtr=memory, value=1, count=10, stream=stream))
    checked(cudart.cudaEventSynchronize(event=event))
    assert checked(cudart.cudaEventElapsedTime(start=event, end=event)) == 0.0
    checked(cudart.cudaHostRegister(ptr=data, size=10, flags=cudart.cudaHostRegisterDefault))
    checked(cudart.cudaHostUnregister(ptr=data))
    address = checked(cudart.cudaMallocAsync(size=4, hStream=stream))
    checked(cudart.cudaFreeAsync(devPtr=address, hStream=stream))
    assert back.tolist() == [3] * 10


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda a: a, id="numpy array"),
        pytest.param(lambda a: a.ctypes.data, id="int"),
        pytest.param(lambda a: np.uint64(a.ctypes.data), id="numpy integer"),
        pytest.param(lambda a: memoryview(a), id="memoryview"),
        pytest.param(lambda a: a.tobytes(), id="bytes"),
        pytest.param(lambda a: ctypes.c_void_p(a.ctypes.data), id="c_void_p"),
        pytest.param(lambda a: a.ctypes.data_as(ctypes.POINTER(ctypes.c_float)), id="ctypes pointer"),
        pytest.param(lambda a: a.reshape(5, 5).T, id="transposed but contiguous"),
    ],
)
def test_host_ends_may_be_many_things(memory: int, make: Any) -> None:
    data = np.arange(25, dtype=np.float32)
    checked(cudart.cudaMemcpy(memory, make(data), data.nbytes, H2D))
    back = np.zeros_like(data)
    checked(cudart.cudaMemcpy(back, memory, back.nbytes, D2H))
    np.testing.assert_array_equal(back, data)


def test_device_pointers_are_integers_to_calculate_with(memory: int) -> None:
    data = np.arange(100, dtype=np.uint8)
    checked(cudart.cudaMemcpy(memory + 50, data, 100, H2D))
    checked(cudart.cudaMemcpy(memory + 500, np.int64(memory + 60), 20, D2D))
    back = np.zeros(20, np.uint8)

    class Allocation:
        def __int__(self) -> int:
            return memory + 500

    checked(cudart.cudaMemcpy(back, Allocation(), 20, D2H))
    assert back.tolist() == list(range(10, 30))


def test_nothing_is_allocated_for_zero_bytes() -> None:
    error, address = cudart.cudaMalloc(0)
    assert (error, address) == (cudaError_t.cudaSuccess, 0)
    assert cudart.cudaFree(address) == (cudaError_t.cudaSuccess,)


def refusal(call: tuple[Any, ...]) -> tuple[str, str]:
    return call[0].name, cudart.cudaGetLastErrorMessage()


def test_each_kind_of_bad_call_is_one_clear_sentence(memory: int) -> None:
    host = np.zeros(500, np.uint8)
    freed = checked(cudart.cudaMalloc(64))
    checked(cudart.cudaFree(freed))
    cases = [
        (lambda: cudart.cudaMemcpy(memory, host, 501, H2D), "cudaErrorInvalidValue", "buffer of 500 bytes, 501"),
        (lambda: cudart.cudaMemcpy(host, memory, 501, D2H), "cudaErrorInvalidValue", "buffer of 500 bytes, 501"),
        (lambda: cudart.cudaMemcpy(memory + 900, host, 101, H2D), "cudaErrorInvalidValue", "100 bytes left, 101"),
        (lambda: cudart.cudaMemcpy(memory + 1000, host, 1, H2D), "cudaErrorInvalidValue", "0 bytes behind the end"),
        (lambda: cudart.cudaMemcpy(host, freed, 1, D2H), "cudaErrorInvalidValue", "was freed"),
        (lambda: cudart.cudaMemcpy(0, host, 1, H2D), "cudaErrorInvalidValue", "target is null"),
        (lambda: cudart.cudaMemcpy(memory, 0, 1, H2D), "cudaErrorInvalidValue", "source is null"),
        (lambda: cudart.cudaMemcpy(host, memory, 1, H2D), "cudaErrorInvalidMemcpyDirection", "cudaMemcpyDefault"),
        (lambda: cudart.cudaMemcpy(memory, host, 1, 9), "cudaErrorInvalidMemcpyDirection", "no kind of copy"),
        (lambda: cudart.cudaMemcpy(memory, host[::2], 10, H2D), "cudaErrorInvalidValue", "ascontiguousarray"),
        (lambda: cudart.cudaMemcpy(b"read only", memory, 4, D2H), "cudaErrorInvalidValue", "cannot be written"),
        (lambda: cudart.cudaMemset(host, 0, 4), "cudaErrorInvalidValue", "ordinary host memory"),
        (lambda: cudart.cudaFree(freed), "cudaErrorInvalidValue", "was freed"),
        (lambda: cudart.cudaFree(memory + 1), "cudaErrorInvalidValue", "inside an allocation"),
        (lambda: cudart.cudaFree(host), "cudaErrorInvalidValue", "no device memory"),
        (lambda: cudart.cudaFreeHost(memory), "cudaErrorInvalidValue", "not allocated by the function"),
        (lambda: cudart.cudaHostUnregister(host), "cudaErrorInvalidValue", "no device memory"),
        (lambda: cudart.cudaMalloc(1 << 60), "cudaErrorMemoryAllocation", "bytes"),
        (lambda: cudart.cudaSetDevice(77), "cudaErrorInvalidDevice", "no device 77"),
        (lambda: cudart.cudaGetDeviceProperties(-1), "cudaErrorInvalidDevice", "no device -1"),
        (lambda: cudart.cudaStreamSynchronize(12345), "cudaErrorInvalidResourceHandle", "is no stream"),
        (lambda: cudart.cudaStreamDestroy(0), "cudaErrorInvalidResourceHandle", "default stream"),
        (lambda: cudart.cudaEventRecord(0, 0), "cudaErrorInvalidResourceHandle", "is no event"),
        (lambda: cudart.cudaStreamCreateWithFlags(64), "cudaErrorInvalidValue", "no flags 64"),
    ]
    for call, code, part in cases:
        name, message = refusal(call())
        assert name == code, message
        assert part in message
        assert message.endswith(".") and "\n" not in message
    assert not host.any()


def test_objects_that_are_no_pointers_are_type_errors(memory: int) -> None:
    with pytest.raises(TypeError):
        cudart.cudaMemcpy(memory, [1, 2, 3], 3, H2D)
    with pytest.raises(TypeError):
        cudart.cudaMalloc("many")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        cudart.cudaMemcpy(memory, memory)  # type: ignore[call-arg]


def test_last_error_is_kept_until_asked() -> None:
    cudart.cudaGetLastError()
    cudart.cudaSetDevice(55)
    assert cudart.cudaPeekAtLastError() == (cudaError_t.cudaErrorInvalidDevice,)
    assert cudart.cudaGetLastError() == (cudaError_t.cudaErrorInvalidDevice,)
    assert cudart.cudaGetLastError() == (cudaError_t.cudaSuccess,)
    assert cudart.cudaGetErrorName(cudaError_t.cudaErrorInvalidDevice)[1] == b"cudaErrorInvalidDevice"
    assert cudart.cudaGetErrorString(2) == (cudaError_t.cudaSuccess, b"out of memory")


def test_pinned_memory_is_a_numpy_array_after_the_usual_cast(memory: int, stream: cudart.cudaStream_t) -> None:
    address = checked(cudart.cudaHostAlloc(400, cudart.cudaHostAllocWriteCombined))
    pinned = np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_float)), (100,))
    pinned[:] = np.arange(100)
    checked(cudart.cudaMemcpyAsync(memory, pinned, 400, H2D, stream))
    checked(cudart.cudaStreamSynchronize(stream))
    pinned[:] = 0
    checked(cudart.cudaMemcpyAsync(pinned[10:], memory + 40, 360, D2H, stream))
    checked(cudart.cudaStreamSynchronize(stream))
    assert pinned[:10].tolist() == [0] * 10
    assert pinned[10:].tolist() == list(range(10, 100))
    del pinned
    checked(cudart.cudaFreeHost(address))


def test_registered_arrays_are_copied_asynchronously(stream: cudart.cudaStream_t) -> None:
    data = np.arange(50001, dtype=np.int16)
    expected = data.copy()
    address = checked(cudart.cudaMalloc(data.nbytes))
    checked(cudart.cudaHostRegister(data, data.nbytes, cudart.cudaHostRegisterPortable))
    assert cudart.cudaHostRegister(data, 8, 0)[0] == cudaError_t.cudaErrorHostMemoryAlreadyRegistered
    checked(cudart.cudaMemcpyAsync(address, data, data.nbytes, H2D, stream))
    checked(cudart.cudaStreamSynchronize(stream))
    data[:] = 0
    checked(cudart.cudaMemcpyAsync(data, address, data.nbytes, D2H, stream))
    checked(cudart.cudaStreamSynchronize(stream))
    np.testing.assert_array_equal(data, expected)
    checked(cudart.cudaHostUnregister(data))
    checked(cudart.cudaFree(address))


def test_host_function_runs_in_order_with_its_argument(stream: cudart.cudaStream_t) -> None:
    calls: list[str] = []
    checked(cudart.cudaLaunchHostFunc(stream, calls.append, "first"))
    checked(cudart.cudaLaunchHostFunc(stream, lambda text: (time.sleep(0.02), calls.append(text)), "second"))
    checked(cudart.cudaStreamSynchronize(stream))
    assert calls == ["first", "second"]


def test_c_function_as_host_function(stream: cudart.cudaStream_t) -> None:
    seen = ctypes.c_int(0)

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    def set_seven(data: int) -> None:
        ctypes.cast(data, ctypes.POINTER(ctypes.c_int))[0] = 7

    address = ctypes.cast(set_seven, ctypes.c_void_p).value
    checked(cudart.cudaLaunchHostFunc(stream, address, ctypes.addressof(seen)))
    checked(cudart.cudaStreamSynchronize(stream))
    assert seen.value == 7


def test_exception_in_a_host_function_does_not_stop_the_stream(
    stream: cudart.cudaStream_t, monkeypatch: pytest.MonkeyPatch
) -> None:
    noticed: list[BaseException | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: noticed.append(args.exc_value))
    checked(cudart.cudaLaunchHostFunc(stream, lambda _: 1 // 0))
    checked(cudart.cudaStreamSynchronize(stream))
    assert [type(error) for error in noticed] == [ZeroDivisionError]


def test_waiting_releases_the_interpreter(stream: cudart.cudaStream_t) -> None:
    opened = threading.Event()
    checked(cudart.cudaLaunchHostFunc(stream, lambda _: opened.wait(10)))
    assert cudart.cudaStreamQuery(stream) == (cudaError_t.cudaErrorNotReady,)
    threading.Timer(0.02, opened.set).start()
    checked(cudart.cudaStreamSynchronize(stream))
    assert opened.is_set()
    assert cudart.cudaStreamQuery(stream) == (cudaError_t.cudaSuccess,)


def test_event_times_the_work_between(stream: cudart.cudaStream_t) -> None:
    start, end = checked(cudart.cudaEventCreate()), checked(cudart.cudaEventCreate())
    checked(cudart.cudaEventRecord(start, stream))
    checked(cudart.cudaLaunchHostFunc(stream, lambda _: time.sleep(0.03)))
    checked(cudart.cudaEventRecord(end, stream))
    assert cudart.cudaEventElapsedTime(start, end)[0] == cudaError_t.cudaErrorNotReady
    checked(cudart.cudaEventSynchronize(end))
    assert cudart.cudaEventQuery(end) == (cudaError_t.cudaSuccess,)
    assert 25 < checked(cudart.cudaEventElapsedTime(start, end)) < 2000
    for event in (start, end):
        checked(cudart.cudaEventDestroy(event))
    assert cudart.cudaEventRecord(start, stream)[0] == cudaError_t.cudaErrorInvalidResourceHandle


def test_handles_are_numbers(stream: cudart.cudaStream_t) -> None:
    assert int(stream) != 0
    assert cudart.cudaStream_t(int(stream)) == stream == int(stream)
    assert len({stream, cudart.cudaStream_t(int(stream))}) == 1
    checked(cudart.cudaStreamSynchronize(int(stream)))
    checked(cudart.cudaStreamSynchronize(0))


def test_device_properties() -> None:
    assert checked(cudart.cudaGetDeviceCount()) >= 1
    assert checked(cudart.cudaGetDevice()) == 0
    checked(cudart.cudaSetDevice(0))
    prop = checked(cudart.cudaGetDeviceProperties(0))
    assert isinstance(prop.name, bytes) and prop.name
    assert prop.totalGlobalMem > 0 and prop.multiProcessorCount > 0 and prop.major >= 1 and prop.minor >= 0
    attribute = cudart.cudaDeviceAttr.cudaDevAttrComputeCapabilityMajor
    assert checked(cudart.cudaDeviceGetAttribute(attribute, 0)) == prop.major
    assert checked(cudart.cudaDriverGetVersion()) >= 1020
    assert checked(cudart.cudaRuntimeGetVersion()) >= 12000
    with pytest.raises(AttributeError, match="totalGlobalMem"):
        _ = prop.tensorCores
    checked(cudart.cudaProfilerStart())
    checked(cudart.cudaProfilerStop())
    checked(cudart.cudaDeviceSynchronize())


def test_memory_info_follows_allocations() -> None:
    free, total = checked(cudart.cudaMemGetInfo())
    size = 32 << 20
    address = checked(cudart.cudaMalloc(size))
    less, same = checked(cudart.cudaMemGetInfo())
    checked(cudart.cudaFree(address))
    assert same == total
    assert free - less >= size - (4 << 20)


def test_many_threads_with_a_stream_each() -> None:
    failures: list[str] = []

    def work(seed: int) -> None:
        try:
            data = np.random.default_rng(seed).integers(0, 255, 5003, dtype=np.uint8)
            back = np.zeros_like(data)
            stream = checked(cudart.cudaStreamCreate())
            address = checked(cudart.cudaMalloc(data.nbytes))
            for _ in range(20):
                checked(cudart.cudaMemcpyAsync(address, data, data.nbytes, H2D, stream))
                checked(cudart.cudaMemcpyAsync(back, address, data.nbytes, D2H, stream))
                checked(cudart.cudaStreamSynchronize(stream))
                assert (back == data).all()
            checked(cudart.cudaFree(address))
            checked(cudart.cudaStreamDestroy(stream))
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def run_script(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_limit_of_submissions_is_cudas_timeout() -> None:
    script = (
        "from tensorvk import cudart\n"
        "attribute = cudart.cudaDeviceAttr.cudaDevAttrKernelExecTimeout\n"
        "print(cudart.cudaGetDeviceProperties(0)[1].kernelExecTimeoutEnabled)\n"
        "print(cudart.cudaDeviceGetAttribute(attribute, 0)[1])"
    )
    for limit, answer in (("100", "1\n1\n"), ("0", "0\n0\n")):
        done = run_script(script, TENSORVK_SUBMISSION_LIMIT=limit)
        assert done.stdout == answer, done.stderr


def test_pending_host_function_is_finished_at_exit() -> None:
    script = (
        "import time\n"
        "from tensorvk import cudart\n"
        "stream = cudart.cudaStreamCreate()[1]\n"
        "cudart.cudaLaunchHostFunc(stream, lambda _: (time.sleep(0.1), print('done')))\n"
    )
    done = run_script(script)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_works_without_a_loader() -> None:
    script = (
        "from tensorvk import cudart\n"
        "name = cudart.cudaGetDeviceProperties(0)[1].name.decode()\n"
        "print(cudart.cudaGetDeviceCount()[1], name, cudart.cudaMalloc(4)[0].name)\n"
    )
    done = run_script(script, TENSORVK_VULKAN_LIBRARY="/nowhere/libvulkan.so.1", TENSORVK_VALIDATION="0")
    assert (done.returncode, done.stdout) == (0, "1 cpu (no Vulkan) cudaSuccess\n"), done.stderr


def test_verbose_prints_the_sentence() -> None:
    script = "from tensorvk import cudart\ncudart.cudaFree(4096)\n"
    assert "no device memory" in run_script(script, TENSORVK_VERBOSE="1").stderr
    assert run_script(script).stderr == ""


def test_device_is_chosen_by_the_environment() -> None:
    script = "from tensorvk import cudart\nprint(cudart.cudaMalloc(4)[0].name, cudart.cudaGetLastErrorMessage())\n"
    assert "cudaSuccess" in run_script(script, TENSORVK_DEVICE="0").stdout
    refused = run_script(script, TENSORVK_DEVICE="no such device").stdout
    assert "cudaErrorInvalidValue" in refused
    assert "TENSORVK_DEVICE" in refused and "0 = " in refused


def test_freed_pinned_memory_is_refused() -> None:
    freed, live = (checked(cudart.cudaHostAlloc(4096, 0)) for _ in range(2))
    freed, live = min(freed, live), max(freed, live)
    ctypes.memset(live, 0, 4096)
    checked(cudart.cudaFreeHost(freed))
    data = np.full(8192, 0xEE, np.uint8)
    for target in (freed, live - 8):
        assert cudart.cudaMemcpy(target, data, live + 16 - target, 0)[0] == cudaError_t.cudaErrorInvalidValue
        assert "freed" in cudart.cudaGetLastErrorMessage() or "pinned" in cudart.cudaGetLastErrorMessage()
    assert ctypes.string_at(live, 16) == bytes(16)
    checked(cudart.cudaFreeHost(live))


@pytest.mark.parametrize("address", [3.5, "4096"])
def test_an_address_is_a_whole_number(address: Any) -> None:
    with pytest.raises(TypeError, match="whole number"):
        cudart.cudaFree(address)
