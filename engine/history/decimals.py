"""Numbers of [0, 1] printed with so many decimals become the integers 0..10^d that `decimal(d)` draws."""

from __future__ import annotations

from decimal import Decimal, DecimalException

MOST_DECIMALS = 9  # 10^d + 1 values; a mapping takes up to 2^32


def scaled(cell: object, decimals: int) -> int | None:
    """Return cell * 10^decimals; None unless that is an integer from 0 to 10^decimals. Zeros at the end may be left out."""
    try:
        number = Decimal(str(cell)).scaleb(decimals)
    except DecimalException:
        return None
    if not number.is_finite() or not 0 <= number <= 10**decimals or number != int(number):
        return None
    return int(number)
