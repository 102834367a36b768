"""A process that runs one engine on one case: `python -m bench.gpu.worker DESCRIPTOR`, one end of a pipe.

Any interpreter with numpy and the engine will do. A GPU lowers its clock within a second or two of little work: an
engine warms up for a while when it is made, and each block begins with some inferences that do not count.
"""

from __future__ import annotations

import sys
import time
from multiprocessing.connection import Connection

import numpy as np

from bench.arrays import largest_error
from bench.processes import made_or_absent, peak_mb
from bench.results import Absent, Ready

from .cases import Case
from .engines import Engine, make
from .settings import Settings
from .timing import Block

WARM_UP_S = 1.0
LEAD_IN = 0.2  # share of a block


def main() -> None:
    with Connection(int(sys.argv[1])) as connection:
        name, case, settings, slice_s = connection.recv()
        serve(connection, name, case, settings, slice_s)


def serve(connection: Connection, name: str, case: Case, settings: Settings, slice_s: float) -> None:
    """Says Ready or Absent; then each message asks for one block, answered with a Block."""
    started = time.perf_counter()
    made = made_or_absent(lambda: first_result(name, make(name, case, settings), case))
    if isinstance(made, Absent):
        connection.send(made)
        return
    engine, error = made
    prepare_s = time.perf_counter() - started
    count = made_or_absent(lambda: max(1, round(1000 * slice_s / warm_up(engine, WARM_UP_S))))
    connection.send(count if isinstance(count, Absent) else Ready(error, prepare_s, peak_mb(), count))
    while not isinstance(count, Absent) and connection.recv():
        connection.send(made_or_absent(lambda: block(engine, count)))


def first_result(name: str, engine: Engine, case: Case) -> tuple[Engine, float]:
    """The engine, and its error. Its outputs are kept, to be compared with others'."""
    milliseconds(engine, 1)
    outputs = engine.outputs()
    kept = case.results(name)
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez(kept, **outputs)  # type: ignore[arg-type]
    return engine, largest_error(outputs, case.expected())


def warm_up(engine: Engine, seconds: float) -> float:
    """Milliseconds of the quickest inference of the last half."""
    times: list[float] = []
    until = time.perf_counter() + seconds
    while not times or time.perf_counter() < until:
        times.append(milliseconds(engine, 1))
    return min(times[len(times) // 2 :])


def block(engine: Engine, count: int) -> Block:
    for _ in range(int(np.ceil(LEAD_IN * count)) if count > 1 else 0):
        milliseconds(engine, 1)
    alone = float(np.median([milliseconds(engine, 1) for _ in range(count)]))
    return Block(alone, milliseconds(engine, count) / count)


def milliseconds(engine: Engine, count: int) -> float:
    """From the first call until the result of the last is there."""
    started = time.perf_counter()
    for _ in range(count):
        engine.start()
    engine.wait()
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
