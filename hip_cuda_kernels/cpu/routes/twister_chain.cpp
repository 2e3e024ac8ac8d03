// Route "twister_chain": MT19937 seeded by init_genrand, by its first words.
#include "first_draws.h"

namespace mimicry {

Found search_twister_chain(const Kernels &kernels, const Search &search) {
    const FirstDraws first(search.task);
    return scan_in_order(kernels, search, 1ull << 32, [&](u32 low, u32 count, u32 *out) {
        return kernels.routes.twister_chain(first.probe, low, count, out);
    });
}

}  // namespace mimicry
