"""The one table: a row per thing measured, with its aim beside it."""

from dataclasses import dataclass, field
from statistics import median


@dataclass
class Row:
    """Two figures of one run and their ratio, as text; empty where there is none."""

    work: str
    ours: str
    other: str = ""
    best: str = ""
    middle: str = ""
    aim: str = ""


_HEADINGS = Row("work", "ours", "other", "best/best", "median", "aim")


@dataclass
class Rounds:
    """Figures of two programs that were measured in turns."""

    ours: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)

    def note(self, ours: float, other: float) -> None:
        """Take the figures of one round."""
        self.ours.append(ours)
        self.other.append(other)

    def row(self, work: str, aim: str = "", *, unit: str = "tokens/s") -> Row:
        """Something per second: the highest against the highest, and the median round's ratio."""
        return self._row(
            work,
            aim,
            f"{max(self.ours):,.0f} {unit}",
            f"{max(self.other):,.0f} {unit}",
            max(self.ours) / max(self.other),
        )

    def time_row(self, work: str, aim: str = "") -> Row:
        """Seconds: the shortest against the shortest, and the median round's ratio."""
        ours, other = min(self.ours), min(self.other)
        return self._row(work, aim, f"{ours * 1e3:,.1f} ms", f"{other * 1e3:,.1f} ms", ours / other)

    def _row(self, work: str, aim: str, ours: str, other: str, best: float) -> Row:
        ratios = [a / b for a, b in zip(self.ours, self.other, strict=True)]
        return Row(work, ours, other, f"{best:.2f}", f"{median(ratios):.2f}", aim)


def render(rows: list[Row]) -> str:
    """Columns as wide as they need to be."""
    cells = [list(vars(row).values()) for row in [_HEADINGS, *rows]]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = [
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
