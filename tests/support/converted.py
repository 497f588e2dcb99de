"""A GGUF computed by llama.cpp as exactly as it can: no shortcuts in the cache."""

import contextlib

import numpy as np

_F32, _NONE, _MEAN = 0, 0, 1


@contextlib.contextmanager
def opened(path, *, window=512, encodes=False, adapter=None):
    """The model; closed at the end, not when it is collected."""
    import llama_cpp

    pooling = {"embedding": True, "pooling_type": _MEAN} if encodes else {"logits_all": True}
    model = llama_cpp.Llama(
        str(path), n_ctx=window, n_batch=window, n_ubatch=window, n_threads=1, n_threads_batch=1,
        type_k=_F32, type_v=_F32, verbose=False, flash_attn=False, n_gpu_layers=0,
        lora_path=adapter and str(adapter), **pooling,
    )  # fmt: skip
    try:
        yield model
    finally:
        model.close()


def logits(path, tokens, *, window=512, adapter=None):
    """Of the token after each."""
    with opened(path, window=window, adapter=adapter) as model:
        model.eval(tokens)
        return np.array(model.scores[: len(tokens)])


def vector(path, text):
    """The mean of the last layer."""
    with opened(path, encodes=True) as model:
        return np.array(model.embed(text, normalize=False))


def tokens(model, text, *, special=False):
    """As the model itself cuts a text."""
    return model.tokenize(text.encode(), add_bos=True, special=special)
