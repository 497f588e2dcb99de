"""How many threads llama.cpp may use, from the cores that this process may really use."""

import math
import os
from pathlib import Path

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def thread_counts(requested: int) -> tuple[int, int]:
    """Threads for (single tokens, prompts); ``requested`` (num_thread) sets both if positive.

    Generation leaves one core free: its barriers wait for descheduled threads, and with one other
    busy process two threads on two cores fell from 370 to 66 tokens/s (engine notes, section 3).
    """
    cores = usable_cores()
    if requested > 0:
        count = min(requested, 4 * (os.cpu_count() or 1))
        return count, count
    return max(1, cores - 1), cores


def usable_cores() -> int:
    """Cores after affinity and the container's quota, at least one."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min(cores, _quota(_CGROUP_QUOTA)))


def _quota(path: Path) -> int:
    """Whole cores of a cgroup v2 ``cpu.max`` file; a very large number where there is no limit."""
    try:
        limit, period = path.read_text().split()
        return math.ceil(int(limit) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return 1 << 16
