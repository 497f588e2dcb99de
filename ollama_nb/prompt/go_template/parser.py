"""Tokens to syntax trees. Errors are worded as Go words them, with the line."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from . import lexer
from .errors import TemplateError
from .lexer import Token, tokens
from .literals import BadLiteral, quoted, unquote, unquote_character
from .literals import number as read_number
from .tree import (
    Action,
    Call,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    If,
    Jump,
    Literal,
    Nil,
    Node,
    Nodes,
    Operand,
    Pipeline,
    Range,
    Text,
    Variable,
    With,
)

MAX_SOURCE = 1 << 20
MAX_NESTING = 64
_MAX_ELSE_IFS = 100
_MAX_DEPTH = 2 * MAX_NESTING
"""Of the tree, where each ``else if`` stands inside of the one before."""

Trees = dict[str, Nodes]
"""Templates by name; the nameless one is the text itself."""

_STARTS_OPERAND = frozenset(
    [lexer.BOOL, lexer.CHARACTER, lexer.DOT, lexer.FIELD, lexer.IDENTIFIER, lexer.NUMBER,
     lexer.RAW_STRING, lexer.STRING, lexer.VARIABLE, lexer.OPEN]
)  # fmt: skip
_BRANCHES: dict[str, type[If | With | Range]] = {"if": If, "with": With, "range": Range}


def parse(source: str, functions: Collection[str]) -> Trees:
    """Read a template that may call ``functions``. Raises TemplateError."""
    if len(source) > MAX_SOURCE:
        raise TemplateError(f"template: longer than {MAX_SOURCE >> 20} MiB")
    return _Parser(source, functions).parse()


class _Parser:
    def __init__(self, source: str, functions: Collection[str]) -> None:
        self._source = source
        self._functions = functions
        self._tokens = tokens(source)
        self._at = 0
        self._furthest = 0
        """The last token looked at: errors tell its line."""
        self._action: Token | None = None
        self._variables = ["$"]
        self._ranges = 0
        self._nesting = 0
        self._arms = 0
        """How many ``else if`` there are before this place, in the chains around it."""
        self._trees: Trees = {}

    def parse(self) -> Trees:
        nodes: list[Node] = []
        while self._peek().kind != lexer.EOF:
            if self._starts_definition():
                self._definition()
                continue
            node = self._text_or_action()
            if isinstance(node, Token):
                raise self._error(f"unexpected {_ending(node)}")
            nodes.append(node)
        self._add("", tuple(nodes))
        return self._trees

    # The tokens

    def _peek(self, *, blanks: bool = False) -> Token:
        """Look at the next token, without blanks unless they count."""
        if not blanks:
            while self._tokens[self._at].kind == lexer.SPACE:
                self._at += 1
        self._furthest = max(self._furthest, self._at)
        return self._tokens[self._at]

    def _next(self, *, blanks: bool = False) -> Token:
        token = self._peek(blanks=blanks)
        self._at += token.kind not in (lexer.EOF, lexer.ERROR)
        return token

    def _expect(self, kinds: Collection[str], context: str) -> Token:
        token = self._next()
        if token.kind not in kinds:
            raise self._unexpected(token, context)
        return token

    def _line(self, position: int) -> int:
        return self._source.count("\n", 0, position) + 1

    def _error(self, message: str) -> TemplateError:
        line = self._line(self._tokens[self._furthest].position)
        return TemplateError(f"template: :{line}: {message}")

    def _unexpected(self, token: Token, context: str) -> TemplateError:
        if token.kind != lexer.ERROR:
            return self._error(f"unexpected {token} in {context}")
        started = ""
        line = self._action and self._line(self._action.position)
        if line is not None and line != self._line(token.position):
            action = "" if token.text.endswith(" action") else " in action"
            started = f"{action} started at :{line}"
        return self._error(f"{token.text}{started}")

    def _unquoted(self, token: Token) -> str:
        try:
            return unquote(token.text)
        except BadLiteral as error:
            raise self._error(str(error)) from error

    # Templates in the template

    def _starts_definition(self) -> bool:
        if self._peek().kind != lexer.LEFT:
            return False
        following = self._tokens[self._at + 1]
        if following.kind == lexer.SPACE:
            following = self._tokens[self._at + 2]
        return following.kind == lexer.KEYWORD and following.text == "define"

    def _definition(self) -> None:
        context = "define clause"
        self._next()
        self._next()
        name = self._unquoted(self._expect((lexer.STRING, lexer.RAW_STRING), context))
        self._expect((lexer.RIGHT,), context)
        self._add(name, self._body_of_its_own(context))

    def _body_of_its_own(self, context: str) -> Nodes:
        """A body that sees no variables and no loop around it."""
        kept = self._variables, self._ranges, self._action
        self._variables, self._ranges, self._action = ["$"], 0, None
        body, end = self._list()
        if end.text != "end":
            raise self._error(f"unexpected {_ending(end)} in {context}")
        self._variables, self._ranges, self._action = kept
        return body

    def _add(self, name: str, nodes: Nodes) -> None:
        known = self._trees.get(name)
        if known is None or _is_empty(known):
            self._trees[name] = nodes
        elif not _is_empty(nodes):
            raise self._error(f"template: multiple definition of template {quoted(name)}")

    # Lists of nodes

    def _list(self) -> tuple[Nodes, Token]:
        """Nodes up to ``end`` or ``else``, and that."""
        with self._nested():
            nodes: list[Node] = []
            while self._peek().kind != lexer.EOF:
                node = self._text_or_action()
                if isinstance(node, Token):
                    return tuple(nodes), node
                nodes.append(node)
            raise self._error("unexpected EOF")

    @contextmanager
    def _nested(self) -> Iterator[None]:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise self._error(f"nested more than {MAX_NESTING} deep")
        if self._nesting + self._arms > _MAX_DEPTH:
            raise self._error(f"nested more than {_MAX_DEPTH} deep with all else if")
        yield
        self._nesting -= 1

    def _text_or_action(self) -> Node | Token:
        token = self._next()
        if token.kind == lexer.TEXT:
            return Text(token.position, token.text)
        if token.kind != lexer.LEFT:
            raise self._unexpected(token, "input")
        self._action = token
        try:
            return self._action_or_ending()
        finally:
            self._action = None

    def _action_or_ending(self) -> Node | Token:
        token = self._peek()
        word = token.text if token.kind == lexer.KEYWORD else ""
        if word in ("", "nil", "define"):
            return Action(token.position, self._pipeline("command"))
        self._next()
        if word in _BRANCHES:
            return self._branch(word)
        if word in ("break", "continue"):
            return self._jump(token)
        if word == "template":
            return self._call()
        if word == "block":
            return self._block()
        if word == "else" and self._peek()[0::2] in (
            (lexer.KEYWORD, "if"),
            (lexer.KEYWORD, "with"),
        ):
            return token
        self._expect((lexer.RIGHT,), word)
        return token

    def _jump(self, token: Token) -> Jump:
        if self._peek().kind != lexer.RIGHT:
            raise self._unexpected(self._next(), f"{{{{{token.text}}}}}")
        self._next()
        if not self._ranges:
            raise self._error(f"{{{{{token.text}}}}} outside {{{{range}}}}")
        return Jump(token.position, token.text)

    def _template_name(self, context: str) -> tuple[Token, str]:
        token = self._expect((lexer.STRING, lexer.RAW_STRING), context)
        return token, self._unquoted(token)

    def _call(self) -> Call:
        token, name = self._template_name("template clause")
        if self._peek().kind == lexer.RIGHT:
            self._next()
            return Call(token.position, name, None)
        return Call(token.position, name, self._pipeline("template clause"))

    def _block(self) -> Call:
        context = "block clause"
        token, name = self._template_name(context)
        pipeline = self._pipeline(context)
        self._add(name, self._body_of_its_own(context))
        return Call(token.position, name, pipeline)

    def _branch(self, word: str) -> Node:
        """Read a branch; a chain of ``else if`` is read in a loop and nested afterwards."""
        num_variables = len(self._variables)
        arms: list[tuple[Pipeline, Nodes]] = []
        otherwise: Nodes | None = None
        while True:
            pipeline = self._pipeline(word)
            self._ranges += word == "range"
            body, end = self._list()
            self._ranges -= word == "range"
            arms.append((pipeline, body))
            if end.text == "end":
                break
            following = self._peek()
            if following.kind == lexer.KEYWORD and following.text == word != "range":
                self._next()
                if len(arms) > _MAX_ELSE_IFS:
                    raise self._error(f"more than {_MAX_ELSE_IFS} times else {word}")
                self._arms += 1
                continue
            otherwise, end = self._list()
            if end.text != "end":
                raise self._error(f"expected end; found {_ending(end)}")
            break
        del self._variables[num_variables:]
        self._arms -= len(arms) - 1
        for pipeline, body in reversed(arms):
            node = _BRANCHES[word](pipeline.position, pipeline, body, otherwise)
            otherwise = (node,)
        return node

    # Pipelines

    def _pipeline(self, context: str, end: str = lexer.RIGHT) -> Pipeline:
        position = self._peek().position
        variables, assigns = self._declarations(context)
        commands: list[Command] = []
        while True:
            token = self._peek()
            if token.kind == end:
                self._next()
                break
            if token.kind not in _STARTS_OPERAND and token[0::2] != (lexer.KEYWORD, "nil"):
                raise self._unexpected(self._next(), context)
            commands.append(self._command())
        if not commands:
            raise self._error(f"missing value for {context}")
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.words[0], Literal | Dot | Nil):
                raise self._error(f"non executable command in pipeline stage {stage}")
        return Pipeline(position, tuple(variables), assigns, tuple(commands))

    def _declarations(self, context: str) -> tuple[list[Variable], bool]:
        """``$x :=``, ``$x =`` or, for a range, ``$i, $x :=``."""
        variables: list[Variable] = []
        while self._peek().kind == lexer.VARIABLE:
            start = self._at
            token = self._next()
            following = self._peek()
            if following.kind not in (lexer.ASSIGN, lexer.DECLARE) and following.text != ",":
                self._at = start
                break
            self._next()
            variables.append(Variable(token.position, (token.text,)))
            self._variables.append(token.text)
            if following.kind != lexer.OTHER:
                return variables, following.kind == lexer.ASSIGN
            if context != "range" or len(variables) > 1:
                raise self._error(f"too many declarations in {context}")
            if self._peek().kind not in (lexer.VARIABLE, lexer.RIGHT, lexer.CLOSE):
                raise self._error("range can only initialize variables")
        return variables, False

    def _command(self) -> Command:
        position = self._peek().position
        words: list[Operand] = []
        while True:
            self._peek()
            word = self._operand()
            if word is not None:
                words.append(word)
            token = self._peek(blanks=True)
            if token.kind in (lexer.RIGHT, lexer.CLOSE):
                break
            self._next(blanks=True)
            if token.kind == lexer.PIPE:
                break
            if token.kind != lexer.SPACE:
                raise self._unexpected(token, "operand")
        if not words:
            raise self._error("empty command")
        return Command(position, tuple(words))

    def _operand(self) -> Operand | None:
        term = self._term()
        token = self._peek(blanks=True)
        if term is None or token.kind != lexer.FIELD:
            return term
        names = []
        while self._peek(blanks=True).kind == lexer.FIELD:
            names.append(self._next(blanks=True).text[1:])
        if isinstance(term, Field | Variable):
            return type(term)(token.position, (*term.names, *names))
        if isinstance(term, Literal | Nil | Dot):
            raise self._error(f"unexpected . after term {quoted(str(term))}")
        return Chain(token.position, term, tuple(names))

    def _term(self) -> Operand | None:
        token = self._peek()
        if token.kind not in _STARTS_OPERAND and token[0::2] != (lexer.KEYWORD, "nil"):
            return None
        self._next()
        if token.kind == lexer.OPEN:
            with self._nested():
                return self._pipeline("parenthesized pipeline", lexer.CLOSE)
        if token.kind == lexer.IDENTIFIER:
            if token.text not in self._functions:
                raise self._error(f"function {quoted(token.text)} not defined")
            return Identifier(token.position, token.text)
        if token.kind == lexer.VARIABLE:
            if token.text not in self._variables:
                raise self._error(f"undefined variable {quoted(token.text)}")
            return Variable(token.position, (token.text,))
        if token.kind == lexer.FIELD:
            return Field(token.position, (token.text[1:],))
        return self._constant(token)

    def _constant(self, token: Token) -> Operand:
        at, text = token.position, token.text
        try:
            match token.kind:
                case lexer.DOT:
                    return Dot(at)
                case lexer.KEYWORD:
                    return Nil(at)
                case lexer.BOOL:
                    return Literal(at, text == "true", text)
                case lexer.CHARACTER:
                    return Literal(at, unquote_character(text), text)
                case lexer.NUMBER:
                    return Literal(at, read_number(text), text)
                case _:
                    return Literal(at, unquote(text), text)
        except BadLiteral as error:
            raise self._error(str(error)) from error


def _ending(token: Token) -> str:
    return f"{{{{{token.text}}}}}"


def _is_empty(nodes: Nodes) -> bool:
    return all(isinstance(node, Text) and not node.text.strip() for node in nodes)
