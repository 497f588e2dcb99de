"""A parsed template, ready to be looked at and to be rendered."""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from .compiler import Bodies, compile_trees
from .errors import TemplateError, within_stack
from .functions import FUNCTIONS
from .literals import as_bytes
from .parser import Trees, parse
from .running import Run
from .tree import Nodes


class Template:
    """``trees`` are its named parts, ``root`` the nameless one. May be rendered by many threads."""

    def __init__(self, source: str, trees: Trees) -> None:
        self.source = source
        self.trees = trees

    @property
    def root(self) -> Nodes:
        """The text itself, without what it defines."""
        return self.trees[""]

    def with_root(self, nodes: Nodes) -> "Template":
        """The same parts under another root, whose nodes keep their places in the source."""
        return Template(self.source, {**self.trees, "": nodes})

    @cached_property
    def _bodies(self) -> Bodies:
        return compile_trees(self.source, self.trees)

    def render(self, data: Mapping[str, Any], run: Run | None = None) -> str:
        """Run it with ``data`` as the cursor. Raises TemplateError.

        Renderings with the same ``run`` share what one may take.
        """
        run = Run() if run is None else run
        try:  # within_stack would cost as much as a short turn
            body, num_variables = self._bodies[""]
            body(run, data, [data, *[None] * (num_variables - 1)])
        except RecursionError as error:
            raise TemplateError("template: : nested too deeply") from error
        text = run.take()
        # Half of a character, which a template can cut, has no place in a prompt.
        return text if text.isascii() else as_bytes(text).decode("utf-8", "replace")


@lru_cache(maxsize=128)
def parse_template(source: str) -> Template:
    """Parse, once for each text. Raises TemplateError."""
    with within_stack():
        return Template(source, parse(source, FUNCTIONS))
