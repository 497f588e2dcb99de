"""Errors for people: what was probably meant, and where to look. The wire's texts stay bare."""

from ollama_nb.errors import ModelNotFound
from ollama_nb.names import Name
from ollama_nb.service import Service

from .parser import did_you_mean
from .ways import DEFAULT_MODEL, line_of


def with_suggestion(error: ModelNotFound, service: Service, way: str) -> ModelNotFound:
    """Add the nearest local name and where to look."""
    better = ModelNotFound(error.name)
    near = nearest(error.name, service) or "."
    better.args = (f"{better}{near} {line_of(way, 'list')} shows what is here.",)
    return better


def nearest(name: str, service: Service) -> str:
    """Return ``. Did you mean X?`` with a model that is here, or nothing when none is near."""
    known = [short_name(model.name) for model in service.list().models]
    return did_you_mean(short_name(name.lower()), known)


def short_name(name: str) -> str:
    """Drop the tag that is meant anyway."""
    return name.removesuffix(":latest")


def is_built_in(name: str) -> bool:
    """Whether a model of this name comes with the package."""
    parsed = Name.parse(name)
    return parsed.same_as(Name.parse(f"{DEFAULT_MODEL}:{parsed.tag}"))
