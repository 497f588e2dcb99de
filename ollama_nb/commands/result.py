"""What a generation came to: the text, how it ended, what it cost; and how a notebook shows it.

Plain values. Knows no stream and no front end.
"""

import html
from dataclasses import dataclass
from typing import Any

from ollama_nb.wire import GenerateResponse

from .human import human_rate, human_seconds
from .markdown import safe_markdown
from .table import Table

_SECOND = 1_000_000_000
_ENDINGS = {
    "interrupted": "interrupted",
    "length": "stopped at the token limit",
    "load": "loaded",
    "unload": "unloaded",
}


@dataclass(frozen=True, kw_only=True)
class Stats:
    """Counts in tokens, durations in seconds."""

    prompt_tokens: int = 0
    reused_tokens: int = 0
    """Of the prompt, those that were still in the cache."""
    answer_tokens: int = 0
    total_seconds: float = 0.0
    load_seconds: float = 0.0
    prompt_seconds: float = 0.0
    answer_seconds: float = 0.0
    tokens_per_second: float = 0.0
    """Answer tokens per second of decoding."""
    done_reason: str = ""
    """``stop``, ``length`` or ``interrupted``; ``load`` or ``unload`` for an empty prompt."""

    @classmethod
    def of(cls, last: GenerateResponse, done_reason: str, reused_tokens: int) -> "Stats":
        """Read the last chunk of an answer."""
        seconds = last.eval_duration / _SECOND
        return cls(
            prompt_tokens=last.prompt_eval_count,
            reused_tokens=reused_tokens,
            answer_tokens=last.eval_count,
            total_seconds=last.total_duration / _SECOND,
            load_seconds=last.load_duration / _SECOND,
            prompt_seconds=last.prompt_eval_duration / _SECOND,
            answer_seconds=seconds,
            tokens_per_second=last.eval_count / seconds if seconds else 0.0,
            done_reason=done_reason,
        )

    def table(self) -> Table:
        """Everything measured, one line each."""
        rate = f"{human_rate(self.tokens_per_second)} tokens/s"
        rows = (
            ("total", "", human_seconds(self.total_seconds), ""),
            ("load", "", human_seconds(self.load_seconds), ""),
            ("prompt", str(self.prompt_tokens), human_seconds(self.prompt_seconds), self._rate()),
            ("  from the cache", str(self.reused_tokens), "", ""),
            ("answer", str(self.answer_tokens), human_seconds(self.answer_seconds), rate),
        )
        return Table(("", "TOKENS", "TIME", "RATE"), rows, empty="")

    def _rate(self) -> str:
        if not self.prompt_seconds:
            return ""
        evaluated = self.prompt_tokens - self.reused_tokens
        return f"{human_rate(evaluated / self.prompt_seconds)} tokens/s"


@dataclass(frozen=True, repr=False)
class Result:
    """An answer. ``str(result)`` is its text."""

    model: str
    text: str
    thinking: str
    stats: Stats
    rates: bool = True
    """Whether displays mention the speed, which no two runs share."""

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        """Name what cannot change from run to run, for notebooks that are compared."""
        return (
            f"<Result of {self.model}: {self.stats.answer_tokens} tokens, {self.stats.done_reason}>"
        )

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped it, so that ``text`` is only its beginning."""
        return self.stats.done_reason == "interrupted"

    def line(self) -> str:
        """``guide · 23 prompt + 41 answer tokens · 812 tokens/s``, on one discreet line."""
        stats = self.stats
        parts = [self.model]
        if stats.done_reason in _ENDINGS:
            parts.append(_ENDINGS[stats.done_reason])
        if stats.prompt_tokens or stats.answer_tokens:
            parts.append(f"{stats.prompt_tokens} prompt + {stats.answer_tokens} answer tokens")
        if self.rates and stats.tokens_per_second:
            parts.append(f"{human_rate(stats.tokens_per_second)} tokens/s")
        return " · ".join(parts)

    def bundle(self) -> dict[str, str]:
        """Return the answer as text/plain and text/markdown, the line below it."""
        note = "(interrupted)" if self.interrupted else ""
        return answer_bundle(self.text, thinking=self.thinking, note=note, line=self.line())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self.bundle()


def answer_bundle(
    text: str,
    *,
    thinking: str = "",
    note: str = "",
    line: str = "",
    thinking_now: bool = False,
) -> dict[str, str]:
    """Show an answer, or what there is of it: thinking folded away above, one grey line below."""
    plain, markdown = [], []
    if thinking.strip():
        plain.append(f"Thinking...\n{thinking.strip()}\n...done thinking.")
        markdown.append(_details(thinking.strip(), unfolded=thinking_now))
    if text.strip():
        plain.append(text.rstrip())
        markdown.append(safe_markdown(text.rstrip()))
    if note:
        plain.append(note)
        markdown.append(f"*{note}*")
    if line:
        plain.append(line)
        markdown.append(f'<small style="color: #767676">{html.escape(line)}</small>')
    return {"text/plain": "\n\n".join(plain), "text/markdown": "\n\n".join(markdown)}


def _details(thinking: str, *, unfolded: bool) -> str:
    """Fold the thinking. Its Markdown is not rendered: it is escaped text."""
    attribute = " open" if unfolded else ""
    paragraphs = html.escape(thinking).replace("\n", "<br>")
    return f"<details{attribute}><summary><em>Thinking</em></summary>{paragraphs}</details>"
