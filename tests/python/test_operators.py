"""Every row of the operator table gives ONNX Runtime's result."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from engines import relative_error, run_once
from operator_table import TABLE, Row, make_inputs, make_model


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_operator_gives_the_result_of_onnx_runtime(row: Row) -> None:
    model = make_model(row).SerializeToString()
    feed = make_inputs(row)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    expected = dict(zip([output.name for output in session.get_outputs()], session.run(None, feed), strict=True))
    actual = run_once(model, feed, level=1)
    assert actual.keys() == expected.keys()
    for name, reference in expected.items():
        assert actual[name].dtype == reference.dtype
        if np.issubdtype(reference.dtype, np.integer):
            np.testing.assert_array_equal(actual[name], reference)
        else:
            assert relative_error(actual[name], reference) <= row.tolerance


def test_ids_are_unique() -> None:
    ids = [row.id for row in TABLE]
    assert len(ids) == len(set(ids))
