"""Fill-in-the-middle: short Python functions of some families with one line or expression cut out.

Function, argument and variable names vary; what is cut follows from what is left.
"""

import random

from . import names
from .conversation import Conversation, infill
from .texts import words

_TWO = {
    "add": "{a} + {b}", "plus": "{a} + {b}", "sum_of": "{a} + {b}", "subtract": "{a} - {b}",
    "minus": "{a} - {b}", "difference": "{a} - {b}", "multiply": "{a} * {b}", "times": "{a} * {b}",
    "product": "{a} * {b}", "divide": "{a} / {b}", "ratio": "{a} / {b}", "quotient": "{a} / {b}",
    "power": "{a} ** {b}", "modulo": "{a} % {b}", "remainder": "{a} % {b}",
    "floor_divide": "{a} // {b}", "maximum": "max({a}, {b})", "larger": "max({a}, {b})",
    "minimum": "min({a}, {b})", "smaller": "min({a}, {b})", "average": "({a} + {b}) / 2",
    "mean": "({a} + {b}) / 2", "distance": "abs({a} - {b})", "is_equal": "{a} == {b}",
    "is_greater": "{a} > {b}", "is_less": "{a} < {b}", "is_divisible": "{a} % {b} == 0",
    "concatenate": "{a} + {b}", "area": "{a} * {b}",
}  # fmt: skip

_ONE = {
    "square": "{a} ** 2", "cube": "{a} ** 3", "double": "{a} * 2", "triple": "{a} * 3",
    "half": "{a} / 2", "negate": "-{a}", "increment": "{a} + 1", "decrement": "{a} - 1",
    "is_even": "{a} % 2 == 0", "is_odd": "{a} % 2 == 1", "is_positive": "{a} > 0",
    "is_negative": "{a} < 0", "is_zero": "{a} == 0", "absolute": "abs({a})",
    "upper": "{a}.upper()", "to_upper": "{a}.upper()", "shout": "{a}.upper()",
    "lower": "{a}.lower()", "to_lower": "{a}.lower()", "strip": "{a}.strip()",
    "trim": "{a}.strip()", "reverse": "{a}[::-1]", "reversed_text": "{a}[::-1]",
    "length": "len({a})", "size": "len({a})", "count": "len({a})", "words": "{a}.split()",
    "split_words": "{a}.split()", "first": "{a}[0]", "last": "{a}[-1]", "total": "sum({a})",
    "sum_all": "sum({a})", "largest": "max({a})", "smallest": "min({a})",
    "mean": "sum({a}) / len({a})", "average": "sum({a}) / len({a})", "unique": "set({a})",
    "sort": "sorted({a})", "sort_list": "sorted({a})", "is_empty": "len({a}) == 0",
    "to_int": "int({a})", "to_text": "str({a})", "to_float": "float({a})",
    "is_palindrome": "{a} == {a}[::-1]", "title": "{a}.title()", "keys": "list({a})",
    "identity": "{a}", "celsius_to_fahrenheit": "{a} * 9 / 5 + 32",
    "fahrenheit_to_celsius": "({a} - 32) * 5 / 9",
}  # fmt: skip

_ARGUMENTS = words("""a b c x y z n m value values items numbers text word left right first second
data
number name s string line lst seq""")


def example(rng: random.Random) -> tuple[str, str, str]:
    """Return prefix, suffix and the middle that is missing."""
    family = rng.choice((_expression, _expression, _expression, _loop, _condition, _comprehension))
    lines, holes = family(rng)
    return _cut("\n".join(lines) + "\n", rng.choice(holes), rng)


def converse(rng: random.Random) -> Conversation:
    """Return a random fill-in-the-middle example as the model reads it."""
    return infill(*example(rng))


def _cut(code: str, hole: str, rng: random.Random) -> tuple[str, str, str]:
    """Cut the hole out of the code; more code may stand before and after."""
    start = code.rindex(hole)
    prefix, suffix = code[:start], code[start + len(hole) :]
    if rng.random() < 0.2:
        prefix = (
            rng.choice(("import math\n\n\n", "import pandas as pd\n\n", "# helpers\n")) + prefix
        )
    if rng.random() < 0.25:
        call = names.word(rng)
        suffix += rng.choice((f"\n\nprint({call})\n", f"\n{call} = 1\n", "\n\n# end\n"))
    if rng.random() < 0.2:
        suffix = suffix.rstrip("\n") or "\n"
    return prefix, suffix, hole


def _arguments(rng: random.Random, count: int) -> list[str]:
    pool = _ARGUMENTS if rng.random() < 0.8 else [names.word(rng) for _ in range(6)]
    return rng.sample(sorted(set(pool)), count)


def _head(name: str, arguments: list[str], rng: random.Random) -> list[str]:
    head = [f"def {name}({', '.join(arguments)}):"]
    if rng.random() < 0.3:
        head.append(f'    """Return the {name.replace("_", " ")}."""')
    return head


def _expression(rng: random.Random) -> tuple[list[str], list[str]]:
    count = rng.choice((1, 2))
    table = _TWO if count == 2 else _ONE
    verb = rng.choice(list(table))
    arguments = [*_arguments(rng, count), ""][:2]
    body = table[verb].format(a=arguments[0], b=arguments[1])
    name = verb if rng.random() < 0.7 else f"{verb}_{names.word(rng)}"
    lines = _head(name, arguments[:count], rng)
    if rng.random() < 0.3:
        variable = rng.choice(("result", "answer", "out", "value_"))
        lines += [f"    {variable} = {body}", f"    return {variable}"]
        return lines, [body, f"return {variable}", f"{variable} = {body}"]
    lines.append(f"    return {body}")
    return lines, [body, body, f"return {body}"]


def _loop(rng: random.Random) -> tuple[list[str], list[str]]:
    (items,), total, item = _arguments(rng, 1), rng.choice(("total", "result", "acc")), "item"
    kind, start, step = rng.choice((
        ("total", "0", f"{total} += {item}"), ("product", "1", f"{total} *= {item}"),
        ("count", "0", f"{total} += 1"), ("collect", "[]", f"{total}.append({item})"),
        ("join", '""', f"{total} += str({item})"),
    ))  # fmt: skip
    lines = _head(f"{kind}_{names.word(rng)}", [items], rng)
    first = f"{total} = {start}"
    lines += [
        f"    {first}",
        f"    for {item} in {items}:",
        f"        {step}",
        f"    return {total}",
    ]
    return lines, [step, f"return {total}", f"for {item} in {items}:", first]


def _condition(rng: random.Random) -> tuple[list[str], list[str]]:
    a, b = _arguments(rng, 2)
    name, test, yes, no = rng.choice((
        ("maximum", f"{a} > {b}", a, b),
        ("minimum", f"{a} < {b}", a, b), ("larger", f"{a} > {b}", a, b),
        ("smaller", f"{a} < {b}", a, b), ("safe_divide", f"{b} == 0", "None", f"{a} / {b}"),
        ("difference", f"{a} > {b}", f"{a} - {b}", f"{b} - {a}"),
    ))  # fmt: skip
    lines = _head(name, [a, b], rng)
    lines += [f"    if {test}:", f"        return {yes}", f"    return {no}"]
    return lines, [f"return {no}", test, f"if {test}:"]


def _comprehension(rng: random.Random) -> tuple[list[str], list[str]]:
    (items,) = _arguments(rng, 1)
    name, body = rng.choice((
        ("squares", "[x ** 2 for x in {i}]"), ("doubles", "[x * 2 for x in {i}]"),
        ("evens", "[x for x in {i} if x % 2 == 0]"), ("odds", "[x for x in {i} if x % 2 == 1]"),
        ("positives", "[x for x in {i} if x > 0]"), ("lengths", "[len(x) for x in {i}]"),
        ("uppercase_all", "[x.upper() for x in {i}]"), ("strip_all", "[x.strip() for x in {i}]"),
        ("negatives", "[x for x in {i} if x < 0]"), ("as_strings", "[str(x) for x in {i}]"),
    ))  # fmt: skip
    body = body.replace("{i}", items)
    lines = [*_head(name, [items], rng), f"    return {body}"]
    return lines, [body, f"return {body}"]
