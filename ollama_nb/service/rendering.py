"""Which of a model's templates renders a prompt, and messages rendered by it (models, 5.8).

A TEMPLATE comes before the weights' own Jinja text; without either the messages stand alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ollama_nb.engine.host import Vocabulary
from ollama_nb.prompt.chat_data import Message
from ollama_nb.prompt.chat_template import ChatTemplate, Think, chat_template
from ollama_nb.prompt.jinja import render_jinja
from ollama_nb.prompt.shield import shield
from ollama_nb.prompt.thinking import CLOSE, OPEN
from ollama_nb.store import Model
from ollama_nb.wire import GenerateRequest


@dataclass(frozen=True)
class Renderer:
    """A model's way of writing chats. Made by ``renderer_for``."""

    vocabulary: Vocabulary
    template: ChatTemplate | None
    jinja: str
    """What is used where there is no template; may be empty."""
    think: Think
    knows_thinking: bool

    @property
    def thinking_tags(self) -> tuple[str, str]:
        """What the model writes around its thinking."""
        return (self.template and self.template.thinking_tags) or (OPEN, CLOSE)

    def chat(self, messages: Sequence[Message]) -> str:
        """Text of a chat, in which no message writes control tokens."""
        shielded = [
            Message(one.role, shield(one.content, self.vocabulary.controls)) for one in messages
        ]
        if self.template is not None:
            return self.template.render(shielded, think=self.think)
        if not self.jinja:
            return "\n\n".join(message.content for message in shielded)
        variables: dict[str, Any] = {
            "messages": [{"role": one.role, "content": one.content} for one in shielded],
            "add_generation_prompt": True,
            "bos_token": self.vocabulary.bos,
            "eos_token": self.vocabulary.eos,
        }
        if self.knows_thinking:
            variables |= {"enable_thinking": bool(self.think), "thinking": bool(self.think)}
        return render_jinja(self.jinja, variables)

    def gap(self, prompt: str, suffix: str) -> str | None:
        """Text that asks for what stands between; None if no template knows how to ask."""
        if self.template is None or "suffix" not in self.template.mentions:
            return None
        controls = self.vocabulary.controls
        before, after = shield(prompt, controls), shield(suffix, controls)
        return self.template.render_gap(before, after, think=self.think)


def renderer_for(
    request: GenerateRequest, model: Model, vocabulary: Vocabulary, *, think: bool
) -> Renderer:
    """Choose. Raises TemplateError for a template that does not parse."""
    knows_thinking = "thinking" in model.capabilities
    level = request.think if isinstance(request.think, str) else think
    return Renderer(
        vocabulary=vocabulary,
        template=_template(request, model),
        jinja=model.header.chat_template or "",
        think=level if knows_thinking or request.think is not None else None,
        knows_thinking=knows_thinking,
    )


def _template(request: GenerateRequest, model: Model) -> ChatTemplate | None:
    if request.template:
        return chat_template(request.template)
    if not model.template:
        return None
    found = chat_template(model.template)
    jinja = model.header.chat_template or ""
    if request.think and not found.can_think and OPEN in jinja and CLOSE in jinja:
        return None
    return found
