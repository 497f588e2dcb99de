"""The official JSON Schema test suite, put to our structured output.

``python tests/support/schema_suite.py`` prints the report. The suite comes out of the source
distribution of the ``jsonschema`` package, fetched once from the package index.

Asked are the required tests of draft 2020-12 except ``format``: there a format must be a remark,
and we obey it.
"""

import json
import re
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from packages import fetched

from ollama_nb.engine import native
from ollama_nb.engine.sequence import FreePart
from ollama_nb.engine.spec import load_spec
from ollama_nb.errors import BadRequest
from ollama_nb.settings import BUILTIN_MODELS, Settings
from ollama_nb.store import Store
from ollama_nb.wire import Options
from ollama_nb.wire.schema import answer_schema
from ollama_nb.wire.schema_nodes import nodes

_VERSION = "4.26.0"
_TESTS = re.compile(rf"jsonschema-{re.escape(_VERSION)}/json/tests/draft2020-12/(\w[\w-]*)\.json")
_NOT_ASKED = ("format",)
NOTHING_FITS = "(nothing fits)"
"""What is named by a refusal of a schema that no value satisfies."""


@dataclass(frozen=True)
class Instance:
    """A value, and whether the suite says that it satisfies the schema."""

    about: str
    value: Any
    valid: bool


@dataclass(frozen=True)
class Group:
    """A schema of the suite with its instances."""

    keyword: str
    about: str
    schema: dict[str, Any]
    instances: list[Instance]


@dataclass
class Judged:
    """What became of a group: a refusal, or for each instance the writings that were accepted."""

    group: Group
    seconds: float = 0.0
    """That the processor was at it; what else a machine does in the meantime is not counted."""
    refusal: str = ""
    accepted: list[frozenset[str]] = field(default_factory=list)

    def of(self, *, valid: bool) -> Iterator[tuple[Instance, frozenset[str]]]:
        """The instances of a compiled schema that the suite says are (not) valid."""
        if not self.refusal:
            for instance, accepted in zip(self.group.instances, self.accepted, strict=True):
                if instance.valid == valid:
                    yield instance, accepted

    @property
    def named(self) -> list[str]:
        """The constructs that the refusal names; empty if it names none, which it should."""
        words, _, place = self.refusal.partition(" at #")
        if "Unsatisfiable schema" in words or "no answer fits" in words:
            return [NOTHING_FITS]
        # llguidance says patternProperty, and of what it cannot find the address alone.
        words = words.replace("patternProperty", "patternProperties")
        found = set(re.findall(r"\$?[a-z][A-Za-z]+", words))
        objects = [node for _, node in nodes(self.group.schema) if isinstance(node, dict)]
        entries = [entry for node in objects for entry in node.items()]
        named = {key for key, value in entries if key in found or _is_quoted(value, words)}
        return sorted(named) or [place.rpartition("/")[2]] * bool(place)


def _is_quoted(value: Any, words: str) -> bool:
    return isinstance(value, str) and "://" in value and value.rstrip("#") in words


def read_suite() -> list[Group]:
    """All groups, in the suite's order. Skips the test where there is no package index."""
    path = fetched(f"jsonschema=={_VERSION}", f"jsonschema-{_VERSION}.tar.gz", binary=False)
    found = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = _TESTS.fullmatch(member.name)
            if name and name[1] not in _NOT_ASKED:
                found[name[1]] = json.load(archive.extractfile(member))
    return [_group(keyword, one) for keyword in sorted(found) for one in found[keyword]]


def _group(keyword: str, one: dict[str, Any]) -> Group:
    schema = one["schema"]
    if isinstance(schema, bool):  # no ``format``, but it can stand inside one and mean the same
        schema = {"allOf": [schema]}
    instances = [
        Instance(test["description"], test["data"], test["valid"]) for test in one["tests"]
    ]
    return Group(keyword, one["description"], schema, instances)


PLAIN = frozenset({"compact", "spaced"})
"""Writings of a value as programs write it; the other one has an escape for every character."""


def writings(value: Any) -> dict[str, str]:
    """The same JSON value in different ways."""
    return {
        "compact": json.dumps(value, separators=(",", ":"), ensure_ascii=False),
        "spaced": json.dumps(value),
        "escaped": _escaped(value),
    }


def _escaped(value: Any) -> str:
    if isinstance(value, str):
        units = value.encode("utf-16-be").hex()
        return '"' + "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + '"'
    if isinstance(value, list):
        return f"[{','.join(_escaped(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{_escaped(key)}:{_escaped(one)}' for key, one in value.items())}}}"
    return json.dumps(value)


class Judge:
    """Structured output over a model's vocabulary, without the model."""

    def __init__(self, model: native.Model) -> None:
        self._model = model
        self._ends = [token for token in range(model.num_vocab) if model.is_end(token)]
        model.constrain({}, FreePart())  # what is made for the first answer counts for none

    def judge(self, group: Group) -> Judged:
        """Raises whatever is no BadRequest, with a note on which group it was."""
        judged = Judged(group)
        try:
            schema = self._compile(judged)
            if not judged.refusal:
                judged.accepted = [self._accepted(schema, one.value) for one in group.instances]
        except Exception as error:
            error.add_note(f"{group.keyword}: {group.about}: {json.dumps(group.schema)}")
            raise
        return judged

    def _compile(self, judged: Judged) -> dict[str, Any]:
        """The schema as the engine gets it, which is as text; empty if it is refused."""
        schema: dict[str, Any] = {}
        begun = time.process_time()
        try:
            schema = json.loads(json.dumps(answer_schema(judged.group.schema)))
            self._model.constrain(schema, FreePart())
        except BadRequest as error:
            judged.refusal = str(error) or repr(error)
        judged.seconds = time.process_time() - begun
        return schema

    def _accepted(self, schema: dict[str, Any], value: Any) -> frozenset[str]:
        texts = writings(value)
        verdicts = {text: self.completes(schema, text) for text in set(texts.values())}
        return frozenset(way for way, text in texts.items() if verdicts[text])

    def compile(self, schema: dict[str, Any]) -> None:
        """Raises BadRequest for a schema that cannot be obeyed."""
        self._model.constrain(schema, FreePart())

    def completes(self, schema: dict[str, Any], text: str) -> bool:
        """Whether a model that obeys the schema can write this and end."""
        constraint = self._model.constrain(schema, FreePart())
        tokens = self._model.tokenize(text, add_special=False, parse_special=False)
        assert b"".join(self._model.piece(token) for token in tokens) == text.encode()
        for at, token in enumerate(tokens, 1):
            if not self._allowed(constraint)[token]:
                return False
            if constraint.accept(token):
                return at == len(tokens)
        return bool(self._allowed(constraint)[self._ends].any())

    def _allowed(self, constraint: Any) -> np.ndarray:
        logits = np.zeros(self._model.num_vocab, np.float32)
        constraint.restrict(logits)
        return logits == 0


def render(outcomes: list[Judged]) -> str:
    """The report: a row for each keyword, then why schemas were refused and what went wrong."""
    keywords = list(dict.fromkeys(one.group.keyword for one in outcomes))
    rows = [_row(name, [one for one in outcomes if one.group.keyword == name]) for name in keywords]
    headings = ["keyword", "schemas compiled", "valid accepted", "invalid rejected"]
    lines = [f"{a:<24}{b:>18}{c:>18}{d:>18}" for a, b, c, d in [headings, *rows]]
    total = _row("all", outcomes)
    lines += ["-" * 78, f"{total[0]:<24}{total[1]:>18}{total[2]:>18}{total[3]:>18}", ""]
    reasons = Counter(name for one in outcomes if one.refusal for name in one.named or ["?"])
    lines += [f"refused for {name}: {number}" for name, number in reasons.most_common()]
    slowest = max(outcomes, key=lambda one: one.seconds)
    lines += [f"slowest: {slowest.seconds:.3f} s, {slowest.group.keyword}", "", *_wrong(outcomes)]
    return "\n".join(lines)


def _row(name: str, outcomes: list[Judged]) -> list[str]:
    compiled = [one for one in outcomes if not one.refusal]
    good = [bool(accepted & PLAIN) for one in compiled for _, accepted in one.of(valid=True)]
    bad = [not accepted & PLAIN for one in compiled for _, accepted in one.of(valid=False)]
    counts = ((len(compiled), len(outcomes)), (sum(good), len(good)), (sum(bad), len(bad)))
    return [name, *(f"{some} of {every}" for some, every in counts)]


def _wrong(outcomes: list[Judged]) -> Iterator[str]:
    """Every instance that was judged otherwise than by the suite."""
    for one in outcomes:
        where = f"{one.group.keyword}: {one.group.about}"
        for instance, accepted in one.of(valid=True):
            if not accepted & PLAIN:
                yield f"valid, rejected: {where}: {json.dumps(instance.value)}"
        for instance, accepted in one.of(valid=False):
            if accepted:
                ways = ", ".join(sorted(accepted))
                yield f"INVALID, ACCEPTED ({ways}): {where}: {json.dumps(instance.value)}"


def main() -> None:
    """Print the report, on the guide model's vocabulary."""
    guide = Store([BUILTIN_MODELS]).find("guide")
    spec = load_spec(guide.weights, guide.header, Options.merge({}), Settings())
    judge = Judge(native.Model(spec))
    print(render([judge.judge(group) for group in read_suite()]))  # noqa: T201


if __name__ == "__main__":
    main()
