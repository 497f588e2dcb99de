"""Errors for people: what was probably meant, and where to look. The wire's texts stay bare."""

from ollama_nb.errors import ModelNotFound
from ollama_nb.service import Service

from .parser import did_you_mean
from .ways import line_of


def with_suggestion(error: ModelNotFound, service: Service, way: str) -> ModelNotFound:
    """Add the nearest local name and where to look."""
    known = [short_name(model.name) for model in service.list().models]
    near = did_you_mean(short_name(error.name.lower()), known)
    better = ModelNotFound(error.name)
    better.args = (f"{better}{near or '.'} {line_of(way, 'list')} shows what is here.",)
    return better


def short_name(name: str) -> str:
    """Drop the tag that is meant anyway."""
    return name.removesuffix(":latest")
