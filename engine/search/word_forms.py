"""Forms of words that people type instead of those in a list: other cases, reversed, digits behind. Each is one more word that is paid for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import product
from types import MappingProxyType

from engine.errors import UsageError
from engine.search.words import MOST, Words
from hip_cuda_kernels.wordings import LONGEST

MOST_DIGITS = 4
_DIGITS = re.compile(r"digits(?:\(([1-9]\d{0,2})\))?\Z")
_FORMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "lower": str.lower,
        "upper": str.upper,
        "capital": lambda word: word[:1].upper() + word[1:],
        "reversed": lambda word: word[::-1],
    }
)


def formed(words: Words, text: str) -> Words:
    """Return the words with their forms, each once; a form is made of all words before it, so `lower,digits` puts digits behind both."""
    for name in (part.strip() for part in text.split(",")):
        digits = _digits(name)
        tails = (
            [""]
            if digits is None
            else ["".join(one) for n in range(1, digits + 1) for one in product("0123456789", repeat=n)]
        )
        if len(words) * (1 + len(tails)) > 2 * MOST:
            raise UsageError(
                f"--word-forms {name}: {len(words) * (1 + len(tails))} words, at most {MOST}: cut the list or the forms"
            )
        shape = _FORMS.get(name, str)
        words = tuple(dict.fromkeys([*words, *(shape(word) + tail for word in words for tail in tails)]))
    if len(words) > MOST:
        raise UsageError(
            f"--word-forms {text}: {len(words)} words, at most {MOST}: cut the list or the forms"
        )
    if (longest := max(words, key=lambda word: len(word.encode()))) and len(longest.encode()) > LONGEST:
        raise UsageError(
            f"--word-forms {text}: {longest[:20]}… would have more than {LONGEST} bytes; cut the list or the forms"
        )
    return words


def _digits(name: str) -> int | None:
    """Return how many digits are put behind a word, None where the form is another one; raise for what is no form."""
    if name in _FORMS:
        return None
    found = _DIGITS.match(name)
    count = int(found[1] or 1) if found else 0
    if not 1 <= count <= MOST_DIGITS:
        raise UsageError(
            f"--word-forms {name!r}: forms are {', '.join(_FORMS)}, digits, digits(N) for up to N of {MOST_DIGITS} digits"
        )
    return count
