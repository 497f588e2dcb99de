"""What a template mentions, and pieces of one: questions to the syntax tree."""

from collections.abc import Iterator

from .errors import TemplateError
from .template import Template
from .tree import (
    Action,
    Call,
    Command,
    Field,
    If,
    Node,
    Nodes,
    Pipeline,
    Range,
    Text,
    Variable,
    With,
    operands,
    pipelines,
)

_Found = tuple[str, str]


def mentioned(template: Template) -> frozenset[str]:
    """The names of all fields and variables in small letters, also of its other templates.

    Raises TemplateError for a call without a value, which Go allows and Ollama refuses.
    """
    names: set[str] = set()
    for nodes in template.trees.values():
        if any(isinstance(node, Call) and node.pipeline is None for node in walk(nodes)):
            raise TemplateError("undefined template specified")
        for pipeline in pipelines(nodes):
            for operand in operands(pipeline):
                if isinstance(operand, Field | Variable):
                    names.update(name.lower() for name in operand.names)
    return frozenset(names)


def walk(nodes: Nodes) -> Iterator[Node]:
    """Every node in the order of the text, a branch before what it holds."""
    pending = list(reversed(nodes))
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, If | With | Range):
            pending.extend(reversed(node.otherwise or ()))
            pending.extend(reversed(node.body))


def cut_after(nodes: Nodes, name: str) -> Nodes:
    """Drop all that follows the first field of this name; conditions are not looked at."""
    return _cut(nodes, name)[0]


def _cut(nodes: Nodes, name: str) -> tuple[Nodes, bool]:
    """What is kept, and whether the cut was made."""
    kept: list[Node] = []
    for node in nodes:
        is_cut = False
        if isinstance(node, If | With | Range):
            node, is_cut = _cut_branch(node, name)
        elif isinstance(node, Action):
            pipeline, is_cut = _cut_pipeline(node.pipeline, name)
            node = Action(node.position, pipeline)
        kept.append(node)
        if is_cut:
            return tuple(kept), True
    return tuple(kept), False


def _cut_branch(node: If | With | Range, name: str) -> tuple[Node, bool]:
    body, is_cut = _cut(node.body, name)
    otherwise = node.otherwise
    if is_cut:
        otherwise = None
    elif otherwise is not None:
        otherwise, is_cut = _cut(otherwise, name)
    return type(node)(node.position, node.pipeline, body, otherwise), is_cut


def _cut_pipeline(pipeline: Pipeline, name: str) -> tuple[Pipeline, bool]:
    commands: list[Command] = []
    for command in pipeline.commands:
        for number, word in enumerate(command.words, 1):
            found = isinstance(word, Field) and name in word.names
            if isinstance(word, Pipeline):
                word, found = _cut_pipeline(word, name)
            if found:
                words = (*command.words[: number - 1], word)
                commands.append(Command(command.position, words))
                kept = Pipeline(
                    pipeline.position, pipeline.variables, pipeline.assigns, tuple(commands)
                )
                return kept, True
        commands.append(command)
    return pipeline, False


def texts_around(template: Template, name: str, *, inside: str) -> _Found | None:
    """The texts before and after a field, trimmed, in a loop over ``inside``.

    They are the first and the last of the nodes that the field stands among; the last place that
    has one of them tells. None if there are not both.
    """
    opening = closing = ""
    for nodes in template.trees.values():
        for found in _around(nodes, name, inside, in_loop=False):
            opening, closing = found[0] or opening, found[1] or closing
    return (opening, closing) if opening and closing else None


def _around(nodes: Nodes, name: str, inside: str, *, in_loop: bool) -> Iterator[_Found]:
    for node in nodes:
        if isinstance(node, Action | If | With | Range | Call) and node.pipeline is not None:
            loops = isinstance(node, Range) and _begins_with(node.pipeline, inside)
            among = loops if isinstance(node, Range) else in_loop
            if among and _begins_with(node.pipeline, name):
                yield _outer_text(nodes[0]), _outer_text(nodes[-1])
            if isinstance(node, If | With | Range):
                yield from _around(node.body, name, inside, in_loop=among)
                yield from _around(node.otherwise or (), name, inside, in_loop=among)


def _begins_with(pipeline: Pipeline, name: str) -> bool:
    return any(
        isinstance(operand, Field) and operand.names[0] == name for operand in operands(pipeline)
    )


def _outer_text(node: Node) -> str:
    return node.text.strip() if isinstance(node, Text) else ""


def text_of_call(template: Template) -> str:
    """The text that begins the first of a message's calls; empty if a template writes none.

    It stands in the first branch that asks for a field ToolCalls (models, 6.1).
    """
    for node in walk(template.root):
        if isinstance(node, If) and _asks_for(node.pipeline, "ToolCalls"):
            return (_first_text(node.body) or "").lstrip()
    return ""


def _asks_for(pipeline: Pipeline, name: str) -> bool:
    """Whether the field is a word of it; those in parentheses do not count."""
    words = (word for command in pipeline.commands for word in command.words)
    return any(isinstance(word, Field) and name in word.names for word in words)


def _first_text(nodes: Nodes) -> str | None:
    """The first text that is not only white space, none if an action comes first."""
    for node in nodes:
        if isinstance(node, Action):
            return None
        text = node.text if isinstance(node, Text) else None
        if isinstance(node, If | With | Range):
            text = _first_text(node.body)
        if text and text.strip():
            return text
    return None
