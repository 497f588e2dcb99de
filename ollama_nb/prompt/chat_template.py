"""Chats and gaps rendered by a model's Go template (reference: models, 5.3 to 5.5).

Templates are of two styles: newer ones run over ``.Messages``, older ones know one turn and are
rendered turn by turn. Knows no tokens; what does not fit is left out by who calls.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from .chat_data import Message, clean, in_turns, message_value, tools_value
from .go_template import Run, Template, parse_template, within_stack
from .go_template.analysis import cut_after, mentioned, texts_around
from .go_template.tree import Action, Command, Field, Pipeline

Think = bool | str | None
"""As in a request: a level also says yes; None: not said."""


@dataclass(frozen=True)
class ChatTemplate:
    """A template and what it can do. Made by ``chat_template``."""

    template: Template
    mentions: frozenset[str]
    """Names of fields and variables in small letters."""

    @cached_property
    def thinking_tags(self) -> tuple[str, str] | None:
        """The texts that it puts around thinking, if it shows any. Raises TemplateError."""
        with within_stack():
            return texts_around(self.template, "Thinking", inside="Messages")

    @property
    def can_think(self) -> bool:
        """Whether it shows thinking, or is told whether there shall be any."""
        return self.thinking_tags is not None or bool(self.mentions & {"think", "thinklevel"})

    @cached_property
    def capabilities(self) -> tuple[str, ...]:
        """What it gives to a model."""
        found = {
            "tools": "tools" in self.mentions,
            "insert": "suffix" in self.mentions,
            "thinking": self.thinking_tags is not None,
        }
        return tuple(name for name, is_there in found.items() if is_there)

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        think: Think = None,
    ) -> str:
        """A chat that the model shall continue. Raises TemplateError."""
        merged, system = _collate(messages)
        values = _thinking_values(think)
        if "messages" not in self.mentions:
            return self._render_turns(merged, values)
        values |= {
            "System": clean(system),
            "Messages": list(map(message_value, merged)),
            "Tools": tools_value(tools),
            "Response": "",
        }
        return self.template.render(values)

    def render_gap(self, prompt: str, suffix: str, *, think: Think = None) -> str:
        """What stands before and after the text that the model shall write."""
        gap = {"Prompt": clean(prompt), "Suffix": clean(suffix), "Response": ""}
        return self.template.render(_thinking_values(think) | gap)

    def _render_turns(self, messages: Iterable[Message], values: dict[str, Any]) -> str:
        """Render whenever a turn is complete, and what is left up to where an answer begins."""
        run = Run()
        turn = dict.fromkeys(("System", "Prompt", "Response"), "")
        rendered: list[str] = []
        for message in messages:
            name = _TURN_NAMES.get(message.role)
            if name is None:
                continue
            if any(turn[later] for later in _LATER[name]):
                rendered.append(self.template.render(values | turn, run))
                turn = dict.fromkeys(turn, "")
            turn[name] = clean(message.content)
        rendered.append(self._up_to_answer.render(values | turn, run))
        return "".join(rendered)

    @cached_property
    def _up_to_answer(self) -> Template:
        with within_stack():
            return self.template.with_root(cut_after(self.template.root, "Response"))


_TURN_NAMES = {"system": "System", "user": "Prompt", "assistant": "Response"}
_LATER = {"System": ("Prompt", "Response"), "Prompt": ("Response",), "Response": ()}
"""What ends the turn before, where it is set already."""


@lru_cache(maxsize=128)
def chat_template(source: str) -> ChatTemplate:
    """Parse a template, once for each text. Raises TemplateError."""
    template = parse_template(source)
    with within_stack():
        mentions = mentioned(template)
    if not mentions & {"messages", "response"}:
        end = len(source)
        answer = Command(end, (Field(end, ("Response",)),))
        action = Action(end, Pipeline(end, (), False, (answer,)))
        template = template.with_root((*template.root, action))
    return ChatTemplate(template, mentions)


def _collate(messages: Sequence[Message]) -> tuple[list[Message], str]:
    """Merge neighbours of equal role as Ollama does (models, 5.4); and all that the system said."""
    system = [message.content for message in messages if message.role == "system"]
    return in_turns(messages, _joined_contents), "\n\n".join(system)


def _joined_contents(one: Message, other: Message) -> Message:
    return replace(one, content=f"{one.content}\n\n{other.content}")


def _thinking_values(think: Think) -> dict[str, Any]:
    return {
        "Think": bool(think),
        "ThinkLevel": think if isinstance(think, str) else "",
        "IsThinkSet": think is not None,
    }
