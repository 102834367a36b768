"""The README's program does what it says, on a small model with the shapes that it uses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]


def python_blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def save_classifier(path: Path, weights: np.ndarray[Any, Any]) -> None:
    """Averages an image's channels over its area, then a linear layer."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["features"]),
        helper.make_node("Gemm", ["features", "w"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 224, 224])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, weights.shape[1]])
    graph = helper.make_graph(nodes, "classifier", [x], [y], [numpy_helper.from_array(weights, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def test_the_programs_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    weights = np.random.default_rng(3).standard_normal((3, 1000)).astype(np.float32)
    save_classifier(tmp_path / "model.onnx", weights)
    (block,) = python_blocks((ROOT / "README.md").read_text())
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    # The input is all ones, so each class gets the sum of its weights; three terms round by less than 1e-6 of them.
    np.testing.assert_allclose(names["y"], weights.sum(axis=0, keepdims=True), rtol=1e-6, atol=1e-6)


def test_files_that_the_readme_links_to_exist() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
