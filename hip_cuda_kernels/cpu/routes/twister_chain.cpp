// Route "twister_chain": MT19937 seeded by init_genrand, and PHP's variant of it, by their first words.
#include "first_draws.h"

#include <cstring>

namespace mimicry {

Found search_twister_chain(const Kernels &kernels, const Search &search) {
    const bool php = std::strcmp(scalar_of(search.family).id, "mt19937_php/mt_srand") == 0;
    Scan *scan = php ? kernels.routes.php_chain : kernels.routes.twister_chain;
    const FirstDraws first(search.task);
    return scan_in_order(kernels, search, 1ull << 32, [&](u32 low, u32 count, u32 *out) { return scan(first.probe, low, count, out); });
}

}  // namespace mimicry
