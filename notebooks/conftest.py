"""nbval on these notebooks: answers are shown once, and measured values are not compared."""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_PATIENCE = 300

# Inherited by the kernels: one display for each answer, and no models but the built-in ones.
os.environ.setdefault("OLLAMA_NB_DISPLAY", "final")
_models = tempfile.TemporaryDirectory(prefix="ollama-nb-")


def pytest_configure(config: pytest.Config) -> None:
    """Compare with the patterns of sanitize.cfg, whether or not the command line says so."""
    if getattr(config.option, "nbval", False) and not config.option.nbval_sanitize_with:
        config.option.nbval_sanitize_with = str(_HERE / "sanitize.cfg")
        config.option.nbval_kernel_startup_timeout = _PATIENCE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Wait for outputs as long as a busy machine may need; nbval does for five seconds."""
    for item in items:
        if hasattr(item, "output_timeout"):
            item.output_timeout = _PATIENCE


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup() -> Generator[None, None, None]:
    """Start kernels, with the first cell of each, on a store that no other test writes to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLLAMA_MODELS", _models.name)
        return (yield)


def pytest_unconfigure() -> None:
    """Remove the store."""
    _models.cleanup()
