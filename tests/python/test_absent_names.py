"""Names of TensorRT that are not here: still no attributes, and a sentence says what to do instead."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest
import tensorvk as trt
from tensorvk import absent

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(os.environ.get("TENSORVK_CONTRACT", ROOT.parent / "shared" / "contract" / "tensorrt_api_coverage.csv"))


def names_of_the_table() -> set[str]:
    """Of the module, and of classes, but for those inside of others."""
    if not TABLE.is_file():
        return set()
    with TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["member"] if row["class"] == "<module>" else row["class"].split(".")[0] for row in rows}


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("IInt8EntropyCalibrator2", "QuantizeLinear"),
        ("Refitter", "build again"),
        ("get_plugin_registry", "layers of the network"),
        ("IPluginV2DynamicExt", "plug-ins are not offered"),
        ("IAlgorithmSelector", "timing cache"),
        ("IGpuAllocator", "IOutputAllocator"),
        ("UffParser", "OnnxParser"),
    ],
)
def test_the_sentence_says_what_to_do_instead(name: str, advice: str) -> None:
    with pytest.raises(AttributeError, match=rf"^module 'tensorvk' has no attribute '{name}': .*{advice}.*\.$"):
        getattr(trt, name)


@pytest.mark.parametrize("name", sorted(absent.NAMES))
def test_they_are_no_attributes(name: str) -> None:
    """Programs ask hasattr(), and getattr() with a default; whoever adds one of them takes it off the list."""
    assert not hasattr(trt, name)
    assert getattr(trt, name, None) is None
    assert name not in trt.__all__
    assert name not in dir(trt)


def test_a_class_derived_from_one_of_them_says_so() -> None:
    with pytest.raises(AttributeError, match="calibration is not offered"):

        class Calibrator(trt.IInt8MinMaxCalibrator):
            pass


def test_other_names_are_as_in_any_module() -> None:
    with pytest.raises(AttributeError, match=r"^module 'tensorvk' has no attribute 'Bulider'$"):
        trt.Bulider  # noqa: B018


@pytest.mark.skipif(not names_of_the_table(), reason=f"the contract's table is not at {TABLE}")
def test_every_name_that_programs_use_is_there_or_has_a_sentence() -> None:
    missing = sorted(n for n in names_of_the_table() if not hasattr(trt, n) and n not in absent.NAMES)
    assert missing == []


def test_what_sentences_name_is_there() -> None:
    """Attributes of the package or of its classes; files of the repository."""
    classes = [value for value in vars(trt).values() if isinstance(value, type)]
    for reason in set(absent.NAMES.values()):
        for path in re.findall(r"docs/\w+\.md", reason):
            assert (ROOT / path).is_file()
        for token in re.findall(r"(?<![\w/.])(?:(?:config|engine|ITimingCache|OnnxParser)\.)?\w+", reason):
            name = token.split(".")[-1]
            if name != token or "_" in token or re.match("I[A-Z][a-z]", token):
                assert hasattr(trt, name) or any(hasattr(each, name) for each in classes), token
