// The sieve over a route's candidates, and the routes by name.
#include "routes.h"

#include <algorithm>
#include <tuple>

namespace mimicry {

void Sift::judge(u32 high, const u32 *lows, u64 count) {
    if (count == 0 || halted()) return;
    Search part = search;
    part.seed_lo = (u64)high << 32;
    part.seed_count = count;
    part.seeds = lows;
    part.max_hits = search.max_hits - found.hits.size();
    part.progress = nullptr;
    const Found more = run_sieve(kernels, part);
    found.stopped |= more.stopped;
    found.overflow |= more.overflow;
    if (!more.stopped) found.hits.insert(found.hits.end(), more.hits.begin(), more.hits.end());
}

void Sift::judge(u32 vector, u64 seed, u32 start, u32 gap) {
    if (seed - search.seed_lo >= search.seed_count) return;
    const u32 matched = scalar_of(search.family).count(search.task, vector, seed, start, gap);
    if (matched < search.task.threshold[vector]) return;
    report({(unsigned short)vector, (unsigned short)matched, start, gap, 0, seed});
}

void Sift::report(const Hit &hit) {
    found.hits.push_back(hit);
    if (found.hits.size() > 2 * search.max_hits + 1024) settle();
}

bool Sift::halted() {
    if (search.stop && __atomic_load_n(search.stop, __ATOMIC_RELAXED) != search.stop_generation) found.stopped = true;
    return found.stopped || found.overflow;
}

void Sift::show_progress(u64 seeds) const {
    if (search.progress) __atomic_store_n(search.progress, seeds, __ATOMIC_RELAXED);
}

// Hits in the sieve's order, each once.
void Sift::settle() {
    const auto key = [](const Hit &hit) { return std::tie(hit.seed, hit.start, hit.gap, hit.vector); };
    auto &hits = found.hits;
    std::sort(hits.begin(), hits.end(), [&](const Hit &a, const Hit &b) { return key(a) < key(b); });
    hits.erase(std::unique(hits.begin(), hits.end(), [&](const Hit &a, const Hit &b) { return key(a) == key(b); }), hits.end());
    if (hits.size() <= search.max_hits) return;
    hits.resize(search.max_hits);
    found.overflow = true;
}

Found &&Sift::finish() {
    settle();
    if (found.stopped) found.hits.clear();
    if (!halted()) found.seeds_done = search.seed_count;
    show_progress(found.seeds_done);
    return std::move(found);
}

Run *route_named(const std::string &name) {
    static const struct {
        const char *name;
        Run *run;
    } routes[] = {
        {"sieve", run_sieve},
        {"twister_chain", search_twister_chain},
        {"lehmer_sums", search_lehmer_sums},
        {"low_bits", search_low_bits},
        {"gf2", search_gf2},
        {"orbit", search_orbit},
    };
    for (const auto &route : routes)
        if (name == route.name) return route.run;
    return nullptr;
}

}  // namespace mimicry
