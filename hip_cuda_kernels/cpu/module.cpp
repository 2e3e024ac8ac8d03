// The Python face of the host extension. host.py checks every argument; this file only carries numbers across.
#include "composed.h"
#include "routes.h"
#include "variable_gaps.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace nb = nanobind;
using namespace mimicry;

namespace {

typedef nb::ndarray<const u32, nb::ndim<1>, nb::c_contig, nb::device::cpu> Numbers;
typedef nb::ndarray<const unsigned char, nb::ndim<1>, nb::c_contig, nb::device::cpu> Bytes;
typedef nb::ndarray<const u64, nb::ndim<1>, nb::c_contig, nb::device::cpu> LongNumbers;

template <class T> nb::ndarray<nb::numpy, T, nb::ndim<1>> to_numpy(std::vector<T> &&values) {
    auto *kept = new std::vector<T>(std::move(values));
    nb::capsule owner(kept, [](void *p) noexcept { delete (std::vector<T> *)p; });
    return nb::ndarray<nb::numpy, T, nb::ndim<1>>(kept->data(), {kept->size()}, owner);
}

u32 family_at(const std::string &id) {
    for (u32 i = 0; i < family_count(); ++i)
        if (id == scalar_of(i).id) return i;
    throw std::invalid_argument("family " + id + " is not compiled in: rebuild the extension (make build)");
}

const Kernels &kernels_of(const std::string &isa) {
    u32 count;
    const Choice *choices = instruction_sets(&count);
    for (u32 i = 0; i < count; ++i)
        if (isa == choices[i].name && choices[i].kernels) return *choices[i].kernels;
    throw std::invalid_argument("instruction set " + isa + " is not available on this processor");
}

std::vector<std::string> available() {
    u32 count;
    const Choice *choices = instruction_sets(&count);
    std::vector<std::string> names;
    for (u32 i = 0; i < count; ++i)
        if (choices[i].kernels) names.push_back(choices[i].name);
    return names;
}

nb::object hits_to_bytes(const std::vector<Hit> &hits) {
    std::vector<unsigned char> bytes(hits.size() * sizeof(Hit));
    if (!hits.empty()) std::memcpy(bytes.data(), hits.data(), bytes.size());
    return nb::cast(to_numpy(std::move(bytes)));
}

auto raw(const std::string &family, u64 seed, u64 skip, u64 count) {
    std::vector<u64> words(count);
    scalar_of(family_at(family)).raw(seed, skip, count, words.data());
    return to_numpy(std::move(words));
}

auto walk(const std::string &family, u64 seed, u64 forward, u64 back, u64 count) {
    Walk *steps = scalar_of(family_at(family)).walk;
    if (!steps) throw std::invalid_argument("family " + family + " has no inverse step");
    std::vector<u64> words(count);
    steps(seed, forward, back, count, words.data());
    return to_numpy(std::move(words));
}

auto values(const std::string &family, LongNumbers call, double unit, u64 seed, u64 start, u64 gap, u64 count) {
    std::vector<u64> draws(count);
    scalar_of(family_at(family)).values(unpack_call(call.data(), unit), seed, start, gap, count, draws.data());
    return to_numpy(std::move(draws));
}

// Words that somebody else made, read as a generator's; once they end, so do the draws.
struct Tape {
    enum : u32 { word_bits = 64 };
    const u64 *at = nullptr, *end = nullptr;
    bool ended = false;

    u64 next_wide() {
        if (at != end) return *at++;
        ended = true;
        return 0;
    }
    void skip(u32 words) {
        ended = ended || words > (u64)(end - at);
        at = ended ? end : at + words;
    }
    void seed(u32, u32) {}
};

auto read_words(LongNumbers call, double unit, LongNumbers words, u64 start, u64 gap, u64 count) {
    const Call named = unpack_call(call.data(), unit);
    Reader<Tape> reader(named, 0);
    reader.g = {words.data(), words.data() + words.size()};
    std::vector<u64> draws;
    for (u64 skipped = start; draws.size() < count; skipped = gap) {
        reader.discard(skipped);
        const u64 value = reader.draw();
        if (reader.g.ended) break;
        draws.push_back(value);
    }
    return to_numpy(std::move(draws));
}

// Words of many seeds through the vector path: row after row, position by position; `whole` gives two rows, the low half first.
auto produce(const std::string &isa, const std::string &family, Numbers seeds, u32 high, Numbers want, bool whole) {
    const Producer &producer = producer_of(kernels_of(isa), family_at(family));
    const u32 lanes = (u32)seeds.size(), count = (u32)want.size();
    if (lanes % producer.unit || count == 0 || (whole && !producer.near_wide))
        throw std::invalid_argument("seeds must fill units of " + std::to_string(producer.unit) + " lanes, and positions must be given");
    std::vector<u32> seed_store(lanes + 16), out_store((size_t)(whole ? 2 : 1) * count * lanes + 16);
    auto aligned = [](std::vector<u32> &v) { return (u32 *)(((size_t)v.data() + 63) & ~(size_t)63); };
    std::memcpy(aligned(seed_store), seeds.data(), lanes * 4);
    u32 *out = aligned(out_store);
    const bool near = want.data()[count - 1] < producer.reach;
    if (whole)
        (near ? producer.near_wide : producer.beyond_wide)(aligned(seed_store), high, want.data(), count, lanes, out);
    else
        (near ? producer.near : producer.beyond)(aligned(seed_store), high, want.data(), count, unfiltered, accept_all, lanes, out);
    return to_numpy(std::vector<u32>(out, out + (size_t)(whole ? 2 : 1) * count * lanes));
}

// By a route (routes.h). A packed task: numbers, unit, arrays. `stop` and `progress` are addresses (0: none) of words that the caller keeps alive.
nb::tuple search_by(const std::string &route, const std::string &isa, const std::string &family, LongNumbers numbers, double unit, Numbers arrays, Numbers second_depth,
                u64 seed_lo, u64 seed_count, u64 max_hits, size_t stop, u32 stop_generation, size_t progress) {
    const Search search{unpack_task(numbers.data(), unit, arrays.data()), family_at(family), second_depth.data(), seed_lo, seed_count,
                        max_hits, (const u32 *)stop, stop_generation, (u64 *)progress};
    const Kernels &kernels = kernels_of(isa);
    Run *run = route_named(route);
    if (!run) throw std::invalid_argument("route " + route + " is not compiled in: rebuild the extension (make build)");
    Found found;
    {
        nb::gil_scoped_release released;
        found = run(kernels, search);
    }
    return nb::make_tuple(hits_to_bytes(found.hits), found.seeds_done, found.stopped, found.overflow);
}

// Several packed tasks of one family's same seeds in one pass; a result as that of search_by for each.
nb::list search_together(const std::string &isa, const std::string &family, const std::vector<LongNumbers> &numbers, const std::vector<double> &units,
                const std::vector<Numbers> &arrays, const std::vector<Numbers> &second_depths, u64 seed_lo, u64 seed_count, u64 max_hits, size_t stop,
                u32 stop_generation, size_t progress) {
    std::vector<Search> searches;
    for (size_t i = 0; i < numbers.size(); ++i)
        searches.push_back({unpack_task(numbers[i].data(), units[i], arrays[i].data()), family_at(family), second_depths[i].data(), seed_lo,
                            seed_count, max_hits, (const u32 *)stop, stop_generation, (u64 *)progress});
    const Kernels &kernels = kernels_of(isa);
    std::vector<Found> found;
    {
        nb::gil_scoped_release released;
        found = run_together(kernels, searches);
    }
    nb::list results;
    for (const Found &one : found) results.append(nb::make_tuple(hits_to_bytes(one.hits), one.seeds_done, one.stopped, one.overflow));
    return results;
}

// Composed draws: a packed recipe in place of a call, and draws of 63 bits.
auto composed_draws(const std::string &family, LongNumbers recipe, double unit, u64 seed, u64 start, u64 gap, u64 count) {
    return to_numpy(composed_values(scalar_of(family_at(family)), unpack_recipe(recipe.data(), unit), seed, start, gap, count));
}

// `arrays` holds usable, threshold and index; `scope` the first and last start and gap, the first seed and how many.
ComposedTask composed_task(u32 vectors, u32 width, const Numbers &arrays, const LongNumbers &values, const LongNumbers &scope, u64 max_hits,
                           size_t stop, u32 stop_generation, size_t progress) {
    const u32 *tables = arrays.data();
    const u64 *bounds = scope.data();
    return {vectors, width, tables, tables + vectors, tables + 2 * vectors, values.data(),
            (u32)bounds[0], (u32)bounds[1], (u32)bounds[2], (u32)bounds[3], bounds[4], bounds[5], max_hits,
            (const u32 *)stop, stop_generation, (u64 *)progress};
}

nb::tuple composed_search(const std::string &family, LongNumbers recipe, double unit, u32 vectors, u32 width, Numbers arrays,
                          LongNumbers values, LongNumbers scope, u64 max_hits, size_t stop, u32 stop_generation, size_t progress) {
    const ComposedTask task = composed_task(vectors, width, arrays, values, scope, max_hits, stop, stop_generation, progress);
    const Scalar &scalar = scalar_of(family_at(family));
    const Recipe made = unpack_recipe(recipe.data(), unit);
    Found found;
    {
        nb::gil_scoped_release released;
        found = composed_sieve(scalar, made, task);
    }
    return nb::make_tuple(hits_to_bytes(found.hits), found.seeds_done, found.stopped, found.overflow);
}

// The same behind a filter on inner calls: `inner` is a packed task with its second depths, whose rows stand for (vector, gap) in `owners`.
nb::tuple pinned_search(const std::string &isa, const std::string &family, LongNumbers recipe, double unit, u32 vectors, u32 width,
                        Numbers arrays, LongNumbers values, LongNumbers scope, LongNumbers inner, double inner_unit, Numbers inner_arrays,
                        Numbers second_depth, Numbers owners, u32 calls, u64 max_hits, size_t stop, u32 stop_generation, size_t progress) {
    const ComposedTask task = composed_task(vectors, width, arrays, values, scope, max_hits, stop, stop_generation, progress);
    const Search search{unpack_task(inner.data(), inner_unit, inner_arrays.data()), family_at(family), second_depth.data(), task.seed_lo,
                        task.seed_count, max_hits, task.stop, stop_generation, task.progress};
    const Pinned pinned{owners.data(), owners.data() + search.task.vectors, calls};
    const Recipe made = unpack_recipe(recipe.data(), unit);
    const Kernels &kernels = kernels_of(isa);
    Found found;
    {
        nb::gil_scoped_release released;
        found = pinned_sieve(kernels, search, made, task, pinned);
    }
    return nb::make_tuple(hits_to_bytes(found.hits), found.seeds_done, found.stopped, found.overflow);
}

// The body of a GPU kernel on the host; returns (entries kept, entries in all).
nb::tuple gpu_filter(const std::string &family, LongNumbers numbers, double unit, Numbers arrays, u64 seed_lo, u64 seed_count, u32 calls,
                 u32 room) {
    if (calls > kernel_room) throw std::invalid_argument("a thread keeps at most " + std::to_string(kernel_room) + " filter words");
    std::vector<Hit> proposals(room);
    const Task task = unpack_task(numbers.data(), unit, arrays.data());
    const u32 used = scalar_of(family_at(family)).filter(task, seed_lo, seed_count, calls, proposals.data(), room);
    proposals.resize(std::min(used, room));
    return nb::make_tuple(hits_to_bytes(proposals), used);
}

nb::tuple gpu_judge(const std::string &family, LongNumbers numbers, double unit, Numbers arrays, Bytes proposals, u32 room) {
    std::vector<Hit> given(proposals.size() / sizeof(Hit)), hits(room);
    if (!given.empty()) std::memcpy((void *)given.data(), proposals.data(), given.size() * sizeof(Hit));
    const Task task = unpack_task(numbers.data(), unit, arrays.data());
    const u32 used = scalar_of(family_at(family)).judge(task, given.data(), (u32)given.size(), hits.data(), room);
    hits.resize(std::min(used, room));
    return nb::make_tuple(hits_to_bytes(hits), used);
}

u64 naive(const std::string &family, LongNumbers numbers, double unit, Numbers arrays, u64 seed_lo, u64 seed_count) {
    const Task task = unpack_task(numbers.data(), unit, arrays.data());
    nb::gil_scoped_release released;
    return scalar_of(family_at(family)).naive(task, seed_lo, seed_count);
}

// The search under a law of variable gaps; arguments as those of the sieve.
nb::tuple variable_gaps(const std::string &route, const std::string &isa, const std::string &family, LongNumbers numbers, double unit, Numbers arrays,
                        Numbers second_depth, u64 seed_lo, u64 seed_count, u64 max_hits, size_t stop, u32 stop_generation, size_t progress) {
    const Search search{unpack_task(numbers.data(), unit, arrays.data()), family_at(family), second_depth.data(), seed_lo, seed_count, max_hits,
                        (const u32 *)stop, stop_generation, (u64 *)progress};
    const Kernels &kernels = kernels_of(isa);
    Found found;
    {
        nb::gil_scoped_release released;
        found = route == "orbit" ? search_orbit_gaps(kernels, search) : run_variable_gaps(kernels, search);
    }
    return nb::make_tuple(hits_to_bytes(found.hits), found.seeds_done, found.stopped, found.overflow);
}

std::vector<std::string> families() {
    std::vector<std::string> ids;
    for (u32 i = 0; i < family_count(); ++i) ids.push_back(scalar_of(i).id);
    return ids;
}

u32 reach(const std::string &family) { return scalar_of(family_at(family)).reach; }

u32 unit(const std::string &isa, const std::string &family) { return producer_of(kernels_of(isa), family_at(family)).unit; }

}  // namespace

NB_MODULE(_host, m) {
    m.doc() = "Compiled host kernels; use hip_cuda_kernels.host.";
    m.def("isas", available);
    m.def("families", families);
    m.def("word_bits", [](const std::string &family) { return scalar_of(family_at(family)).word_bits; });
    m.def("reach", reach);
    m.def("unit", unit);
    m.def("raw", raw);
    m.def("has_inverse", [](const std::string &family) { return scalar_of(family_at(family)).walk != nullptr; });
    m.def("walk", walk);
    m.def("values", values);
    m.def("read_words", read_words);
    m.def("produce", produce);
    m.def("search_by", search_by);
    m.def("search_together", search_together);
    m.def("composed_values", composed_draws);
    m.def("composed_sieve", composed_search);
    m.def("pinned_sieve", pinned_search);
    m.def("filter", gpu_filter);
    m.def("judge", gpu_judge);
    m.def("naive", naive);
    m.def("variable_gaps", variable_gaps);
    m.attr("digest") = MIMICRY_DIGEST;
}
