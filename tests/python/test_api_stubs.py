"""The type stub says what the extension module is: the same classes with the same members, no more and no less."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from tensorvk import _core

pytestmark = pytest.mark.once

STUB = ast.parse((Path(__file__).resolve().parents[2] / "python/tensorvk/_core.pyi").read_text())
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")}
OF_EVERY_CLASS = {"name", "value"}  # of enumerations: in the stub's base class


def stubbed(node: ast.ClassDef) -> set[str]:
    names = {
        entry.target.id
        for entry in node.body
        if isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name)
    }
    return names | {entry.name for entry in node.body if isinstance(entry, (ast.FunctionDef, ast.ClassDef))}


def public(names: Any) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def test_the_classes_are_those_of_the_module() -> None:
    assert set(CLASSES) == {name for name, value in vars(_core).items() if isinstance(value, type)}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_members_are_those_of_the_class(name: str) -> None:
    real = public(vars(getattr(_core, name)))
    if "__members__" in stubbed(CLASSES[name]):
        real -= OF_EVERY_CLASS
    assert public(stubbed(CLASSES[name])) == real
