"""How many threads a step gets while other programs want the cores too.

Threads wait for each other at the end of every operation, so one that another program has pushed
off its core holds up all of them: with two threads on two cores beside one busy process, 370
tokens/s became 66, where one thread kept 273 (engine notes, 3). No figure of the system tells this
as well as the steps themselves: from time to time a few are tried with fewer or more threads, and
at once when steps suddenly take twice as long. Pure; time is told with each step.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass

_SMOOTHING = 0.2
_TRIED = 3
"""Steps of a trial; the best of them counts, since the first pays for the change."""
_BETTER = 0.9
"""What is kept takes at most so much of the time."""
_NO_WORSE = 1.25
"""Half the threads of a quiet machine take longer than this; where they do not, a quarter may be
better still: it does not matter by how many there are too many.
"""
_SUDDEN = 2.0
_SUDDEN_STEPS = 3
_SOONEST_NS = 2_000_000_000
_LATEST_NS = 30_000_000_000


@dataclass
class _Trial:
    """Steps with another number of threads, of one kind of work."""

    level: int
    work: Hashable
    times: list[float]


class Governor:
    """Chooses among halvings of ``most`` threads by what steps of equal work take."""

    def __init__(self, most: int, *, fixed: bool = False) -> None:
        """Begin with all; stay with them if they are ``fixed``."""
        self.most = most
        self._levels = [most]
        while self._levels[-1] > 1 and not fixed:
            self._levels.append(self._levels[-1] // 2)
        self._level = 0
        self._usual: dict[Hashable, float] = {}
        """Nanoseconds a row, by kind of work, at the present level."""
        self._trial: _Trial | None = None
        self._upwards = False
        self._num_sudden = 0
        self._pause_ns = _SOONEST_NS
        self._next_ns = 0

    @property
    def threads(self) -> int:
        """For the next step."""
        return self._levels[self._trial.level if self._trial else self._level]

    def note(self, work: Hashable, row_ns: float, now_ns: int) -> None:
        """Learn what a row of a step took; ``work`` tells which steps can be compared."""
        if len(self._levels) == 1:
            return
        if self._trial:
            self._judge(self._trial, work, row_ns, now_ns)
            return
        usual = self._usual.get(work)
        if usual is None:
            self._usual[work] = row_ns
            self._next_ns = self._next_ns or now_ns + self._pause_ns
            return
        self._num_sudden = self._num_sudden + 1 if row_ns > _SUDDEN * usual else 0
        if self._num_sudden >= _SUDDEN_STEPS:
            self._usual[work] = row_ns
            self._try(work, upwards=False)
        elif now_ns >= self._next_ns:
            self._try(work, upwards=self._upwards)
        else:
            self._usual[work] = usual + _SMOOTHING * (row_ns - usual)

    def _try(self, work: Hashable, *, upwards: bool) -> None:
        """Begin a trial of the level beside this one; at an end there is one side only."""
        self._num_sudden = 0
        level = self._level - 1 if upwards else self._level + 1
        if not 0 <= level < len(self._levels):
            level = self._level + 1 if upwards else self._level - 1
        self._upwards = level > self._level  # the other way next time
        self._trial = _Trial(level, work, [])

    def _judge(self, trial: _Trial, work: Hashable, row_ns: float, now_ns: int) -> None:
        """Take a step of the trial; after the last one stay or go back."""
        if work == trial.work:
            trial.times.append(row_ns)
            if len(trial.times) < _TRIED:
                return
        self._trial = None
        ratio = min(trial.times, default=math.inf) / self._usual[trial.work]
        if ratio < _BETTER:
            self._level = trial.level
            self._usual = {trial.work: min(trial.times)}
            self._pause_ns = _SOONEST_NS
        elif ratio < _NO_WORSE and self._level < trial.level < len(self._levels) - 1:
            self._trial = _Trial(trial.level + 1, work, [])
        else:
            self._pause_ns = min(2 * self._pause_ns, _LATEST_NS)
        self._next_ns = now_ns + self._pause_ns


def kind_of_work(rows: int, depth: int) -> Hashable:
    """Which steps take about equally long a row: by powers of two of rows and cached tokens."""
    return rows.bit_length(), depth.bit_length()
