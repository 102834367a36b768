"""The identity network of the TensorRT tutorials in its 8.x form: nothing but the two imports differs.

The script is kept as one text, because a user's script is what must work: old properties, binding indices, `cudart`
calls that are indexed for their value, no clean-up of objects. It runs in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORTS = """
import tensorvk as trt
from tensorvk import cudart
"""

SCRIPT = """
import numpy as np

logger = trt.Logger(trt.Logger.VERBOSE)
builder = trt.Builder(logger)
builder.max_batch_size = 16
builder.max_workspace_size = 1 << 30
network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
profile = builder.create_optimization_profile()
config = builder.create_builder_config()
config.max_workspace_size = 1 << 30
config.flags = 1 << int(trt.BuilderFlag.FP16)
cache = config.create_timing_cache(b"")
config.set_timing_cache(cache, False)
config.set_tactic_sources(1 << int(trt.TacticSource.CUBLAS) | 1 << int(trt.TacticSource.CUDNN))

inputTensor = network.add_input("inputT0", trt.float32, (-1, -1, -1))
profile.set_shape(inputTensor.name, (1, 1, 1), (3, 4, 5), (6, 8, 10))
config.add_optimization_profile(profile)
identityLayer = network.add_identity(inputTensor)
network.mark_output(identityLayer.get_output(0))

engineString = builder.build_serialized_network(network, config)
if engineString == None:
    raise SystemExit("Failed building engine!")
with open(PLAN, "wb") as f:
    f.write(engineString)

with open(PLAN, "rb") as f:
    engine = trt.Runtime(logger).deserialize_cuda_engine(f.read())
if engine == None:
    raise SystemExit("Failed loading engine!")
context = engine.create_execution_context()
context.set_binding_shape(0, [3, 4, 5])

nInput = np.sum([engine.binding_is_input(i) for i in range(engine.num_bindings)])
nOutput = engine.num_bindings - nInput
for i in range(engine.num_bindings):
    kind = "Input " if engine.binding_is_input(i) else "Output"
    print(f"Bind[{i}]:{kind}", engine.get_binding_dtype(i), engine.get_binding_shape(i), context.get_binding_shape(i))

data = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5)
bufferH = [np.ascontiguousarray(data.reshape(-1))]
for i in range(nInput, nInput + nOutput):
    bufferH.append(np.empty(context.get_binding_shape(i), dtype=trt.nptype(engine.get_binding_dtype(i))))
bufferD = []
for i in range(nInput + nOutput):
    bufferD.append(cudart.cudaMalloc(bufferH[i].nbytes)[1])

for i in range(nInput):
    cudart.cudaMemcpy(bufferD[i], bufferH[i].ctypes.data, bufferH[i].nbytes,
                      cudart.cudaMemcpyKind.cudaMemcpyHostToDevice)
context.execute_v2(bufferD)
for i in range(nInput, nInput + nOutput):
    cudart.cudaMemcpy(bufferH[i].ctypes.data, bufferD[i], bufferH[i].nbytes,
                      cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost)

print("inputH0 :", data.shape)
print("outputH0:", bufferH[-1].shape)
print("SAME" if np.array_equal(data, bufferH[-1]) else bufferH[-1])

for b in bufferD:
    cudart.cudaFree(b)
print("Succeeded running model!")
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    plan = tmp_path_factory.mktemp("identity") / "model.plan"
    text = f"PLAN = {str(plan)!r}{IMPORTS}{SCRIPT}"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_script_runs_to_its_end(printed: str) -> None:
    assert "Succeeded running model!" in printed


def test_the_output_is_the_input(printed: str) -> None:
    assert "outputH0: (3, 4, 5)" in printed
    assert "SAME" in printed


def test_bindings_print_as_in_tensorrt(printed: str) -> None:
    assert "Bind[0]:Input  DataType.FLOAT (-1, -1, -1) (3, 4, 5)" in printed
    assert "Bind[1]:Output DataType.FLOAT (-1, -1, -1) (3, 4, 5)" in printed
