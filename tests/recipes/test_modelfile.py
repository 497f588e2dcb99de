"""The text of a Modelfile, by the automaton of the reference (models, 4.1)."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest, InvalidModelfile
from ollama_nb.recipes.modelfile import (
    INSTRUCTIONS,
    MAX_BYTES,
    MAX_INSTRUCTIONS,
    ROLES,
    Command,
    comment,
    parse,
    write,
)

WORDS = (
    'command must be one of "from", "license", "template", "system", "adapter", "draft", '
    '"renderer", "parser", "parameter", "message", or "requires"'
)
WHO = 'message role must be one of "system", "user", or "assistant"'

texts = st.text() | st.text('"#\n\r\t ax\u200b\u00a0\f') | st.text('"#\n', min_size=6)
commands = st.builds(
    Command, st.sampled_from([w for w in INSTRUCTIONS if w not in ("parameter", "message")]), texts
) | st.one_of(
    st.builds(Command, st.just("parameter"), texts, st.text("aB_9")),
    st.builds(Command, st.just("message"), texts, st.sampled_from(ROLES)),
)


def said(text):
    """What each instruction says: (word, value), or (word, key, value)."""
    keyed = ("parameter", "message")
    return [
        (c.instruction, c.key, c.value) if c.instruction in keyed else (c.instruction, c.value)
        for c in parse(text)
    ]


def value(text):
    """The value of the only SYSTEM, which is written as ``text``."""
    (system,) = [one for one in parse("FROM m\nSYSTEM " + text) if one.instruction == "system"]
    return system.value


def fault(text):
    with pytest.raises(InvalidModelfile) as caught:
        parse(text)
    return str(caught.value), caught.value.line


# States nil, comment and name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a", [("from", "a")]),
        ("from a\nFrOm b", [("from", "a"), ("from", "b")]),
        ("\n\r\n \t FROM a\n\n", [("from", "a")]),
        ("# FROM x\n  # y\nFROM a", [("from", "a")]),
        ("FROM a # c\n", [("from", "a # c")]),
        ("#", None),
        ("SYSTEM hi\nFROM a", [("system", "hi"), ("from", "a")]),
        ("FROM\ta", [("from", "a")]),
        ("FROM   a  ", [("from", "a")]),
        ("FROM \nSYSTEM x", [("from", ""), ("system", "x")]),
        ("FROM a\rSYSTEM x\r\nSYSTEM y", [("from", "a"), ("system", "x"), ("system", "y")]),
        ("\u200bFROM a", [("from", "a")]),
        ("FROM a\nDRAFT b\nRENDERER c\nPARSER d\nREQUIRES 1\nADAPTER e\nTEMPLATE f\nLICENSE g", [
            ("from", "a"), ("draft", "b"), ("renderer", "c"), ("parser", "d"), ("requires", "1"),
            ("adapter", "e"), ("template", "f"), ("license", "g"),
        ]),
        ("FROM a\nPARAMETER NUM_CTX 1\nPARAMETER x9_ y z", [
            ("from", "a"), ("parameter", "NUM_CTX", "1"), ("parameter", "x9_", "y z"),
        ]),
        ("FROM a\nPARAMETER  x 1", [("from", "a"), ("parameter", "", "x 1")]),
        ("FROM a\nMESSAGE user a: b\nmessage assistant c", [
            ("from", "a"), ("message", "user", "a: b"), ("message", "assistant", "c"),
        ]),
    ],
)  # fmt: skip
def test_instructions_stand_on_lines_of_their_own(text, expected):
    if expected is None:
        assert fault(text) == ("no FROM line", 0)
    else:
        assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "no FROM line", 0),
        ("SYSTEM x", "no FROM line", 0),
        ("FROM\n", f"(line 2): {WORDS}", 1),
        ("FROM", "(line 1): unexpected EOF", 1),
        ("FROM a\n\nFORM b", f"(line 3): {WORDS}", 3),
        ("FROM a\n\nFORM b\n", f"(line 3): {WORDS}", 3),
        ("FROM a\r\nX y", f"(line 3): {WORDS}", 2),
        ("FROM a\rX y", f"(line 2): {WORDS}", 2),
        ('FROM """a\nb"""\nFROM2 c', f"(line 3): {WORDS}", 3),
        ("FR0M a", f"(line 1): {WORDS}", 1),
        ("FROM: a", f"(line 1): {WORDS}", 1),
        ('"FROM" a', f"(line 1): {WORDS}", 1),
        ("\u017fystem a", f"(line 1): {WORDS}", 1),
        ("FROM a\nTHIS IS TEXT", f"(line 2): {WORDS}", 2),
        ("FROM a\nPARAMETER top-k 1", "(line 2): unexpected EOF: top", 2),
        ("FROM a\nPARAMETER top\n", "(line 2): unexpected EOF: top", 2),
        ("FROM a\nPARAMETER top", "(line 2): unexpected EOF", 2),
        ("FROM a\nPARAMETER ", "(line 2): unexpected EOF", 2),
        ("FROM a\nPARAMETER", "(line 2): unexpected EOF", 2),
        ("FROM a\nMESSAGE user\nx", "(line 2): unexpected EOF: user", 2),
        ("FROM a\nMESSAGE us3r x", "(line 2): unexpected EOF: us", 2),
        ("FROM a\nMESSAGE user", "(line 2): unexpected EOF", 2),
        ("FROM a\nMESSAGE tool x", f"(line 2): {WHO}", 2),
        ("FROM a\nMESSAGE User x", f"(line 2): {WHO}", 2),
        ("FROM a\nMESSAGE  user x", f"(line 2): {WHO}", 2),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, message, line):
    assert fault(text) == (message, line)


@pytest.mark.parametrize("text", ['SYSTEM "a', 'SYSTEM """a""', 'SYSTEM """a""" b', 'SYSTEM "a" b'])
def test_an_open_quote_is_found_where_it_was_opened(text):
    message, line = fault(f"FROM a\n\n{text}\n\nPARAMETER seed 1\n")
    assert message.startswith("(line 3): unexpected EOF")
    assert line == 3


def test_a_fault_is_a_bad_request_of_one_class():
    assert issubclass(InvalidModelfile, BadRequest)
    assert len(fault("FROM a\nPARAMETER " + "x" * 10**6 + "\n")[0]) < 500


# State value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "a"),
        ("  a b\t", "a b"),
        ('"a"', "a"),
        ('" a "', " a "),
        ('"a"  \t', "a"),
        ('""', ""),
        ("", ""),
        ("'a'", "'a'"),
        (r"a\nb", r"a\nb"),
        ('a "b"', 'a "b"'),
        ('"a "b" c"', 'a "b" c'),
        ('"a\nb"', "a\nb"),
        ('"x" y\nSYSTEM b"', 'x" y\nSYSTEM b'),
        ('"""a"""', "a"),
        ('"""\na\n  b\n"""', "\na\n  b\n"),
        ('""" a """  ', " a "),
        ('""""""', ""),
        ('""""a""""', '"a"'),
        ('"""a "b" """c" d"""', 'a "b" """c" d'),
        ('"""a""" b\nc"""', 'a""" b\nc'),
        ('"""\n# no comment\nFROM x\n"""', "\n# no comment\nFROM x\n"),
        ('"""\na\r\nb\r\n"""', "\na\r\nb\r\n"),
        ('""\n', ""),
        ('"\n"', "\n"),
        ('"""\n"\n""\n"""', '\n"\n""\n'),
        ('#"""a\n"""\nb"""#', 'a\n"""\nb'),
        ('##"""a"""#\nb"""##', 'a"""#\nb'),
        ('#"""a"""##\nb"""#', 'a"""##\nb'),
        ("# a", "# a"),
        ("#1", "#1"),
    ],
)
def test_quotes_close_at_the_end_of_a_line(text, expected):
    assert value(text) == expected
    assert value(text + "\r\nPARAMETER seed 1\n") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u200bb\x07c\u00a0d\u2003e", "abcde"),
        ("你好👋 e\u0301 \ufffd", "你好👋 e\u0301 \ufffd"),
        ("a\tb", "a\tb"),
        ("\u00a0a\u00a0", "a"),
        ('\u200b"a"\u00a0', "a"),
        # Ours: in quotes nothing gets lost, or no model could be written down and made again.
        ('"a\u00a0b\u200d\f"', "a\u00a0b\u200d\f"),
    ],
)
def test_what_cannot_be_printed_is_dropped_outside_of_quotes(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16"])
def test_marks_of_byte_order_tell_the_encoding(encoding):
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    data = mark + "FROM a\nSYSTEM 你好 👋\n".encode(encoding)
    assert said(data) == [("from", "a"), ("system", "你好 👋")]


def test_a_text_may_have_a_mark_too():
    assert said("\ufeffFROM a") == [("from", "a")]


@pytest.mark.parametrize(
    "data", [b"FROM a\nSYSTEM \xff\xc3(", codecs.BOM_UTF16_LE + "FROM a".encode("utf-16-le") + b"x"]
)
def test_bytes_that_are_no_text_are_replaced(data):
    assert "\ufffd" in parse(data)[-1].value


def test_half_a_surrogate_pair_is_replaced():
    assert value("a\ud800b") == "a\ufffdb"


def test_lines_are_counted_as_editors_do():
    text = 'FROM a\r\n\r\n# c\nSYSTEM """x\ny"""\r\rLICENSE b'
    assert [one.line for one in parse(text)] == [1, 4, 7]


# Writing


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a b", "a b"),
        (" a", '" a"'),
        ("a\nb", '"a\nb"'),
        ('a\n"b"', '"""a\n"b""""'),
        ('say "a"', 'say "a"'),
        ('"a"', '""""a""""'),
        ("", '""'),
        ("a\t", '"a\t"'),
        ("a\u00a0b", '"a\u00a0b"'),
        ('def f():\n    """\n    x\n', '#"""def f():\n    """\n    x\n"""#'),
        ('"""\n"""#\n', '##""""""\n"""#\n"""##'),
        ('#"""', '"""#""""""'),
        ("# a", "# a"),
    ],
)
def test_a_value_is_quoted_only_where_it_must_be(text, written):
    assert write([Command("system", text)]) == f"SYSTEM {written}\n"
    assert value(written) == text


def test_what_no_line_can_say_is_not_written():
    for command in (
        Command("system", "x", "key"),
        Command("parameter", "1", "a b"),
        Command("parameter", "1", "a\nSYSTEM"),
        Command("message", "x", "tool"),
        Command("message", "x"),
        Command("nothing", "x"),
    ):
        with pytest.raises(ValueError, match="no Modelfile can say"):
            write([command])


@given(st.lists(commands))
def test_what_is_written_is_read_again(found):
    found = [Command("from", "a"), *found]
    read = parse(write(found))
    assert [(c.instruction, c.key, c.value) for c in read] == [
        (c.instruction, c.key, c.value) for c in found
    ]


@given(st.text() | st.text("\r\n\u2028\x85\x0b SYSTEM"))
def test_a_comment_says_nothing(text):
    assert said(comment(text) + "FROM a\n") == [("from", "a")]


# Hostile


@given(st.binary() | texts | st.text('FROM SYtEM "#\n\r'))
def test_any_text_is_read_or_refused(text):
    try:
        found = parse(text)
    except InvalidModelfile as error:
        assert error.line <= 1 + len(text)  # noqa: PT017
        return
    assert [(c.key, c.value) for c in parse(write(found))] == [(c.key, c.value) for c in found]


@given(st.lists(st.sampled_from(["FROM a", "SYSTEM ", '"', '"""', "#", "\n", "\r", " ", "x", "é"])))
def test_any_pile_of_pieces_is_read_or_refused(pieces):
    try:
        parse("".join(pieces))
    except InvalidModelfile:
        return


@pytest.mark.parametrize(
    "piece",
    [
        "\n",
        "#\n",
        "\r\n",
        '"',
        '""" ',
        '"""\n',
        '"""#\n',
        "#",
        "\u200b",
        "x",
        '"\u200b',
        "FROM a\n",
    ],
)
@pytest.mark.parametrize("start", ["", "FROM a\nSYSTEM ", 'FROM a\nSYSTEM "', 'FROM a\nSYSTEM """'])
def test_large_texts_take_time_by_their_length_alone(start, piece):
    """By the square, these would take hours."""
    text = start + piece * (MAX_BYTES // 16 // len(piece))
    try:
        parse(text)
    except InvalidModelfile as error:
        assert len(str(error)) < 500  # noqa: PT017


def test_what_is_too_large_is_refused():
    assert fault(b"#" * (MAX_BYTES + 1)) == ("a Modelfile may have 8 MiB, this one is larger", 0)
    assert fault("#" * (MAX_BYTES + 1)) == ("a Modelfile may have 8 MiB, this one is larger", 0)
    text = "FROM a\n" * (MAX_INSTRUCTIONS + 1)
    assert fault(text) == ("(line 20001): more than 20000 instructions", MAX_INSTRUCTIONS + 1)


def test_writing_a_large_value_takes_time_by_its_length_alone():
    lines = "".join(f'"""{"#" * number}\n' for number in range(1000))
    assert value(write([Command("system", lines)]).removeprefix("SYSTEM ")) == lines
    assert write([Command("system", '"""\n' * 10**5)]).startswith('SYSTEM #"""')
