"""Small tokenizers of every kind, trained here, with the files that Hugging Face keeps them in."""

import io
import json

import sentencepiece
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEXTS = (
    "The quick brown fox jumps over the lazy dog, isn't it? We'll see: they've said he'd come.",
    "Ein süßes Übermaß an Größe; café, naïve façade, Ærøskøbing, Łódź, Đà Nẵng, İstanbul.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю. Ελληνικά: καλημέρα κόσμε!",
    "مرحبا بالعالم، كيف حالك اليوم؟ שלום עולם, מה שלומך? नमस्ते दुनिया, आप कैसे हैं?",
    "你好，世界！今天天气很好。 こんにちは世界、元気ですか？",  # noqa: RUF001
    "안녕하세요 세계, 잘 지내세요? สวัสดีชาวโลก",
    "def f(x):\n    return x ** 2  # comment\n\n\tprint(f'{x!r:>10}')\r\n\r\nif a != b: pass",
    "1234567890 3.14159 1,000,000 0xFF 2026-11-21T19:49:10Z ½ ² Ⅷ ٣٤٥",
    "👩‍👩‍👧‍👦 👍🏽 🇩🇪 ❤️ 😀😀 — “quotes” … «angle» ∑∫√∞ ≠ ≤ \u200b|zero width",
    "   leading and   many    spaces     \n\n\n   and lines \t\t tabs   ",
    "MixedCaseIdentifier snake_case_name SCREAMING_CASE kebab-case http://example.org/a?b=c&d=%20",
    "a", " ", "\n", "  a", "\u00a0nbsp\u3000ideographic",
    "e.g. U.S.A. 50% #tag @user $5 (x) [y] {z}",
)  # fmt: skip
"""A corpus in many scripts, composed as NFC has it."""
SPECIALS = ("<|begin|>", "<|end|>", "<|user|>", "<tool>")
_LINES = [line for text in TEXTS for line in text.splitlines() if line.strip()] * 4


class ByteLevel:
    """Byte-level BPE, cutting words by ``rule``; None is GPT-2's."""

    def __init__(self, rule, *, bos=True, normalizer=None):
        tokenizer = Tokenizer(models.BPE(ignore_merges=rule in (LLAMA3, TEKKEN)))
        if normalizer:
            tokenizer.normalizer = normalizer
        steps = [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=rule is None)]
        if rule:
            steps.insert(0, pre_tokenizers.Split(Regex(rule), "isolated"))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.train_from_iterator(
            _LINES,
            trainers.BpeTrainer(
                vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                show_progress=False,
            ),
        )  # fmt: skip
        tokenizer.add_special_tokens(list(SPECIALS[:3]))
        tokenizer.add_tokens([AddedToken(SPECIALS[3], normalized=False)])
        if bos:
            number = tokenizer.token_to_id(SPECIALS[0])
            tokenizer.post_processor = processors.Sequence(
                [
                    processors.ByteLevel(trim_offsets=False),
                    processors.TemplateProcessing(
                        single=f"{SPECIALS[0]} $A", special_tokens=[(SPECIALS[0], number)]
                    ),
                ]
            )
        self.tokenizer = tokenizer
        self.count = tokenizer.get_vocab_size()
        self.document = json.loads(tokenizer.to_str())
        self.config = {"bos_token": SPECIALS[0], "eos_token": {"content": SPECIALS[1]}}

    def write(self, folder):
        (folder / "tokenizer.json").write_text(json.dumps(self.document))
        (folder / "tokenizer_config.json").write_text(json.dumps(self.config))

    def encode(self, text):
        return self.tokenizer.encode(text).ids


class Pieces:
    """SentencePiece's BPE, with added tokens behind its own."""

    def __init__(self, *, prefix=True, added=(), spaces=()):
        self.added = added
        file = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(_LINES), model_writer=file, vocab_size=900, model_type="bpe",
            byte_fallback=True, split_digits=True, normalization_rule_name="identity",
            remove_extra_whitespaces=False, add_dummy_prefix=prefix, character_coverage=0.999,
            allow_whitespace_only_pieces=True, minloglevel=2, hard_vocab_limit=False,
            user_defined_symbols=list(spaces),
        )  # fmt: skip
        self.data = file.getvalue()
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=self.data)
        self.count = len(self.processor) + len(added)

    def write(self, folder):
        (folder / "tokenizer.model").write_bytes(self.data)
        first = len(self.processor)
        added = {str(first + place): {"content": text, "special": True, "rstrip": strips}
                 for place, (text, strips) in enumerate(self.added)}  # fmt: skip
        config = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
                  "add_bos_token": True, "added_tokens_decoder": added}  # fmt: skip
        (folder / "tokenizer_config.json").write_text(json.dumps(config))

    def encode(self, text):
        return [self.processor.bos_id(), *self.processor.encode(text)]


class PiecesJson(Pieces):
    """The same, told by a tokenizer.json, as `transformers` tells of Llama 2."""

    def __init__(self):
        super().__init__()
        size = len(self.processor)
        words = {self.processor.id_to_piece(number): number for number in range(size)}
        merges = sorted(
            (words[word], word[:cut], word[cut:])
            for word in words for cut in range(1, len(word))
            if not word.startswith("<") and word[:cut] in words and word[cut:] in words
        )  # fmt: skip
        self.tokenizer = Tokenizer(
            models.BPE(
                words, [(left, right) for _, left, right in merges],
                unk_token="<unk>", fuse_unk=True, byte_fallback=True,
            )
        )  # fmt: skip
        self.tokenizer.normalizer = normalizers.Sequence(
            [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
        )
        self.tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
        self.tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", 1)]
        )

    def write(self, folder):
        (folder / "tokenizer.json").write_text(self.tokenizer.to_str())
        config = {"bos_token": "<s>", "eos_token": "</s>"}
        (folder / "tokenizer_config.json").write_text(json.dumps(config))

    def encode(self, text):
        return self.tokenizer.encode(text).ids


class Words:
    """WordPiece, BERT's."""

    def __init__(self, *, lower=True, size=700):
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.train_from_iterator(
            _LINES,
            trainers.WordPieceTrainer(
                vocab_size=size, show_progress=False,
                special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
            ),
        )  # fmt: skip
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            special_tokens=[(one, tokenizer.token_to_id(one)) for one in ("[CLS]", "[SEP]")],
        )
        self.tokenizer = tokenizer
        self.count = tokenizer.get_vocab_size()

    def write(self, folder):
        (folder / "tokenizer.json").write_text(self.tokenizer.to_str())
        names = ("cls", "sep", "unk", "pad", "mask")
        config = {f"{name}_token": f"[{name.upper()}]" for name in names}
        (folder / "tokenizer_config.json").write_text(json.dumps(config))

    def encode(self, text):
        return self.tokenizer.encode(text).ids


KINDS = {
    "llama-bpe": lambda: ByteLevel(LLAMA3),
    "qwen2": lambda: ByteLevel(QWEN2, bos=False, normalizer=normalizers.NFC()),
    "tekken": lambda: ByteLevel(TEKKEN),
    "gpt-2": lambda: ByteLevel(None, bos=False),
    "pieces": Pieces,
    "pieces-json": PiecesJson,
    "gemma": lambda: Pieces(prefix=False, spaces=["\u2581\u2581", "\u2581\u2581\u2581"]),
    "phi3": lambda: Pieces(added=[("<|endoftext|>", False), ("<|end|>", True), ("<|user|>", True)]),
    "words": Words,
}
