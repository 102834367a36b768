"""`tensorvk VERB` and `python -m tensorvk VERB`."""

from __future__ import annotations

import sys
from collections.abc import Callable


def _doctor(arguments: list[str]) -> int:
    from . import doctor

    return doctor.main(arguments)


def _demo(arguments: list[str]) -> int:
    from .demo import __main__ as demo

    sys.argv = ["tensorvk demo", *arguments]
    return demo.main()


VERBS: dict[str, tuple[Callable[[list[str]], int], str]] = {
    "doctor": (_doctor, "what Vulkan offers on this machine, and what TensorVK uses of it"),
    "demo": (_demo, "segments brain slices, with timings and pictures"),
}


def usage() -> str:
    lines = ["usage: tensorvk VERB [options]", ""]
    lines += [f"  {verb:8} {text}" for verb, (_, text) in VERBS.items()]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Runs one verb; 2 for an unknown one."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in ("-h", "--help"):
        print(usage())
        return 0 if words else 2
    if words[0] not in VERBS:
        print(f"tensorvk: there is no verb {words[0]!r}\n{usage()}", file=sys.stderr)
        return 2
    return VERBS[words[0]][0](words[1:])


if __name__ == "__main__":
    sys.exit(main())
