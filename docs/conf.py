"""Sphinx configuration: Markdown through MyST, nothing imported from the package."""

import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import operator_page

operator_page.write()

with (Path(__file__).parents[1] / "pyproject.toml").open("rb") as file:
    release = tomllib.load(file)["project"]["version"]

project = "TensorVK"
author = "the TensorVK authors"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "TensorRT's workflow on every Vulkan device", "page_width": "60rem"}
