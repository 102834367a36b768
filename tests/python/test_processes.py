"""Processes that fork, and processes that end while threads still work."""

from __future__ import annotations

import subprocess
import sys

import pytest

RELU = """
import os, sys, threading, time
import numpy as np
import tensorvk as trt
from tensorvk import cudart

class Logger(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)
    def log(self, severity, message):
        if severity <= trt.ILogger.ERROR:
            print(message, flush=True)

logger = Logger()

def build(width=4):
    builder = trt.Builder(logger)
    network = builder.create_network()
    layer = network.add_activation(network.add_input("x", trt.float32, (1, width)), trt.ActivationType.RELU)
    network.mark_output(layer.get_output(0))
    return builder.build_serialized_network(network, builder.create_builder_config())
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RELU + script]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


FORK = """
child = os.fork()
if child:
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert cudart.cudaDeviceSynchronize()[0] == 0 and build() is not None, "the parent goes on"
    sys.exit(code)
"""


def test_a_process_forked_after_the_first_use_gets_errors_at_once() -> None:
    done = run(
        "stream = cudart.cudaStreamCreate()[1]\n"
        "memory = cudart.cudaMalloc(64)[1]\n"
        "engine = trt.Runtime(logger).deserialize_cuda_engine(build())\n"
        "context = engine.create_execution_context()\n"
        "assert context.execute_v2([memory, memory + 32])\n" + FORK + "host = np.zeros(4, np.uint8)\n"
        "for call in [\n"
        "    cudart.cudaMalloc(10), cudart.cudaFree(memory), cudart.cudaMemset(memory, 0, 4),\n"
        "    cudart.cudaMemcpy(host, memory, 4, 2), cudart.cudaHostAlloc(4, 0), cudart.cudaStreamCreate(),\n"
        "    cudart.cudaStreamSynchronize(stream), cudart.cudaStreamDestroy(stream), cudart.cudaDeviceSynchronize(),\n"
        "    cudart.cudaGetDeviceCount(),\n"
        "]:\n"
        "    assert call[0] == cudart.cudaError_t.cudaErrorInitializationError, call\n"
        "assert 'forked' in cudart.cudaGetLastErrorMessage()\n"
        "for failed in [\n"
        "    build(), engine.create_execution_context(), context.execute_v2([memory, memory + 32]) or None,\n"
        "    context.execute_async_v3(int(stream)) or None,\n"
        "]:\n"
        "    assert failed is None\n"
        "    assert 'forked' in trt.last_error()\n"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "start it with the 'spawn' method" in done.stdout


def test_a_process_forked_before_the_first_use_works() -> None:
    done = run(FORK + "assert cudart.cudaMalloc(10)[0] == 0 and build() is not None\n")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("last", ["logger", "builder", "network", "parser"])
def test_a_process_ends_whatever_its_variables_hold(last: str) -> None:
    """Python destroys variables of modules when it is half gone, in an order of its own."""
    done = run(
        "logger_of_ours = logger\n"
        "logger = trt.Logger(trt.Logger.ERROR)\n"
        "builder = trt.Builder(logger)\n"
        "network = builder.create_network(0)\n"
        "parser = trt.OnnxParser(network, logger)\n"
        "ours = trt.OnnxParser(trt.Builder(logger_of_ours).create_network(0), logger_of_ours)\n"
        f"kept = {last}\n"
        f"del {last}\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "work",
    [
        "while True: build()",
        "while True: trt.Runtime(logger).deserialize_cuda_engine(b'no plan')",
        "while True: cudart.cudaDeviceSynchronize(); cudart.cudaFree(cudart.cudaMalloc(10)[1])",
    ],
    ids=["builds", "logs", "device"],
)
def test_a_process_may_end_while_a_daemon_thread_works(work: str) -> None:
    done = run(
        f"def work():\n    {work}\n"
        "build()\n"
        "for _ in range(3): threading.Thread(target=work, daemon=True).start()\n"
        "time.sleep(0.2)\n"
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr  # the threads worked until the end
