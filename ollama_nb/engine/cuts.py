"""Where a text is cut before llama.cpp tokenizes it: long ones end the process or take minutes.

Many models' patterns of words are handed to std::regex, which recurses for each character of a
word and runs out of stack at 27,000 of them; and for each control token in a text, the list of its
pieces is walked from the beginning. Ordinary texts are not cut. Pure.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

_LONGEST = 4096
"""Characters without white space, or of nothing else."""
_RUN = re.compile(rf"\S{{{_LONGEST}}}|\s{{{_LONGEST}}}")
_MOST_CONTROLS = 64


def control_pattern(controls: Sequence[str]) -> re.Pattern[str] | None:
    """Find control tokens in texts; None where there are none."""
    longest_first = sorted(controls, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if controls else None


def cut_text(text: str, controls: re.Pattern[str] | None) -> list[str]:
    """Pieces that can be tokenized one by one; no cut goes through a control token."""
    spans = [found.span() for found in controls.finditer(text)] if controls else []
    cuts = {end for _, end in spans[_MOST_CONTROLS - 1 :: _MOST_CONTROLS]}
    starts = [start for start, _ in spans]
    for found in _RUN.finditer(text):
        before = bisect_left(starts, found.end()) - 1
        inside = before >= 0 and spans[before][1] > found.end()
        cuts.add(spans[before][0] if inside else found.end())
    edges = [0, *sorted(cuts - {0, len(text)}), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]
