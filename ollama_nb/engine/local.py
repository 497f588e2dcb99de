"""The host that is this process: each loaded model runs on a thread of its own."""

from .host import LoadedModel
from .spec import LoadSpec


class LocalHost:
    """Models live in this process."""

    def load(self, spec: LoadSpec) -> LoadedModel:
        """Load and wait until it is ready. Raises LoadFailed or EngineError."""
        # Native code enters the process with the first model, not with the import of the package.
        from .runner import Runner

        return Runner(spec)
