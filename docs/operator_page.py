"""Writes operators.md, the page of supported operators, from the table that drives their tests."""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
HEADER = """# Supported operators

Operators of ONNX's default domain. Each line sums up rows of the operator table, `tests/python/operator_table.py`:
every row is one test against ONNX Runtime (or ONNX's own evaluator) on shapes that are multiples of nothing, and ONNX's
node tests run besides (`tests/python/test_conformance.py` lists what they find missing, with the reason). In Python,
`parser.supports_operator("Name")` answers for a build, and `parser.supports_model_v2` for a model, with every node
that is in the way.

| operator | element types | operator sets | extents known only at run time | tests | forms beside the plain one |
|---|---|---|---|---|---|
"""
MICROSOFT = """
## Of ONNX Runtime's domain com.microsoft

What its optimizers and quantizers write is offered too; `tests/python/test_microsoft_operators.py` holds the cases.
"""


def line(op: str, rows: list[Any]) -> str:
    types = ", ".join(sorted({row.dtype.__name__.rstrip("_") for row in rows}))
    opsets = ", ".join(str(n) for n in sorted({row.opset for row in rows}))
    dynamic = "yes" if any(row.dynamic for row in rows) else ""
    notes = ", ".join(dict.fromkeys(row.note.replace("_", " ") for row in rows if row.note))
    return f"| {op} | {types} | {opsets} | {dynamic} | {len(rows)} | {notes} |"


def write() -> None:
    sys.path.insert(0, str(DOCS.parent / "tests" / "python"))
    from operator_table import DYNAMIC, ELSEWHERE, TABLE  # numpy and onnx are among the manual's requirements for it

    by_operator = defaultdict(list)
    for row in [*TABLE, *DYNAMIC]:
        by_operator[row.op].append(row)
    tables = [line(op, rows) for op, rows in sorted(by_operator.items())]
    others = [f"| {op} | {reason} |" for op, reason in sorted(ELSEWHERE.items())]
    page = HEADER + "\n".join(tables) + "\n\n## Tested in another way\n\n| operator | why, and where |\n|---|---|\n"
    (DOCS / "operators.md").write_text(page + "\n".join(others) + "\n" + MICROSOFT, encoding="utf-8")
