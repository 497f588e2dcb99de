"""Which models are loaded: reuse, load, evict, keep alive, and how many may wait.

One loaded model per weights file. Requests borrow it through a Lease; the keep-alive timer runs
from the end of the last one (reference: models, 8.1). Knows no asyncio and no JSON.
"""

import os
import threading
import time
from dataclasses import dataclass, field

from msgspec.structs import replace

from ollama_nb.errors import Busy, EngineError
from ollama_nb.settings import Settings
from ollama_nb.store import Model
from ollama_nb.wire.options import Options

from .devices import free_gpu_memory
from .host import Host, LoadedModel, check_not_forked
from .memory import Fitted, fit
from .offload import Gpus
from .spec import Beside, LoadSpec, load_spec


@dataclass(eq=False)
class Loaded:
    """One entry of ``ps``. Times are nanoseconds; ``expires_ns`` is since the epoch."""

    model: Model
    wanted: LoadSpec
    """What was asked for: the next request that asks for no more shares it."""
    fitted: Fitted
    runner: LoadedModel
    keep_alive_ns: int
    expires_ns: int = 0
    leases: int = 0
    leaving: bool = False
    """Whether another load waits until nobody uses it: who comes now waits behind that."""

    @property
    def spec(self) -> LoadSpec:
        """What it was loaded as."""
        return self.fitted.spec

    def touch(self) -> None:
        """Restart the keep-alive timer."""
        self.expires_ns = time.time_ns() + self.keep_alive_ns

    def serves(self, spec: LoadSpec) -> bool:
        """Whether a request that asks for this needs no other load: a larger window does too."""
        return self.wanted == replace(spec, window=max(spec.window, self.wanted.window))

    @property
    def expired(self) -> bool:
        """Whether nobody uses it and its time is over."""
        return not self.leases and self.expires_ns <= time.time_ns()


@dataclass(eq=False)
class Lease:
    """The right to use a loaded model, given back once."""

    loaded: Loaded
    window: int
    """The request's context window in tokens; that of the loaded model may be larger."""
    _scheduler: "Scheduler"
    _open: bool = field(default=True)

    @property
    def runner(self) -> LoadedModel:
        """The loaded model."""
        return self.loaded.runner

    def release(self) -> None:
        """Give it back. The second call does nothing."""
        if self._open:
            self._open = False
            self._scheduler.give_back(self.loaded)


class Scheduler:
    """The loaded models of this process. Thread-safe."""

    def __init__(self, host: Host, settings: Settings) -> None:
        """Load on ``host``, within the limits of ``settings``."""
        self._host = host
        self._settings = settings
        self._pid = os.getpid()
        self._loaded: dict[str, Loaded] = {}
        """By weights file."""
        # Not the condition's own ``with``: in its Python code an interrupt can leave the lock held.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._loading = threading.Lock()
        """Held while one request loads or evicts; the others that need a load wait for it."""
        self._loads = 0
        """Requests that load or wait for their turn to."""
        self._freeing = False
        """Whether something that has expired is just being freed."""
        self._closed = False
        self._janitor: threading.Thread | None = None

    def acquire(self, model: Model, options: Options, keep_alive_ns: int | None) -> Lease:
        """Borrow ``model`` as these options need it, loading it if it must be.

        Blocks while it loads. Raises Busy, LoadFailed, EngineError; that in a fork, too.
        """
        check_not_forked(self._pid)
        beside = Beside(model.projector, model.adapters)
        spec = load_spec(model.weights, model.header, options, self._settings, beside)
        with self._lock:
            ready = self._borrow(model, spec, keep_alive_ns)
            if ready is not None:
                return ready
            if self._loads > self._settings.max_queue:  # one of them is loading, not waiting
                raise Busy
            self._loads += 1
        try:
            with self._loading:
                return self._load(model, spec, keep_alive_ns)
        finally:
            with self._lock:
                self._loads -= 1

    def give_back(self, loaded: Loaded) -> None:
        """End one use; the keep-alive timer starts again."""
        if self._forked:
            return
        with self._lock:
            loaded.leases -= 1
            loaded.touch()
            self._changed.notify_all()

    def unload(self, model: Model) -> None:
        """Free ``model`` as soon as nobody uses it; harmless if it is not loaded."""
        if self._forked:
            return
        with self._lock:
            loaded = self._loaded.get(str(model.weights))
            if loaded is not None:
                self._expire(loaded)

    def loaded(self) -> list[Loaded]:
        """What is loaded now and alive; those in use expire a keep-alive from now."""
        if self._forked:
            return []
        with self._lock:
            alive = [one for one in self._loaded.values() if one.runner.alive]
            for loaded in alive:
                if loaded.leases:
                    loaded.touch()
            return alive

    def close(self) -> None:
        """Unload everything now, whoever uses it, and load nothing more."""
        if self._forked:
            return
        with self._lock:
            self._closed = True
            going = list(self._loaded.values())
            self._loaded.clear()
            self._changed.notify_all()
        for loaded in going:
            loaded.runner.close()
        if self._janitor is not None:
            self._janitor.join()

    @property
    def _forked(self) -> bool:
        """Whether this is a fork: nothing is loaded here, and locks held then stay so."""
        return os.getpid() != self._pid

    def _borrow(self, model: Model, spec: LoadSpec, keep_alive_ns: int | None) -> Lease | None:
        """Lease a fitting loaded model if there is one. Needs ``_lock``. Raises Busy."""
        loaded = self._loaded.get(spec.path)
        if loaded is None or loaded.leaving or not loaded.serves(spec):
            return None
        if not loaded.runner.alive:
            return None
        if loaded.leases >= loaded.spec.num_sequences + self._settings.max_queue:
            raise Busy
        if keep_alive_ns is not None:
            loaded.keep_alive_ns = keep_alive_ns
        loaded.model = model
        loaded.leases += 1
        loaded.touch()
        return Lease(loaded, spec.window, self)

    def _load(self, model: Model, wanted: LoadSpec, keep_alive_ns: int | None) -> Lease:
        """Make room, load, and lease. Needs ``_loading``."""
        with self._lock:
            ready = self._borrow(model, wanted, keep_alive_ns)
            if ready is not None:
                return ready
        self._make_room(wanted.path)
        fitted = self._fitted(model, wanted)
        self._check_open()
        runner = self._host.load(fitted.spec)
        if keep_alive_ns is None:
            keep_alive_ns = self._settings.keep_alive_ns
        with self._lock:
            try:
                self._check_open()
            except EngineError:
                runner.close()
                raise
            loaded = Loaded(model, wanted, fitted, runner, keep_alive_ns, leases=1)
            loaded.touch()
            self._loaded[wanted.path] = loaded
            self._start_janitor()
            return Lease(loaded, wanted.window, self)

    def _fitted(self, model: Model, wanted: LoadSpec) -> Fitted:
        """Fit it into the memory there is; idle models make room if they must (API, 4.3)."""
        settings = self._settings
        with self._lock:
            while self._freeing and not self._closed:
                self._changed.wait()
        while True:
            gpus = Gpus(free_gpu_memory(), settings.gpu_overhead, settings.sched_spread)
            try:
                return fit(model.header, wanted, gpus)
            except EngineError:
                if not self._unload_idle():
                    raise

    def _unload_idle(self) -> bool:
        """Unload one model that nobody uses. False: there is none."""
        with self._lock:
            idle = next((one for one in self._eviction_order() if not one.leases), None)
            if idle is None:
                return False
            del self._loaded[idle.spec.path]
        idle.runner.close()
        return True

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError("the engine has been closed")

    def _make_room(self, path: str) -> None:
        """Unload what stands in the way of ``path``: itself in another shape, or one too many."""
        while True:
            with self._lock:
                victim = self._loaded.get(path) or self._victim()
                if victim is None:
                    return
                victim.leaving = True
                if victim.runner.alive:
                    self._expire(victim)
                while victim.runner.alive and victim.leases and not self._closed:
                    self._changed.wait()
                self._loaded.pop(victim.spec.path, None)
            victim.runner.close()

    def _victim(self) -> Loaded | None:
        """Whom to evict: the shortest keep-alive first, idle ones before busy ones."""
        if len(self._loaded) < self._settings.max_loaded_models:
            return None
        order = self._eviction_order()
        return next((one for one in order if not one.leases), order[0])

    def _eviction_order(self) -> list[Loaded]:
        """Dead ones first, then the shortest keep-alive. Needs ``_lock``."""
        return sorted(
            self._loaded.values(),
            key=lambda one: (one.runner.alive, one.keep_alive_ns, one.spec.path),
        )

    def _expire(self, loaded: Loaded) -> None:
        """Let its time be over. Needs ``_lock``."""
        loaded.keep_alive_ns = 0
        loaded.touch()
        self._changed.notify_all()

    def _start_janitor(self) -> None:
        if self._janitor is None:
            self._janitor = threading.Thread(
                target=self._unload_expired, name="ollama-nb-keep-alive", daemon=True
            )
            self._janitor.start()

    def _unload_expired(self) -> None:
        """Unload what has expired, sleep until the next one does; the janitor's whole life."""
        while True:
            with self._lock:
                if self._closed:
                    return
                expired = [one for one in self._loaded.values() if one.expired]
                for loaded in expired:
                    del self._loaded[loaded.spec.path]
                self._freeing = bool(expired)
                if not expired:
                    self._changed.wait(self._seconds_to_next())
            for loaded in expired:
                loaded.runner.close()
            with self._lock:
                self._freeing = False
                self._changed.notify_all()

    def _seconds_to_next(self) -> float | None:
        idle = [one.expires_ns for one in self._loaded.values() if not one.leases]
        if not idle:
            return None
        return min(max(0.0, (min(idle) - time.time_ns()) / 1e9), threading.TIMEOUT_MAX)
