"""Benchmarks: `python -m bench` prints tables in Markdown and writes the same numbers as JSON."""
