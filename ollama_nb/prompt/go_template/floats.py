"""Floating point numbers as Go prints them: the shortest digits that read back the same."""

import math


def shortest(value: float) -> str:
    """As ``%v`` does, with an exponent from a million on."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = parts(value)
    if value and not -4 <= exponent < 6:
        return scientific(sign, digits, exponent)
    return sign + positional(digits, exponent)


def parts(value: float) -> tuple[str, str, int]:
    """Sign, significant digits and the decimal exponent of the first of them."""
    mantissa, _, exponent = f"{value!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    fraction = "" if fraction == "0" and not exponent else fraction
    digits = (whole + fraction).lstrip("0")
    first = len(whole) - 1 if whole != "0" else -1 - (len(fraction) - len(fraction.lstrip("0")))
    return sign, digits.rstrip("0") or "0", (first if digits else 0) + int(exponent or 0)


def positional(digits: str, exponent: int) -> str:
    """Digits with their point where it belongs."""
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    if len(digits) <= exponent + 1:
        return digits + "0" * (exponent + 1 - len(digits))
    return f"{digits[: exponent + 1]}.{digits[exponent + 1 :]}"


def scientific(sign: str, digits: str, exponent: int) -> str:
    """Digits with an exponent of two digits at least."""
    point = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
