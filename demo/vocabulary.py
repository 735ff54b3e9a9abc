"""The vocabulary of a language pair, grown out of an earlier one so that a model can go on from earlier weights.

Pieces that stay keep their text and score. Digits become pieces of their own, whole words that are often needed and
single characters are added, and a piece for each byte, so that no text is unknown.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from dictionaries import Entry
from sentencepiece import SentencePieceProcessor
from sentencepiece import sentencepiece_model_pb2 as proto

START = "\u2581"
_WORD = re.compile(r"[^\W\d_]{2,}")
_DIGITS = re.compile(f"{START}?[0-9]{{2,}}|.*[0-9].*[^0-9{START}].*|.*[^0-9{START}].*[0-9].*")
_CHARACTERS = (
    "".join(map(chr, range(33, 127)))
    + "ÄÖÜäöüßẞÀÂÆÇÈÉÊËÎÏÔŒÙÛŸàâæçèéêëîïôœùûÿ"
    + "«»\u2039\u203a„“”\u201a\u2018\u2019\u2013—…·•°§€£¥©®™²³½±\u00d7µáíóúñÑøåÅØ"
    + "😀😂😊😍😎😢😭😉👍👎🙏🎉🎂❤🔥✅❌⭐☀🌍🚀💡📧📞☕🍕🐶🐱→←↑↓✓•☺♥"
)


def wanted_words(
    entries: Iterable[Entry], names: Iterable[str], everyday: Iterable[str], sentences: Iterable[str]
) -> dict[str, float]:
    """Words that should be pieces though the sentences have them seldom, and how often they shall count.

    Those of dictionaries, names, everyday words; and the usual words of the sentences in capitals.
    """
    words: Counter[str] = Counter()
    for entry in entries:
        for word in _WORD.findall(f"{entry.english} {entry.other}"):
            words[word] += 1.5  # type: ignore[assignment]
    for name in names:
        words.update(dict.fromkeys(name.split(), 6))
    words.update(dict.fromkeys(everyday, 60))
    small = Counter(word.lower() for sentence in sentences for word in _WORD.findall(sentence))
    for word, count in small.most_common(700):
        words[word.upper()] += 8 + 0.02 * count  # type: ignore[assignment]
    return dict(words)


def grow(old: Path, sentences: Iterable[str], words: Mapping[str, float], path: Path, *, pieces: int) -> None:
    """Write a vocabulary of ``pieces`` pieces.

    Args:
        old: the vocabulary to begin with.
        sentences: text of both languages; its words count once each.
        words: further words and what they count; those that save most pieces are taken first.
        path: the new vocabulary.
        pieces: its size, bytes included.
    """
    model = proto.ModelProto.FromString(old.read_bytes())
    processor = SentencePieceProcessor(str(old))
    kept = [one for one in model.pieces if one.type == one.NORMAL and not _DIGITS.fullmatch(one.piece)]
    scores = {one.piece: one.score for one in kept}
    lowest = min(scores.values())
    for character in _CHARACTERS:
        scores.setdefault(character, lowest)
    for digit in "0123456789":
        scores.setdefault(START + digit, lowest)

    counts: Counter[str] = Counter()
    for sentence in sentences:
        counts.update(_WORD.findall(sentence))
    total = sum(counts.values())
    for word, weight in words.items():
        if _WORD.fullmatch(word):
            counts[word] += weight  # type: ignore[assignment]
    candidates = [word for word in counts if START + word not in scores and counts[word] >= 2]
    lengths = [len(encoded) for encoded in processor.encode(candidates)]
    saved = {word: counts[word] * (length - 1) for word, length in zip(candidates, lengths, strict=True)}
    room = pieces - len(scores) - 256 - 2
    for word in sorted(candidates, key=lambda word: (-saved[word], word))[:room]:
        scores[START + word] = math.log(counts[word] / total)

    del model.pieces[:]
    model.pieces.add(piece="</s>", score=0.0, type=proto.ModelProto.SentencePiece.CONTROL)
    model.pieces.add(piece="<unk>", score=0.0, type=proto.ModelProto.SentencePiece.UNKNOWN)
    for piece, score in sorted(scores.items(), key=lambda entry: (-entry[1], entry[0])):
        model.pieces.add(piece=piece, score=score, type=proto.ModelProto.SentencePiece.NORMAL)
    for byte in range(256):
        model.pieces.add(piece=f"<0x{byte:02X}>", score=0.0, type=proto.ModelProto.SentencePiece.BYTE)
    model.trainer_spec.byte_fallback = True
    model.trainer_spec.split_digits = True
    model.trainer_spec.vocab_size = len(model.pieces)
    path.write_bytes(model.SerializeToString())
