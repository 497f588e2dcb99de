"""A small table as a value: text in a terminal, HTML in a notebook. Knows nothing of models."""

import html
from collections.abc import Iterator
from dataclasses import dataclass

from .plain import plain, plain_line

_CELL = "text-align: left"


@dataclass(frozen=True)
class Table:
    """Headings and rows of text; ``empty`` is shown when there are no rows."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, str]]:
        """Yield each row as a mapping from heading to text."""
        for row in self.rows:
            yield dict(zip(self.headings, row, strict=True))

    def __str__(self) -> str:
        if not self.rows:
            return self.empty
        lines = [self.headings, *(tuple(map(plain_line, row)) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "   ".join(
                f"{text:<{width}}" for text, width in zip(line, widths, strict=True)
            ).rstrip()
            for line in lines
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<em>{html.escape(self.empty)}</em>"
        head = "".join(f'<th style="{_CELL}">{html.escape(text)}</th>' for text in self.headings)
        body = "".join(
            "<tr>"
            + "".join(f'<td style="{_CELL}">{html.escape(text)}</td>' for text in row)
            + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


@dataclass(frozen=True)
class Message:
    """A text to show, such as the one line of a verb that has nothing else to say."""

    text: str

    def __str__(self) -> str:
        return plain(self.text)

    def __repr__(self) -> str:
        return str(self)
