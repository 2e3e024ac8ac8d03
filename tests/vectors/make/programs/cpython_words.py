"""Oracle: CPython's random seeded by words, of 2.7 and 3; arguments CALL LO HI COUNT WORD... (UTF-8 in hex behind a 1)."""

import binascii
import math
import random
import sys


def seeded(call, word):  # type: (str, str) -> random.Random
    """Return a generator seeded by a word, version 1 or 2 as Python 3 calls them; Python 2 knows its own alone."""
    source = random.Random()
    try:
        source.seed(word, version=int(call[1]))
    except TypeError:  # Python 2 has one version
        source.seed(word)
    return source


def main():  # type: () -> None
    """Print one line a word: the word as it was given, then COUNT values."""
    call, lo, hi, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    for text in sys.argv[5:]:
        source = seeded(call, binascii.unhexlify(text[1:]).decode("utf-8"))
        if call.endswith("randrange"):
            draws = [source.randrange(lo, hi + 1) for _ in range(count)]
        else:
            draws = [int(lo + math.floor(source.random() * (hi - lo + 1))) for _ in range(count)]
        print(",".join([text] + [str(draw) for draw in draws]))


if __name__ == "__main__":
    main()
