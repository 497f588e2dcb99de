"""Which of a model's templates renders a prompt, and messages rendered by it (models, 5.8).

A TEMPLATE comes before the weights' own Jinja text; without either the messages stand alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ollama_nb.engine.host import Vocabulary
from ollama_nb.prompt.chat_data import Message, in_turns, joined, renamed, with_name
from ollama_nb.prompt.chat_template import ChatTemplate, Think, chat_template
from ollama_nb.prompt.jinja import RefusedByTemplate, render_jinja
from ollama_nb.prompt.parsers import AnswerFormat, answer_format
from ollama_nb.prompt.shield import shield, shield_all
from ollama_nb.prompt.thinking import CLOSE, OPEN
from ollama_nb.store import Model

Tools = Sequence[Mapping[str, Any]]
"""As on the wire."""


@dataclass(frozen=True)
class Renderer:
    """A model's way of writing chats. Made by ``renderer_for``."""

    vocabulary: Vocabulary
    template: ChatTemplate | None
    jinja: str
    """What is used where there is no template; may be empty."""
    format: AnswerFormat
    """How the answers are written."""
    think: Think
    knows_thinking: bool

    @property
    def thinks(self) -> bool:
        """Whether the answer shall begin with thinking."""
        return self.knows_thinking and bool(self.think)

    @property
    def thinking_tags(self) -> tuple[str, str]:
        """What the model writes around its thinking."""
        return self.format.thinking_tags or (OPEN, CLOSE)

    def chat(self, messages: Sequence[Message], tools: Tools = ()) -> str:
        """Text of a chat, in which neither messages nor tools write control tokens."""
        if names := self.format.names(tools):
            messages = [renamed(message, names) for message in messages]
            tools = [with_name(tool, names) for tool in tools]
        shielded = [self._shielded(message) for message in messages]
        offered = shield_all(list(tools), self.vocabulary.controls)
        if self.template is not None:
            return self.template.render(shielded, tools=offered, think=self.think)
        if not self.jinja:
            return "\n\n".join(message.content for message in shielded)
        try:
            return self._by_jinja(shielded, offered)
        except RefusedByTemplate:
            # Many templates take no two messages of one role in a row, as parts of one become.
            merged = in_turns(shielded, joined)
            if len(merged) == len(shielded):
                raise
            return self._by_jinja(merged, offered)

    def _by_jinja(self, messages: Iterable[Message], tools: Tools) -> str:
        variables: dict[str, Any] = {
            "messages": list(map(_variables, messages)),
            "add_generation_prompt": True,
            "bos_token": self.vocabulary.bos,
            "eos_token": self.vocabulary.eos,
        }
        if tools:
            variables["tools"] = tools
        if self.knows_thinking:
            variables |= {"enable_thinking": bool(self.think), "thinking": bool(self.think)}
            if isinstance(self.think, str):
                variables["reasoning_effort"] = "high" if self.think == "max" else self.think
        return render_jinja(self.jinja, variables)

    def gap(self, prompt: str, suffix: str) -> str | None:
        """Text that asks for what stands between; None if no template knows how to ask."""
        if self.template is None or "suffix" not in self.template.mentions:
            return None
        controls = self.vocabulary.controls
        before, after = shield(prompt, controls), shield(suffix, controls)
        return self.template.render_gap(before, after, think=self.think)

    def _shielded(self, message: Message) -> Message:
        """All of it: templates write roles and names as they write contents."""
        fields: dict[str, Any] = shield_all(vars(message), self.vocabulary.controls)
        return Message(**fields)


def renderer_for(
    model: Model, vocabulary: Vocabulary, *, template: str, think: Think, tools: bool
) -> Renderer:
    """Choose. Raises TemplateError for a template that does not parse.

    Of the request: its own ``template``, or an empty one; what it says of thinking; and whether it
    offers ``tools``.
    """
    jinja = model.header.chat_template or ""
    chosen = _template(template, model, jinja, thinks=bool(think), tools=tools)
    knows_thinking = "thinking" in model.capabilities
    if think is None and knows_thinking:
        think = True
    return Renderer(
        vocabulary=vocabulary,
        template=chosen,
        jinja=jinja,
        format=answer_format(model.config.parser, chosen, "" if chosen else jinja),
        think=think,
        knows_thinking=knows_thinking,
    )


def _template(
    own: str, model: Model, jinja: str, *, thinks: bool, tools: bool
) -> ChatTemplate | None:
    """The request's, else the model's.

    Where the request wants thinking or brings tools, and the model's TEMPLATE does not know how,
    the weights' Jinja text takes its place if that does.
    """
    if own:
        return chat_template(own)
    if not model.template:
        return None
    found = chat_template(model.template)
    if thinks and not found.can_think and OPEN in jinja and CLOSE in jinja:
        return None
    if tools and "tools" not in found.mentions and "tools" in jinja:
        return None
    return found


def _variables(message: Message) -> dict[str, Any]:
    """A message as Jinja templates expect it; what is empty is left out."""
    optional = {
        "thinking": message.thinking,
        "reasoning_content": message.thinking,
        "tool_calls": [{"type": "function", **call} for call in message.tool_calls],
        "name": message.tool_name,
        "tool_call_id": message.tool_call_id,
    }
    written = {key: value for key, value in optional.items() if value}
    return {"role": message.role, "content": message.content, **written}
