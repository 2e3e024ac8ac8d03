// One step of a component of L'Ecuyer's combined Tausworthe generators (1996, 1999) on a 32-bit word.
#pragma once
#include "device.h"

template <int left, int right, int keep, int shift, class W> HD void tausworthe(W &s) {
    s = ((s & (0xffffffffu << keep)) << shift) ^ (((s << left) ^ s) >> right);
}
