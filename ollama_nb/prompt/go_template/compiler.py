"""Trees compiled to closures: actions, branches, loops and templates in templates.

A Perform returns None, or the jump that ends a loop's turn or the loop.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from .operands import Scope, compile_pipeline
from .parser import Trees
from .printing import sorted_keys, text_of
from .running import MAX_DEPTH, Evaluate, Run, Site
from .tree import Action, Call, If, Jump, Node, Nodes, Pipeline, Range, Text, With, last_word
from .values import Struct

Perform: TypeAlias = Callable[[Run, Any, list[Any]], str | None]
Bodies: TypeAlias = dict[str, tuple[Perform, int]]
"""Compiled templates by name, each with the number of its variables."""


def compile_trees(source: str, trees: Trees) -> Bodies:
    """Compile every template of a text."""
    bodies: Bodies = {}
    for name, nodes in trees.items():
        scope = Scope(source, name)
        body = _compile_nodes(nodes, scope, bodies)
        bodies[name] = body, scope.counter[0]
    return bodies


def _compile_nodes(nodes: Nodes, scope: Scope, bodies: Bodies) -> Perform:
    """A list of nodes, which costs as many steps as it has nodes."""
    steps: list[str | Perform] = [
        node.text if isinstance(node, Text) else _compile_node(node, scope, bodies)
        for node in nodes
    ]
    if len(steps) == 1 and isinstance(steps[0], str):
        return _writing(steps[0])
    cost = max(1, len(steps))
    length = sum(len(step) for step in steps if isinstance(step, str))

    def perform(run: Run, dot: Any, frame: list[Any]) -> str | None:
        run.fuel -= cost
        if run.fuel < 0:
            run.refuel()
        run.room -= length
        if run.room < 0:
            run.overflow()
        write = run.write
        for step in steps:
            if step.__class__ is str:
                write(step)
            elif (jump := step(run, dot, frame)) is not None:  # type: ignore[operator]
                return jump
        return None

    return perform


def _writing(text: str) -> Perform:
    """A list that is one text."""
    length = len(text)

    def perform(run: Run, _: Any, __: list[Any]) -> None:
        run.fuel -= 1
        if run.fuel < 0:
            run.refuel()
        run.room -= length
        if run.room < 0:
            run.overflow()
        run.write(text)

    return perform


def _compile_node(node: Node, scope: Scope, bodies: Bodies) -> Perform:
    match node:
        case Action(pipeline=pipeline):
            return _compile_action(pipeline, scope)
        case If():
            return _compile_if(node, scope, bodies)
        case With():
            return _compile_with(node, scope, bodies)
        case Range():
            return _compile_range(node, scope, bodies)
        case Call():
            return _compile_call(node, scope, bodies)
        case Jump(word=word):
            return lambda _, __, ___: word
    raise AssertionError("texts are no steps")


def _compile_action(pipeline: Pipeline, scope: Scope) -> Perform:
    evaluate = compile_pipeline(pipeline, scope)

    def keep(run: Run, dot: Any, frame: list[Any]) -> None:
        evaluate(run, dot, frame)

    def show(run: Run, dot: Any, frame: list[Any]) -> None:
        value = evaluate(run, dot, frame)
        text = value if value.__class__ is str else text_of(value)
        run.room -= len(text)
        if run.room < 0:
            run.overflow()
        run.write(text)

    return keep if pipeline.variables else show


def _compile_if(node: If, scope: Scope, bodies: Bodies) -> Perform:
    """A chain of ``else if`` becomes one list of arms."""
    arms: list[tuple[Evaluate, Perform]] = []
    inner = scope
    while True:
        inner = inner.inner()
        condition = compile_pipeline(node.pipeline, inner)
        arms.append((condition, _compile_nodes(node.body, inner.inner(), bodies)))
        rest = node.otherwise
        if rest is None or len(rest) != 1 or not isinstance(rest[0], If):
            break
        node = rest[0]
    otherwise = None if rest is None else _compile_nodes(rest, inner, bodies)
    return _choosing(arms, otherwise)


def _choosing(arms: list[tuple[Evaluate, Perform]], otherwise: Perform | None) -> Perform:
    def choose(run: Run, dot: Any, frame: list[Any]) -> str | None:
        for condition, body in arms:
            if condition(run, dot, frame):
                return body(run, dot, frame)
        return None if otherwise is None else otherwise(run, dot, frame)

    return choose


def _compile_with(node: With, scope: Scope, bodies: Bodies) -> Perform:
    inner = scope.inner()
    evaluate = compile_pipeline(node.pipeline, inner)
    body = _compile_nodes(node.body, inner.inner(in_range=False), bodies)
    otherwise = _compile_otherwise(node, inner, bodies)

    def perform(run: Run, dot: Any, frame: list[Any]) -> str | None:
        value = evaluate(run, dot, frame)
        if value:
            return body(run, value, frame)
        return None if otherwise is None else otherwise(run, dot, frame)

    return perform


def _compile_otherwise(node: With | Range, scope: Scope, bodies: Bodies) -> Perform | None:
    if node.otherwise is None:
        return None
    return _compile_nodes(node.otherwise, scope.inner(), bodies)


def _compile_range(node: Range, scope: Scope, bodies: Bodies) -> Perform:
    inner = scope.inner()
    evaluate = compile_pipeline(node.pipeline, inner)
    names = [variable.names[0] for variable in node.pipeline.variables]
    # A variable that does not exist fails when the pipeline is evaluated.
    slots = [inner.variables.get(name, 0) for name in names]
    inside = inner.inner(in_range=True)
    if slots and not node.pipeline.assigns:
        inside.elements |= {slots[-1]}
    body = _compile_nodes(node.body, inside, bodies)
    otherwise = _compile_otherwise(node, inner, bodies)
    site = scope.site(last_word(node.pipeline))
    element = slots[-1] if slots else None
    index = slots[0] if len(slots) > 1 else None

    def perform(run: Run, dot: Any, frame: list[Any]) -> str | None:
        value = evaluate(run, dot, frame)
        turns = _turns(run, value, site, index is not None)
        if not turns:
            # A break in here ends this range, not the one around it; so it is in Go.
            jump = None if otherwise is None else otherwise(run, dot, frame)
            return None if jump == "break" else jump
        for key, item in turns:
            if index is not None:
                frame[index] = key
            if element is not None:
                frame[element] = item
            if body(run, item, frame) == "break":
                break
        return None

    return perform


def _turns(run: Run, value: Any, site: Site, has_index: bool) -> Iterable[tuple[Any, Any]]:
    """Keys and elements of what a loop runs over; something false if there are none."""
    if isinstance(value, list):
        return enumerate(value) if value else ()
    if value is None:
        return ()
    if isinstance(value, dict):
        run.charge(len(value))
        return [(key, value[key]) for key in sorted_keys(value)]
    if type(value) is int:
        if has_index:
            raise site.error(f"can't use {value} to iterate over more than one variable")
        return ((None, number) for number in range(value)) if value > 0 else ()
    shown = f"<{value.type_name} Value>" if isinstance(value, Struct) else text_of(value)
    raise site.error(f"range can't iterate over {shown}")


def _compile_call(node: Call, scope: Scope, bodies: Bodies) -> Perform:
    evaluate = None if node.pipeline is None else compile_pipeline(node.pipeline, scope)
    site, name = scope.site(node), node.name

    def perform(run: Run, dot: Any, frame: list[Any]) -> None:
        if name not in bodies:
            raise site.error(f'template "{name}" not defined')
        if run.depth == MAX_DEPTH:
            raise site.error(f"exceeded maximum template depth ({MAX_DEPTH})")
        body, num_variables = bodies[name]
        value = None if evaluate is None else evaluate(run, dot, frame)
        run.depth += 1
        body(run, value, [value, *[None] * (num_variables - 1)])
        run.depth -= 1

    return perform
