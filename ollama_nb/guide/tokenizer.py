"""The tokenizer: byte-level BPE with GPT-2's splitting, trained on the corpus, plus our own tokens.

Needs the `tokenizers` package (a development extra); the GGUF carries all of it.
"""

import re
from collections.abc import Iterable

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<|im_end|>"
PADDING = "<|endoftext|>"
CONTROL = (PADDING, "<|im_start|>", END, "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
VISIBLE = ("<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>",
           "</tool_response>", "<tools>", "</tools>")  # fmt: skip


def train_tokenizer(texts: Iterable[str], size: int) -> Tokenizer:
    """Train a vocabulary of exactly `size` tokens, ours last."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    own = [*CONTROL, *VISIBLE]
    ours = re.compile("|".join(map(re.escape, own)))
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(own),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((ours.sub(" ", text) for text in texts), trainer)
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in CONTROL])
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=False) for t in VISIBLE])
    if tokenizer.get_vocab_size() != size:
        raise ValueError(f"the texts give only {tokenizer.get_vocab_size()} tokens, not {size}")
    return tokenizer
