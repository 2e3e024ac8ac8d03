// Route "lehmer_sums": additive lagged Fibonacci generators that fill their state with Lehmer residues of the seed (glibc's random()).
//
// Every word is a fixed sum of those residues modulo 2^32, and the residues of consecutive seeds are arithmetic progressions.
#include "first_draws.h"
#include "stream.h"

#include <cstring>
#include <stdexcept>

namespace {
using namespace mimicry;

const u64 modulus = 0x7fffffff, multiplier = 16807;
const u32 span = 192;  // seeds of a block: tables of 30 rows of them stay in a first-level cache

struct Additive {  // x[i] = x[i - degree] + x[i - separation]; a word is x >> 1, the first after 10 * degree of them
    const char *family;
    u32 degree, separation;
};
const Additive generators[] = {{"glibc_random/type3", 31, 3}};

const Additive &generator_of(u32 family) {
    for (const Additive &generator : generators)
        if (std::strcmp(generator.family, scalar_of(family).id) == 0) return generator;
    throw std::invalid_argument(std::string("family ") + scalar_of(family).id + " is no sum of Lehmer residues");
}

// How much every state word at the beginning adds to the words at `positions`: [position][degree].
std::vector<u32> coefficients_of(const Additive &generator, const std::vector<u32> &positions) {
    const u32 degree = generator.degree, first = 11 * degree + generator.separation;  // the warm-up begins at x[degree + separation]
    std::vector<u32> x((u64)degree * degree), coefficients;
    for (u32 i = 0; i < degree; ++i) x[i * degree + i] = 1;
    const auto row = [&](u32 i) { return x.data() + (u64)(i % degree) * degree; };
    u32 done = degree + generator.separation;  // x[degree .. degree + separation) repeat the first ones, so the ring is as it is
    for (const u32 position : positions) {
        for (; done <= first + position; ++done)
            for (u32 j = 0; j < degree; ++j) row(done)[j] += row(done - generator.separation)[j];
        coefficients.insert(coefficients.end(), row(done - 1), row(done - 1) + degree);
    }
    return coefficients;
}

// The tables of struct LehmerSums.
class Tables {
  public:
    Tables(const Additive &generator, const std::vector<u32> &positions)
        : terms(generator.degree - 1), coefficients(coefficients_of(generator, positions)), bases(positions.size()), rooms(terms) {
        u64 power = 1;
        for (u32 j = 0; j < terms; ++j) powers.push_back(power = power * multiplier % modulus);
        fill_offsets((u32)positions.size());
    }

    // The tables for a scan from `low` on.
    LehmerSums from(u32 low) {
        const u64 residue = (u64)(((long long)(int)low + 2 * (long long)modulus) % (long long)modulus);
        for (u32 j = 0; j < terms; ++j) rooms[j] = (u32)(modulus - residue * powers[j] % modulus);
        return {terms, span, 1, coefficients.data(), carries.data(), residues.get(), sums.get(), bases.data(), rooms.data(), steps.data()};
    }

  private:
    void fill_offsets(u32 places) {
        residues.reserve((u64)terms * span);
        sums.reserve((u64)places * span);
        for (u32 j = 0; j < terms; ++j) {
            steps.push_back((u32)(span * powers[j] % modulus));
            for (u32 b = 0; b < span; ++b) residues.get()[j * span + b] = (u32)(b * powers[j] % modulus);
        }
        for (u32 i = 0; i < places; ++i) {
            const u32 *coefficient = coefficients.data() + i * (1 + terms);
            for (u32 j = 0; j < terms; ++j) carries.push_back(coefficient[1 + j] * (u32)modulus);
            for (u32 b = 0; b < span; ++b) {
                u32 sum = coefficient[0] * b;
                for (u32 j = 0; j < terms; ++j) sum += coefficient[1 + j] * residues.get()[j * span + b];
                sums.get()[i * span + b] = sum;
            }
        }
    }

    const u32 terms;
    const std::vector<u32> coefficients;
    std::vector<u64> powers;
    std::vector<u32> carries, bases, rooms, steps;
    Buffer residues, sums;
};

}  // namespace

namespace mimicry {

// The seed counts as a signed number, and 0 as 1: residues run on within each half of the seeds, and seed 0 is always a candidate.
Found search_lehmer_sums(const Kernels &kernels, const Search &search) {
    const FirstDraws first(search.task);
    Tables tables(generator_of(search.family), first.positions);
    return scan_in_order(kernels, search, 1u << 31, [&](u32 low, u32 count, u32 *out) {
        const u32 zero = low == 0;
        if (zero) *out = 0;
        return zero + kernels.routes.lehmer_sums(tables.from(low + zero), first.probe, low + zero, count - zero, out + zero);
    });
}

}  // namespace mimicry
