// Tcl's expr rand(): the Lehmer generator 16807 with srand's own rule for seeds; a word is the state that rand() divides by 2^31 - 1.
#pragma once
#include "lcg31.h"

template <class W> struct TclRand : Lcg31State<W, 16807u> {
    typedef TclRand Beyond;

    // srand(n): the low 31 bits; those that the recurrence would never leave are mixed with 123459876. srand itself takes one step.
    HD void seed(W low, u32) {
        W kept = low & 0x7fffffffu;
        W stuck = equal_mask(kept, W(0u)) | equal_mask(kept, W(0x7fffffffu));
        this->x = kept ^ (stuck & 123459876u);
        this->next();
    }
};
