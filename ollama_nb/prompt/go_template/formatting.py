"""Go's printf: verbs, flags, width, precision, numbered arguments, and its complaints."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from .errors import Fault
from .floats import parts, positional, scientific, shortest
from .literals import as_bytes, as_text, quoted
from .printing import text_within
from .values import Struct, type_name

MAX_SIZE = 4 << 20
_MAX_WIDTH = 1_000_000
_VERB = re.compile(
    r"%(?P<flags>[-+# 0]*)(?P<first>\[[^\]]*\]?)?(?P<width>\*|[0-9]+)?"
    r"(?:(?P<point>\.)(?P<second>\[[^\]]*\]?)?(?P<precision>\*|[0-9]+)?)?(?P<third>\[[^\]]*\]?)?"
    r"(?P<verb>.)?",
    re.DOTALL,
)


class _Spec(NamedTuple):
    verb: str
    flags: str
    width: int | None
    precision: int | None


def sprintf(pattern: str, values: Sequence[Any]) -> str:
    """Format. What is wrong stands in the result, as Go has it."""
    return _Printer(values).print(pattern)


class _Printer:
    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values
        self._following = 0
        self._reordered = False
        self._good_number = True
        self._pieces: list[str] = []
        self._size = 0

    def print(self, pattern: str) -> str:
        at = 0
        while (found := _VERB.search(pattern, at)) is not None:
            self._write(pattern[at : found.start()])
            self._write(self._verb(found))
            at = found.end()
        self._write(pattern[at:])
        if not self._reordered and self._following < len(self._values):
            rest = (_bad_value(value) for value in self._values[self._following :])
            self._write(f"%!(EXTRA {', '.join(rest)})")
        return "".join(self._pieces)

    def _write(self, text: str) -> None:
        self._size += len(text)
        if self._size > MAX_SIZE:
            raise Fault(f"result longer than {MAX_SIZE >> 20} MiB")
        self._pieces.append(text)

    def _verb(self, found: re.Match[str]) -> str:
        self._good_number, self._reordered = True, False
        self._renumber(found["first"])
        flags, complaint = found["flags"], ""
        width, precision = None, None
        if found["width"]:
            width, bad = self._amount(found["width"], found["first"])
            complaint += "%!(BADWIDTH)" if bad else ""
            if width is not None and width < 0:
                width, flags = -width, f"{flags}-"
        if found["point"]:
            self._renumber(found["second"])
            precision, bad = self._amount(found["precision"] or "0", found["second"])
            if precision is not None and precision < 0:
                precision, bad = None, found["precision"] == "*"
            complaint += "%!(BADPREC)" if bad else ""
        self._renumber(found["third"])
        verb = found["verb"]
        if verb is None:
            return f"{complaint}%!(NOVERB)"
        return complaint + self._format(_Spec(verb, flags, width, precision))

    def _renumber(self, bracket: str | None) -> None:
        if bracket is None:
            return
        self._reordered = True
        inside = bracket.strip("[]")
        number = int(inside) if re.fullmatch("[0-9]{1,7}", inside) else 0
        if bracket.endswith("]") and 1 <= number <= len(self._values):
            self._following = number - 1
        else:
            self._good_number = False

    def _amount(self, text: str, bracket: str | None) -> tuple[int | None, bool]:
        """A width or a precision, and whether it is bad."""
        if text != "*":
            if bracket is not None:
                self._good_number = False
            return (int(text), False) if len(text) < 8 and int(text) <= _MAX_WIDTH else (None, True)
        value = self._values[self._following] if self._following < len(self._values) else None
        self._following += self._following < len(self._values)
        if type(value) is int and abs(value) <= _MAX_WIDTH:
            return value, False
        return None, True

    def _format(self, spec: _Spec) -> str:
        if spec.verb == "%":
            return "%"
        if not self._good_number:
            return f"%!{spec.verb}(BADINDEX)"
        if self._following >= len(self._values):
            return f"%!{spec.verb}(MISSING)"
        self._following += 1
        return format_value(self._values[self._following - 1], spec)


def format_value(value: Any, spec: _Spec, *, within: bool = False) -> str:
    """One value by one verb; ``within`` a collection nil is written whatever the verb."""
    if spec.verb == "T":
        return _pad("<nil>" if value is None else type_name(value), spec)
    if spec.verb == "v" and "#" in spec.flags:
        return _pad(_go_syntax(value), spec)
    match value:
        case None:
            return _pad("<nil>", spec) if within or spec.verb == "v" else f"%!{spec.verb}(<nil>)"
        case bool():
            text = ("true" if value else "false") if spec.verb in "tv" else None
            return _bad(value, spec) if text is None else _pad(text, spec)
        case int():
            return _integer(value, spec)
        case float():
            return _float(value, spec)
        case complex():
            return _complex(value, spec)
        case str():
            return _string(value, spec)
    return _collection(value, spec)


def _collection(value: Any, spec: _Spec) -> str:
    if spec.verb in "vs" and not isinstance(value, list | dict):
        return _pad(text_within(value), spec)
    if type(value) not in (list, dict):
        # Types with a text of their own.
        text = text_within(value)
        return _string(text, spec) if spec.verb in "vsqxX" else _bad(value, spec)
    if isinstance(value, list):
        return f"[{' '.join(format_value(item, spec, within=True) for item in value)}]"
    pairs = (
        f"{format_value(key, spec)}:{format_value(value[key], spec, within=True)}"
        for key in sorted(value)
    )
    return f"map[{' '.join(pairs)}]"


def _integer(value: int, spec: _Spec) -> str:
    match spec.verb:
        case "d" | "v":
            digits = str(abs(value))
        case "b" | "o" | "x" | "X":
            prefix = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}[spec.verb]
            digits = format(abs(value), spec.verb)
            digits = prefix + digits if "#" in spec.flags else digits
        case "O":
            digits = "0o" + format(abs(value), "o")
        case "c":
            return _pad(_character(value), spec)
        case "q":
            return _pad(quoted(_character(value), quote="'", ascii_only="+" in spec.flags), spec)
        case "U":
            shown = _character(value)
            named = f" '{shown}'" if "#" in spec.flags and shown.isprintable() else ""
            return _pad(f"U+{value & 0xFFFFFFFFFFFFFFFF:04X}{named}", spec)
        case _:
            return _bad(value, spec)
    if spec.precision is not None:
        digits = "" if spec.precision == value == 0 else digits.rjust(spec.precision, "0")
        if not digits:
            return _pad("", spec._replace(flags=spec.flags.replace("0", "")))
    return _signed(value < 0, digits, spec, zeros=spec.precision is None)


def _character(value: int) -> str:
    if not 0 <= value <= 0x10FFFF or 0xD800 <= value < 0xE000:
        return "\ufffd"
    return chr(value)


def _signed(negative: bool, digits: str, spec: _Spec, *, zeros: bool = True) -> str:
    sign = "-" if negative else "+" if "+" in spec.flags else " " if " " in spec.flags else ""
    if zeros and "0" in spec.flags and "-" not in spec.flags and spec.width is not None:
        digits = digits.rjust(spec.width - len(sign), "0")
    return _pad(sign + digits, spec._replace(flags=spec.flags.replace("0", "")))


def _float(value: float, spec: _Spec) -> str:
    text = _float_text(value, spec)
    if text is None:
        return _bad(value, spec)
    if text in ("NaN", "+Inf", "-Inf"):
        plain = text if "+" in spec.flags or text != "+Inf" else "+Inf"
        plain = f"+{plain}" if "+" in spec.flags and plain == "NaN" else plain
        return _pad(plain, spec._replace(flags=spec.flags.replace("0", "")))
    return _signed(text.startswith("-"), text.lstrip("-"), spec)


def _float_text(value: float, spec: _Spec) -> str | None:
    """Digits and, for a negative number, a sign."""
    if value != value or value in (float("inf"), float("-inf")):
        return shortest(value) if spec.verb in "vgGeEfF" else None
    precision = spec.precision
    match spec.verb:
        case "f" | "F":
            return f"{value:.{6 if precision is None else precision}f}"
        case "e" | "E":
            return f"{value:.{6 if precision is None else precision}{spec.verb}}"
        case "v" | "g" | "G":
            text = shortest(value) if precision is None else _general(value, max(precision, 1))
            return text.upper() if spec.verb == "G" else text
        case "x" | "X" if precision is None:
            mantissa, _, exponent = value.hex().partition("p")
            mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
            text = f"{mantissa or '0x0'}p{exponent[0]}{int(exponent[1:]):02d}"
            return text.upper() if spec.verb == "X" else text
    return None


def _general(value: float, precision: int) -> str:
    """So many digits, with an exponent where there would be more zeros than that."""
    sign, digits, exponent = parts(float(f"{value:.{precision - 1}e}"))
    limit = len(digits) if precision > len(digits) >= exponent + 1 else precision
    if not -4 <= exponent < limit:
        return scientific(sign, digits, exponent)
    return sign + positional(digits, exponent)


def _complex(value: complex, spec: _Spec) -> str:
    plus = spec._replace(flags=f"{spec.flags}+")
    real, imaginary = _float_text(value.real, spec), _float_text(value.imag, spec)
    if real is None or imaginary is None:
        return _bad(value, spec)
    return f"({_float(value.real, spec)}{_float(value.imag, plus)}i)"


def _string(value: str, spec: _Spec) -> str:
    match spec.verb:
        case "s" | "v":
            return _pad(_cut(value, spec), spec)
        case "q":
            text = _cut(value, spec)
            if "#" in spec.flags and "`" not in text and (text.isprintable() or not text):
                return _pad(f"`{text}`", spec)
            return _pad(quoted(text, ascii_only="+" in spec.flags), spec)
        case "x" | "X":
            data = as_bytes(_cut(value, spec))[: spec.precision]
            text = data.hex(" ") if " " in spec.flags else data.hex()
            if "#" in spec.flags and data:
                text = "0x" + (text.replace(" ", " 0x") if " " in spec.flags else text)
            return _pad(text.upper() if spec.verb == "X" else text, spec)
    return _bad(value, spec)


def _cut(value: str, spec: _Spec) -> str:
    return value if spec.precision is None else value[: spec.precision]


def _pad(text: str, spec: _Spec) -> str:
    if spec.width is None:
        return text
    if "-" in spec.flags:
        return text.ljust(spec.width)
    return text.rjust(spec.width, "0" if "0" in spec.flags else " ")


def _bad(value: Any, spec: _Spec) -> str:
    shown = format_value(value, spec._replace(verb="v"))
    return f"%!{spec.verb}({type_name(value)}={shown})"


def _bad_value(value: Any) -> str:
    return "<nil>" if value is None else f"{type_name(value)}={text_within(value)}"


def _go_syntax(value: Any) -> str:
    """What ``%#v`` shows."""
    if value is None:
        return "<nil>"
    if isinstance(value, str):
        return quoted(as_text(as_bytes(value)))
    if isinstance(value, list):
        return f"{type_name(value)}{{{', '.join(map(_go_syntax_within, value))}}}"
    if isinstance(value, dict):
        pairs = (f"{quoted(key)}:{_go_syntax_within(value[key])}" for key in sorted(value))
        return f"{type_name(value)}{{{', '.join(pairs)}}}"
    if isinstance(value, Struct):
        pairs = (f"{key}:{_go_syntax_within(item)}" for key, item in value.fields.items())
        return f"{value.type_name}{{{', '.join(pairs)}}}"
    return text_within(value)


def _go_syntax_within(value: Any) -> str:
    return "interface {}(nil)" if value is None else _go_syntax(value)
