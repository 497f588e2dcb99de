"""`%ollama` and `%%ollama`: a line is parsed, carried out, and its result handed to IPython.

Runs on the kernel's main thread. Errors go up as they are: an OllamaError shows itself as one
line and is a real error output; UsageError would be taken for a pass by nbval.
"""

import sys
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)
from traitlets import Enum, TraitError, Unicode, validate

from ollama_nb.commands.naming import a_name
from ollama_nb.commands.parser import Help, split
from ollama_nb.commands.verbs import parse
from ollama_nb.commands.ways import CELL, DEFAULT_MODEL, LINE
from ollama_nb.errors import UsageProblem

from .completion import make_matcher

if TYPE_CHECKING:
    from ollama_nb.service import Service

    from .surroundings import Surroundings


@magics_class
class OllamaMagics(Magics):
    """The magics of ollama_nb. What a verb needs is imported when the verb is used."""

    model = Unicode(
        DEFAULT_MODEL,
        help="The model that answers where -m names none. guide comes with ollama_nb.",
    ).tag(config=True)
    display = Enum(
        ["auto", "stream", "final"],
        default_value="auto",
        help="stream rewrites the output while the answer grows, final shows it once and "
        "without the speed; auto streams, except in kernels that pytest starts.",
    ).tag(config=True)

    @validate("model")
    def _check_model(self, proposal: dict[str, Any]) -> str:
        try:
            return a_name(proposal["value"])
        except UsageProblem as problem:
            raise TraitError(str(problem)) from None

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.matcher = make_matcher(self._model_names)
        self._user_shell = shell

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def ollama(
        self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None
    ) -> object:
        r"""Language models in this kernel.

        On a line, `%ollama VERB ...`: list, ps, show, pull, push, create, cp, rm, verify, prune,
        generate, run, embed, stop, version, help. The value is returned:
        `answer = %ollama run guide "How do I pull a model?"`.

        On top of a cell, `%%ollama generate [-m MODEL] [-o NAME] ...`: the cell's body is the
        prompt, the answer streams into the output. In it `{{ expression }}` is replaced by the
        value, and `\{{` stands for `{{` itself. `%%ollama embed` makes a vector of the body, or
        with `--lines` of each line. `%%ollama create NAME` makes a model of the Modelfile below.

        `%ollama help` lists the verbs, `%ollama VERB -h` and `%%ollama VERB -h` their arguments.
        """
        way = LINE if cell is None else CELL
        try:
            command = parse(split(line), way)
        except Help as wanted:
            sys.stdout.write(wanted.text)
            return None
        if command.verb in ("generate", "run"):
            from .generation import generate

            return generate(self._service(), command, cell, self._surroundings(local_ns))
        if command.verb == "embed":
            from .embedding import embed

            return embed(self._service(), command, cell, self._surroundings(local_ns))
        if command.verb in ("pull", "push", "create", "verify"):
            from .transferring import carry_out

            return carry_out(self._service(), command, cell, self._surroundings(local_ns))
        from ollama_nb.commands.perform import perform

        return perform(command, self._service(), way)

    def _model_names(self) -> list[str]:
        from ollama_nb.commands.suggesting import short_name

        # Not `list`, which opens every weights file for its details.
        return [short_name(str(model.name)) for model in self._service().store.models()]

    def _service(self) -> "Service":
        from ollama_nb.service.shared import shared_service

        return shared_service()

    def _surroundings(self, local_ns: dict[str, Any] | None) -> "Surroundings":
        from .surroundings import Surroundings, display_mode

        shell = self._user_shell
        return Surroundings(
            namespace={**shell.user_ns, **(local_ns or {})},
            mode=display_mode(self.display, kernel=getattr(shell, "kernel", None) is not None),
            default_model=self.model,
            bind=shell.user_ns.update,
        )
