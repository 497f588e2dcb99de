"""The parser against the automaton of the reference (models, 4.1), told character by character."""

from hypothesis import assume, example, given
from hypothesis import strategies as st

from ollama_nb.errors import InvalidModelfile
from ollama_nb.recipes.modelfile import INSTRUCTIONS, ROLES, parse

pieces = st.sampled_from(
    [
        "FROM ", "from\t", "SYSTEM ", "TEMPLATE ", "PARAMETER ", "MESSAGE ", "user ", "assistant ",
        "stop ", "LICENSE", "\n", "\n", "\r", "\r\n", " ", "\t", '"', '"""', '"""\n', "#", "x", "é",
        "你", "\u200b", "\u00a0", "1", "-", "_",
    ]
)  # fmt: skip
DROPPED = {"\u200b", "\u00a0"}
texts = st.lists(pieces).map("".join) | st.text('FROMfrom \n\r\t"#x')
texts |= texts.map("FROM x\nSYSTEM ".__add__)


class Wrong(Exception):
    pass


def naively(text):  # noqa: C901 - one automaton, one loop
    """Ollama's way, in time by the square."""
    state, buffer, line, found, name, key = "nil", "", 1, [], "", ""
    for char in text:
        line += char in "\r\n"
        following, kept = step(state, char, buffer, line)
        if following == state:
            buffer += kept if kept.isprintable() or kept == "\t" else ""
            continue
        if state == "name":
            name = buffer.lower()
            if name not in INSTRUCTIONS:
                raise Wrong(f"(line {line}): command")
            following = name if name in ("parameter", "message") else "value"
            key = ""
        elif state in ("parameter", "message"):
            if state == "message" and buffer not in ROLES:
                raise Wrong(f"(line {line}): message role")
            key = buffer
        elif state == "value":
            value = unquoted(buffer.strip())
            if value is None:
                buffer += kept
                continue
            found.append((name, key, value))
        state, buffer = following, kept if kept.isprintable() else ""
    if state == "value":
        value = unquoted(buffer.strip())
        if value is None:
            raise Wrong("unexpected EOF")
        found.append((name, key, value))
    elif state not in ("nil", "comment"):
        raise Wrong("unexpected EOF")
    if not any(one[0] == "from" for one in found):
        raise Wrong("no FROM line")
    return found


def step(state, char, buffer, line):
    """The next state, and what of the character is kept."""
    letter = char.isascii() and char.isalpha()
    if state == "nil":
        return (
            ("comment", "") if char == "#" else ("nil", "") if char in " \t\r\n" else ("name", char)
        )
    if state == "comment":
        return ("nil", "") if char in "\r\n" else ("comment", "")
    if state == "value":
        return ("nil" if char in "\r\n" else "value"), char
    if letter or (state == "parameter" and char.isascii() and (char.isalnum() or char == "_")):
        return state, char
    if char in " \t":
        return "value", ""
    raise Wrong(f"(line {line}): command" if state == "name" else f"unexpected EOF: {buffer}")


def unquoted(text):
    """What is in the quotes; None while they are open."""
    for quote in ('"""', '"'):
        if text.startswith(quote):
            closed = len(text) >= 2 * len(quote) and text.endswith(quote)
            return text[len(quote) : -len(quote)] if closed else None
    return text


@given(texts)
@example('FROM x\nSYSTEM """\n"""\n')
@example('FROM x\nSYSTEM ""\n"\n')
@example("FROM \nFROM x")
@example('FROM "x\r\n"\r\nSYSTEM\n')
def test_both_read_the_same(text):
    # What is ours: quotes between hashes, and that in quotes nothing is dropped.
    assume('#"""' not in text)
    assume('"' not in text or not DROPPED & {*text})
    try:
        expected = naively(text)
    except Wrong as wrong:
        expected = str(wrong)
    try:
        read = [(one.instruction, one.key, one.value) for one in parse(text)]
    except InvalidModelfile as error:
        read = str(error)
    if isinstance(expected, str):
        assert isinstance(read, str), (expected, read)
        ours = read.partition(": ")[2] if expected.startswith("unexpected") else read
        assert ours.startswith(expected)
    else:
        assert read == expected
