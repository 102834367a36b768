"""The README's program does what it says, on a small model with the shapes that it uses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tensorvk
from onnx import TensorProto, helper, numpy_helper
from tensorvk import doctor

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


def test_the_programs_of_the_readme_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    weights = np.random.default_rng(3).standard_normal((3, 1000)).astype(np.float32)
    save_classifier(tmp_path / "model.onnx", weights)
    (block,) = python_blocks((ROOT / "README.md").read_text())
    raising = tensorvk.raise_on_error()
    names: dict[str, Any] = {}
    program = compile(block, "README.md", "exec")
    try:
        exec(program, names)
        # Without its model, or with one whose result does not fit, the program must not end as if all were well.
        save_classifier(tmp_path / "model.onnx", np.hstack([weights, weights]))
        with pytest.raises(RuntimeError):
            exec(program, {})
        (tmp_path / "model.onnx").unlink()
        with pytest.raises(RuntimeError):
            exec(program, {})
    finally:
        tensorvk.set_raise_on_error(raising)
    assert capsys.readouterr().out.splitlines()[0] == str(weights.sum(axis=0).argmax())
    # The input is all ones, so each class gets the sum of its weights; three terms round by less than 1e-6 of them.
    np.testing.assert_allclose(names["y"], weights.sum(axis=0, keepdims=True), rtol=1e-6, atol=1e-6)


def test_files_that_the_readme_links_to_exist() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def variables_read_by(*folders: str) -> set[str]:
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in {".cpp", ".py"}]
    pattern = re.compile(r"(?:getenv\(|environ\.get\(|environ\[)\s*\"(TENSORVK_\w+)\"")
    return {name for path in files for name in pattern.findall(path.read_text())}


def test_the_manual_lists_the_environment_variables_and_no_others() -> None:
    listed = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
    assert listed == variables_read_by("cpp/src", "python", "bench", "tests")


def test_doctor_shows_the_librarys_environment_variables() -> None:
    assert variables_read_by("cpp/src") <= set(doctor.SETTINGS)
    assert "docs/settings.md" in doctor.report(doctor.gather())


def test_the_manual_lists_the_features_that_can_be_left_alone() -> None:
    source = "".join(path.read_text() for path in sorted((ROOT / "cpp/src/vulkan").rglob("*.cpp")))
    keys = re.findall(r'disables\("(\w+)"\)|take(?:_extension)?\(\s*"[^"]+",\s*"(\w+)"', source)
    (paragraph,) = re.findall(
        r"^`TENSORVK_DISABLE` knows.*?\n\n|^`TENSORVK_DISABLE` knows.*?\Z",
        (ROOT / "docs/settings.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    pairs = re.findall(r'either\("(\w+)", "(\w+)"\)', source)
    assert set(re.findall(r"`([a-z_0-9]+)`", paragraph)) == {key for found in keys + pairs for key in found if key}


def test_the_manual_lists_the_passes_in_their_order() -> None:
    table = (ROOT / "cpp/src/compiler/passes/passes.cpp").read_text().partition("all_passes()")[2].partition("};")[0]
    section = (ROOT / "docs/how_it_works.md").read_text().partition("## Passes")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)
    required = set(re.findall(r'\{"(\w+)", .*, true\}', table))
    assert [name for name, _ in listed] == re.findall(r'\{"(\w+)", ', table)
    assert {name for name, what in listed if "Every plan needs it" in what} == required != set()
