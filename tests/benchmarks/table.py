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
    """Figures of two programs that were measured in turns; higher is better."""

    ours: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)

    def row(self, work: str, aim: str, unit: str = "tokens/s") -> Row:
        """Best against best, and the median of the ratios of each round."""
        ratios = [a / b for a, b in zip(self.ours, self.other, strict=True)]
        return Row(
            work,
            f"{max(self.ours):,.0f} {unit}",
            f"{max(self.other):,.0f} {unit}",
            f"{max(self.ours) / max(self.other):.2f}",
            f"{median(ratios):.2f}",
            aim,
        )


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
