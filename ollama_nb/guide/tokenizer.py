"""The tokenizer: byte-level BPE that cuts a word alike wherever it stands, plus our own tokens.

GPT-2's splitting puts the blank before a word into its token, so that ` Paris` in a sentence and
`Paris` in a tool call share nothing, and a small model cannot copy one to the other. Here merges
within words come first and know no blanks, digits stay single, and only then may the blank join the
commonest words of our own prose. The splitting itself is GPT-2's, as llama.cpp's `gpt-2` expects.

Needs the `tokenizers` package (a development extra); the model's files carry all of it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<|im_end|>"
PADDING = "<|endoftext|>"
CONTROL = (PADDING, "<|im_start|>", END, "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
VISIBLE = ("<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>",
           "</tool_response>", "<tools>", "</tools>")  # fmt: skip

_OWN = re.compile("|".join(map(re.escape, (*CONTROL, *VISIBLE))))
_BLANK = "\u0120"
"""How byte-level BPE writes a blank."""


def train_tokenizer(
    texts: Iterable[str], prose: Iterable[str], size: int, joined: int = 1000
) -> Tokenizer:
    """Train a vocabulary of exactly `size` tokens, ours last.

    `joined` of them are the commonest words of `prose` with the blank before them.

    Raises:
        ValueError: The texts give fewer tokens.
    """
    apart = size - joined - len(CONTROL) - len(VISIBLE)
    vocabulary, merges = _train_apart((_OWN.sub(" ", text) for text in texts), apart)
    common = Counter(word for text in prose for word in re.findall(r"(?<= )[a-zA-Z_]+", text))
    for word in [word for word, _ in common.most_common() if word in vocabulary][:joined]:
        vocabulary[_BLANK + word] = len(vocabulary)
        merges.append((_BLANK, word))
    tokenizer = assemble(vocabulary, merges)
    if tokenizer.get_vocab_size() != size:
        raise ValueError(f"the texts give only {tokenizer.get_vocab_size()} tokens, not {size}")
    return tokenizer


def assemble(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    """Return the tokenizer of a vocabulary without our own tokens, which come after it."""
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in CONTROL])
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=False) for t in VISIBLE])
    return tokenizer


def _train_apart(texts: Iterable[str], size: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return vocabulary and merges of words without their blanks, and of single digits."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r" (?=\S)"), "isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]
