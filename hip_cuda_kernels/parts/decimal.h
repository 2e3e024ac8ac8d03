// Whole numbers as decimal text, for runtimes that hash or sum a seed's digits.
#pragma once
#include "device.h"

// Writes the digits, most significant first, and returns how many; `text` holds 20 characters.
HD u32 decimal_text(u64 number, unsigned char *text) {
    u32 length = 1;
    for (u64 rest = number / 10; rest; rest /= 10) ++length;
    for (u32 i = length; i; number /= 10) text[--i] = (unsigned char)('0' + number % 10);
    return length;
}
