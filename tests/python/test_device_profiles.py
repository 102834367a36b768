"""Plans belong to the device that they were built for, and a device that plays a weaker one is another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
import numpy as np
import onnx
from onnx import helper
from engines import CollectingLogger, build_plan, infer
import tensorvk as trt

plan = sys.argv[1]
if sys.argv[2] == "build":
    tensors = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [3, 17]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Softmax", ["x"], ["y"])], "softmax", tensors[:1], tensors[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    open(plan, "wb").write(build_plan(model.SerializeToString(), fp16=True))
else:
    logger = CollectingLogger()
    engine = trt.Runtime(logger).deserialize_cuda_engine(open(plan, "rb").read())
    x = np.linspace(-2, 2, 51, dtype=np.float32).reshape(3, 17)
    expected = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    print("error", np.abs(infer(engine.create_execution_context(), {"x": x})["y"] - expected).max())
    print("\\n".join(message for _, message in logger.messages))
"""


def run(plan: Path, what: str, profile: str) -> str:
    environment = {
        **os.environ,
        "TENSORVK_DISABLE": "host_kernels",  # whose functions serve every device
        "TENSORVK_DEVICE_PROFILE": profile,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    command = [sys.executable, "-c", SCRIPT, str(plan), what]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif("vulkan" in os.environ.get("TENSORVK_DISABLE", ""), reason="profiles are of Vulkan devices")
def test_a_plan_of_the_whole_device_runs_on_generic_kernels_of_the_weaker_one(tmp_path: Path) -> None:
    plan = tmp_path / "softmax.plan"
    run(plan, "build", "")
    own, weaker = run(plan, "run", ""), run(plan, "run", "bare")
    assert "holds no section" not in own, "it is tuned for this one"
    assert " as bare" in weaker and "running untuned on generic kernels" in weaker
    for printed, allowed in ((own, 2e-3), (weaker, 1e-6)):  # float16 there, float32 here
        assert float(printed.split()[1]) <= allowed
