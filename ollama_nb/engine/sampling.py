"""Options become a sampler chain: which samplers, in which order, with which numbers.

Pure: names and numbers only; engine/native/ builds what is listed here. The order is Ollama's:
penalties, top_k, typical, top_p, min_p, temperature, then the draw; mirostat replaces the filters.
"""

import secrets

from ollama_nb.wire.options import Options

ChainStep = tuple[str, tuple[int | float, ...]]
"""A sampler (``llama_sampler_init_<name>``) and its arguments, vocabulary size left out."""

_MIROSTAT_CANDIDATES = 100

_COLDEST = 1e-6
"""Dividing by anything smaller overflows a float32; the likeliest token is all that is left."""


def is_greedy(options: Options) -> bool:
    """Whether the likeliest token is always taken, so that an argmax does the chain's work."""
    return options.temperature < _COLDEST and not penalty_window(options, num_ctx=1)


def chain_steps(options: Options, num_ctx: int) -> list[ChainStep]:
    """The chain for one sequence in a window of ``num_ctx`` tokens."""
    steps: list[ChainStep] = []
    window = penalty_window(options, num_ctx)
    if window:
        repeat = options.repeat_penalty if options.repeat_penalty > 0 else 1.0
        steps.append(
            ("penalties", (window, repeat, options.frequency_penalty, options.presence_penalty))
        )
    if options.temperature < _COLDEST:
        return [*steps, ("greedy", ())]
    seed = draw_seed(options)
    if options.mirostat == 1:
        shape = (seed, options.mirostat_tau, options.mirostat_eta, _MIROSTAT_CANDIDATES)
        return [*steps, ("temp", (options.temperature,)), ("mirostat", shape)]
    if options.mirostat == 2:
        tau_eta = (seed, options.mirostat_tau, options.mirostat_eta)
        return [*steps, ("temp", (options.temperature,)), ("mirostat_v2", tau_eta)]
    return [*steps, *_filters(options), ("temp", (options.temperature,)), ("dist", (seed,))]


def _filters(options: Options) -> list[ChainStep]:
    """Those filters that do something; each keeps at least one token."""
    filters: list[ChainStep] = []
    if options.top_k > 0:
        filters.append(("top_k", (options.top_k,)))
    if options.typical_p < 1:
        filters.append(("typical", (options.typical_p, 1)))
    if options.top_p < 1:
        filters.append(("top_p", (options.top_p, 1)))
    if options.min_p > 0:
        filters.append(("min_p", (options.min_p, 1)))
    return filters


def penalty_window(options: Options, num_ctx: int) -> int:
    """How many recent tokens are penalised: 0 where no penalty does anything.

    -1 means the whole window; llama.cpp would take it for "off".
    """
    repeats = options.repeat_penalty not in (0.0, 1.0)
    if not (repeats or options.frequency_penalty or options.presence_penalty):
        return 0
    last_n = options.repeat_last_n
    return num_ctx if last_n < 0 else min(last_n, num_ctx)


def draw_seed(options: Options) -> int:
    """The request's seed as llama.cpp wants it; a random one for -1 and every other negative."""
    return secrets.randbits(32) if options.seed < 0 else options.seed
