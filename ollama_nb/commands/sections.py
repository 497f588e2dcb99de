"""Facts under headings as a value: text in a terminal, HTML in a notebook. Knows no models."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from .plain import plain_line

_LEFT = "text-align: left"
_WIDTH = 100


@dataclass(frozen=True)
class Section:
    """A heading, and rows of one or more texts."""

    heading: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Sections:
    """Sections that show themselves; those without rows are left out."""

    sections: tuple[Section, ...]

    def __getitem__(self, heading: str) -> tuple[tuple[str, ...], ...]:
        """Return the rows under a heading."""
        return next(one.rows for one in self.sections if one.heading == heading)

    def __str__(self) -> str:
        return "\n\n".join(_text(one) for one in self._shown())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        shown = self._shown()
        width = max((len(row) for one in shown for row in one.rows), default=1)
        rows = "".join(_html(one, width) for one in shown)
        return f"<table><tbody>{rows}</tbody></table>"

    def _shown(self) -> Sequence[Section]:
        return [one for one in self.sections if one.rows]


def _text(section: Section) -> str:
    rows = [[_short(text) for text in row] for row in section.rows]
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
    lines = [
        "   ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]
    return "\n".join([section.heading, *(f"  {line}" for line in lines)])


def _html(section: Section, width: int) -> str:
    head = f'<tr><th colspan="{width}" style="{_LEFT}">{html.escape(section.heading)}</th></tr>'
    return head + "".join(
        "<tr>"
        + "".join(
            f'<td style="{_LEFT}"{_rest(row, i, width)}>{html.escape(_short(text))}</td>'
            for i, text in enumerate(row)
        )
        + "</tr>"
        for row in section.rows
    )


def _rest(row: tuple[str, ...], index: int, width: int) -> str:
    """Let the last cell of a short row fill the line."""
    missing = width - len(row)
    return f' colspan="{missing + 1}"' if missing and index == len(row) - 1 else ""


def _short(text: str) -> str:
    text = plain_line(text)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
