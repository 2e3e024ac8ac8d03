// PCG oneseq 128/64 with the XSL-RR output (O'Neill 2014): PCG64 on the one stream that the paper's code gives it.
#pragma once
#include "pcg64.h"

template <class W> struct PcgOneseq128 : Pcg64<W> {
    typedef PcgOneseq128 Beyond;
    typedef typename wide_of<W>::type Wide;

    // srandom(seed): from state 0 one step, the seed added, one step more.
    HD void seed(W low, u32 high) {
        this->increment = {Wide(0x5851f42d4c957f2dull), Wide(0x14057b7ef767814full)};
        this->state = this->increment + Wide128<Wide>{Wide(0ull), join_seed(low, high)};
        this->step();
    }
};
