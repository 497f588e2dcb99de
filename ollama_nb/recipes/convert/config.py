"""config.json and its kin: numbers of the right type, within what a GGUF file can hold."""

from collections.abc import Mapping
from typing import Any, Final

from ollama_nb.errors import Unconvertible

_MOST: Final = (1 << 31) - 1
_LARGEST: Final = 1e30
"""What is made of it by multiplication still is a float32."""


class Config:
    """One object of a configuration, with errors that name the file and the field.

    Fields have several names where versions of a family do; null counts as absent.
    """

    def __init__(self, values: Mapping[str, Any], *, file: str = "config.json") -> None:
        self._values = values
        self._file = file

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def integer(self, *names: str, default: int | None = None, least: int = 1) -> int:
        """A whole number from ``least`` on; without a default it must be there."""
        value = self._value(names, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
            raise self._fault(names[0], f"is not a whole number from {least} on")
        return value

    def number(self, *names: str, default: float | None = None) -> float:
        """A finite number."""
        value = self._value(names, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._fault(names[0], "is not a number")
        if not abs(value) <= _LARGEST:
            raise self._fault(names[0], "is not a finite number")
        return float(value)

    def numbers(self, name: str, count: int) -> list[float]:
        """A list of so many finite numbers."""
        values = self._value((name,), None)
        if not isinstance(values, list) or len(values) != count:
            raise self._fault(name, f"is not a list of {count} numbers")
        return [Config({name: value}, file=self._file).number(name) for value in values]

    def text(self, *names: str, default: str = "") -> str:
        """A text."""
        value = self._value(names, default)
        if not isinstance(value, str):
            raise self._fault(names[0], "is not a text")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts, empty if it is not there."""
        values = self._value((name,), ())
        if not isinstance(values, list | tuple) or not all(isinstance(one, str) for one in values):
            raise self._fault(name, "is not a list of texts")
        return list(values)

    def flag(self, *names: str, default: bool = False) -> bool:
        """True or false."""
        value = self._value(names, default)
        if not isinstance(value, bool):
            raise self._fault(names[0], "is not true or false")
        return value

    def part(self, *names: str) -> "Config":
        """An object within, empty if it is not there."""
        value = self._value(names, {})
        if not isinstance(value, dict):
            raise self._fault(names[0], "is not an object")
        return Config(value, file=self._file)

    def raw(self, name: str) -> Any:
        """A field as it is, None if it is not there."""
        return self._values.get(name)

    def overlaid(self, other: "Config") -> "Config":
        """With the fields of another one where this has none."""
        return Config({**other._values, **self._values}, file=self._file)

    def refuse(self, fault: str) -> Unconvertible:
        """An error about this file."""
        return Unconvertible.parse(self._file, fault)

    def _value(self, names: tuple[str, ...], default: Any) -> Any:
        given = (self._values.get(name) for name in names)
        value = next((value for value in given if value is not None), default)
        if value is None:
            raise self._fault(names[0], "is missing")
        return value

    def _fault(self, name: str, fault: str) -> Unconvertible:
        return self.refuse(f"{name} {fault}")
