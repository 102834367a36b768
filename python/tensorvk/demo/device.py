"""Calls of `cudart` with exceptions instead of error codes."""

from __future__ import annotations

from typing import Any

from tensorvk import cudart


def check(result: tuple[Any, ...]) -> Any:
    """The value of a cudart call. Raises RuntimeError with one sentence if the call failed."""
    error, *values = result
    if error != cudart.cudaError_t.cudaSuccess:
        raise RuntimeError(cudart.cudaGetLastErrorMessage() or cudart.cudaGetErrorString(error)[1].decode())
    return values[0] if values else None


def device_name() -> str:
    """Name of the device in use. Raises RuntimeError with the cause when there is none."""
    properties = check(cudart.cudaGetDeviceProperties(check(cudart.cudaGetDevice())))
    return str(properties.name.decode())
