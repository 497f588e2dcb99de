"""How fast steps go: how many prompt rows fit into one, and how many threads it gets."""

import time

from .batching import PromptPace
from .governor import Governor, kind_of_work
from .spec import LoadSpec


class Tempo:
    """What the steps of one model have taught."""

    def __init__(self, spec: LoadSpec) -> None:
        """Know nothing yet."""
        self._pace = PromptPace(spec.step_ns)
        self._most = spec.threads
        self._governors = [Governor(most, fixed=spec.threads_fixed) for most in spec.threads]
        """Of steps that only generate, of steps with prompts."""

    @property
    def rows(self) -> int:
        """How many rows other work may take while answers are under way."""
        return self._pace.rows

    def threads(self, num_prompt_rows: int, *, exact: bool) -> int:
        """For the next step. An ``exact`` one always gets the same number.

        With another, llama.cpp's attention adds its numbers in another order.
        """
        prompts = num_prompt_rows > 0
        return self._most[prompts] if exact else self._governors[prompts].threads

    def note(self, rows: tuple[int, int], depth: int, spent_ns: int, *, exact: bool) -> None:
        """Learn from a step of so many (rows, of prompts) over so many cached tokens."""
        num_rows, num_prompt_rows = rows
        if 2 * num_prompt_rows > num_rows:
            self._pace.note(num_rows, spent_ns)
        if not exact:  # that one had a number of threads of its own
            governor = self._governors[num_prompt_rows > 0]
            work = kind_of_work(num_rows, depth)
            governor.note(work, spent_ns / num_rows, time.perf_counter_ns())
