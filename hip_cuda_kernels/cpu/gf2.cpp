// Elimination over GF(2) with its Python face: one large dense system, or many small ones that share their forms. Knows no generator.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace nb = nanobind;
typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;

// One compiled function for processors with AVX2 and one without, where the loader can choose between them.
#if defined(__x86_64__) && defined(__GLIBC__)
#define BEST_CLONE __attribute__((target_clones("avx2", "default")))
#else
#define BEST_CLONE
#endif

namespace {

typedef nb::ndarray<const u64, nb::ndim<1>, nb::c_contig, nb::device::cpu> Longs;
typedef nb::ndarray<const u64, nb::ndim<2>, nb::c_contig, nb::device::cpu> Rows;
typedef nb::ndarray<const u64, nb::ndim<3>, nb::c_contig, nb::device::cpu> Forms;
typedef nb::ndarray<const u32, nb::ndim<2>, nb::c_contig, nb::device::cpu> Times;

template <class T> auto to_numpy(std::vector<T> &&values) {
    auto *kept = new std::vector<T>(std::move(values));
    nb::capsule owner(kept, [](void *p) noexcept { delete (std::vector<T> *)p; });
    return nb::ndarray<nb::numpy, T, nb::ndim<1>>(kept->data(), {kept->size()}, owner);
}

// The caller's own word; another value than the generation means: come back.
struct Stop {
    const u32 *word;
    u32 generation;
    bool asked() const { return word && __atomic_load_n(word, __ATOMIC_RELAXED) != generation; }
};

bool odd(u64 word) { return __builtin_parityll(word); }

// Eight words of one row. The matrix lies strip after strip, so that what one pass touches is contiguous.
struct alignas(64) Strip {
    u64 word[8];
};

inline void add(Strip &to, const Strip &what) {
    for (u32 j = 0; j < 8; ++j) to.word[j] ^= what.word[j];
}

// Adds to every row the pivot rows that its code names, a byte of it at a time (Method of the Four Russians).
BEST_CLONE void add_coded(Strip *rows, const u64 *codes, size_t count, const Strip *tables) {
    for (size_t i = 0; i < count; ++i) {
        Strip sum = rows[i];
        for (u32 t = 0; t < 8; ++t) {
            const Strip &named = tables[256 * t + (u8)(codes[i] >> 8 * t)];
            for (u32 j = 0; j < 8; ++j) sum.word[j] ^= named.word[j];
        }
        rows[i] = sum;
    }
}

// Rows of equations, the right side in column `unknowns`. Columns are taken 64 at a time: their pivot rows are reduced against each
// other, and tables of their sums clear the 64 columns from all rows below in one pass (Albrecht, Bard, Hart 2010: M4RI).
class Dense {
  public:
    Dense(const u64 *given, size_t rows, size_t words, size_t unknowns)
        : rows_(rows), strips_((words + 7) / 8), unknowns_(unknowns), strip_(rows * strips_), tables_(8 * 256), codes_(rows) {
        for (size_t i = 0; i < rows; ++i)
            for (size_t w = 0; w < words; ++w) strip_[w / 8 * rows + i].word[w % 8] = given[i * words + w];
    }

    bool eliminate(const Stop &stop) {
        for (size_t block = 0; 64 * block < unknowns_ && rank_ < rows_; ++block) {
            if (stop.asked()) return false;
            const size_t first = rank_;
            find_pivots(block);
            if (rank_ > first) clear_below(block, first);
        }
        return true;
    }

    size_t rank() const { return rank_; }
    bool consistent() const {
        for (size_t i = rank_; i < rows_; ++i)
            if (bit(i, unknowns_)) return false;
        return true;
    }

    std::vector<size_t> free_columns() const {
        std::vector<bool> pivot(unknowns_, false);
        for (size_t column : pivots_) pivot[column] = true;
        std::vector<size_t> free;
        for (size_t column = 0; column < unknowns_; ++column)
            if (!pivot[column]) free.push_back(column);
        return free;
    }

    // Back substitution: the solution whose free unknowns are 0 or, of the equations with 0 on the right, that with one free unknown 1.
    void solve(u64 *x, bool homogeneous, size_t one = SIZE_MAX) const {
        if (one != SIZE_MAX) x[one / 64] |= 1ull << one % 64;
        for (size_t i = rank_; i-- > 0;) {
            u64 sum = 0;
            for (size_t w = pivots_[i] / 64; 64 * w < unknowns_; ++w) sum ^= word(i, w) & x[w] & inside(w);
            if (odd(sum) != (!homogeneous && bit(i, unknowns_))) x[pivots_[i] / 64] |= 1ull << pivots_[i] % 64;
        }
    }

  private:
    size_t rows_, strips_, unknowns_, rank_ = 0;
    std::vector<Strip> strip_, tables_;
    std::vector<u64> codes_;
    std::vector<size_t> pivots_;  // of row i, its column

    u64 &word(size_t row, size_t w) { return strip_[w / 8 * rows_ + row].word[w % 8]; }
    u64 word(size_t row, size_t w) const { return strip_[w / 8 * rows_ + row].word[w % 8]; }
    bool bit(size_t row, size_t column) const { return word(row, column / 64) >> column % 64 & 1; }
    u64 inside(size_t w) const { return 64 * w + 64 <= unknowns_ ? ~0ull : (1ull << unknowns_ % 64) - 1; }

    void add_row(size_t to, size_t what, size_t block) {
        for (size_t s = block / 8; s < strips_; ++s) add(strip_[s * rows_ + to], strip_[s * rows_ + what]);
    }
    void swap_rows(size_t a, size_t b, size_t block) {
        if (a != b)
            for (size_t s = block / 8; s < strips_; ++s) std::swap(strip_[s * rows_ + a], strip_[s * rows_ + b]);
    }

    // What is left of a row's word once the block's pivots are taken out.
    u64 rest(u64 word_, const std::vector<u64> &pivot_words, size_t first) const {
        u64 left = word_;
        for (size_t k = 0; k < pivot_words.size(); ++k)
            if (word_ >> pivots_[first + k] % 64 & 1) left ^= pivot_words[k];
        return left;
    }

    void find_pivots(size_t block) {
        const size_t first = rank_, most = std::min<size_t>(64, unknowns_ - 64 * block);
        std::vector<u64> pivot_words;
        for (size_t i = rank_; i < rows_ && rank_ - first < most; ++i) {
            if (!(rest(word(i, block), pivot_words, first) & inside(block))) continue;
            swap_rows(i, rank_, block);
            for (size_t k = first; k < rank_; ++k)
                if (bit(rank_, pivots_[k])) add_row(rank_, k, block);
            const size_t column = 64 * block + __builtin_ctzll(word(rank_, block) & inside(block));
            for (size_t k = first; k < rank_; ++k)
                if (bit(k, column)) add_row(k, rank_, block);
            pivots_.push_back(column);
            ++rank_;
            pivot_words.clear();
            for (size_t k = first; k < rank_; ++k) pivot_words.push_back(word(k, block));
        }
    }

    void clear_below(size_t block, size_t first) {
        u64 mask = 0;
        for (size_t k = first; k < rank_; ++k) mask |= 1ull << pivots_[k] % 64;
        for (size_t i = rank_; i < rows_; ++i) codes_[i] = word(i, block) & mask;
        for (size_t s = block / 8; s < strips_; ++s) {
            tabulate(s, first);
            add_coded(&strip_[s * rows_ + rank_], &codes_[rank_], rows_ - rank_, tables_.data());
        }
    }

    // Table t holds, for each byte, the sum of the pivot rows of columns 8t.. that the byte names; a column without a pivot adds nothing.
    void tabulate(size_t s, size_t first) {
        const Strip *row_of[64] = {};
        for (size_t k = first; k < rank_; ++k) row_of[pivots_[k] % 64] = &strip_[s * rows_ + k];
        for (u32 t = 0; t < 8; ++t) {
            Strip *table = &tables_[256 * t];
            table[0] = Strip{};
            for (u32 byte = 1; byte < 256; ++byte) {
                table[byte] = table[byte & (byte - 1)];
                if (const Strip *row = row_of[8 * t + __builtin_ctz(byte)]) add(table[byte], *row);
            }
        }
    }
};

// Returns (rank, consistent, dimension of the null space, words of one solution and of up to `most_free` null vectors, stopped).
nb::tuple solve(Rows rows, u64 unknowns, u64 most_free, size_t stop, u32 generation) {
    const size_t words = (unknowns + 63) / 64;
    std::vector<u64> vectors(words);
    size_t rank = 0, dimension = 0;
    bool consistent = false, done = false;
    {
        nb::gil_scoped_release released;
        Dense system(rows.data(), rows.shape(0), rows.shape(1), unknowns);
        done = system.eliminate(Stop{(const u32 *)stop, generation});
        rank = system.rank();
        dimension = unknowns - rank;
        consistent = done && system.consistent();
        if (consistent) system.solve(vectors.data(), false);
        if (consistent && dimension <= most_free)
            for (size_t column : system.free_columns()) {
                vectors.resize(vectors.size() + words);
                system.solve(&vectors[vectors.size() - words], true, column);
            }
    }
    return nb::make_tuple(rank, consistent, dimension, to_numpy(std::move(vectors)), !done);
}

// One system of up to 64 * limbs unknowns, equation by equation: the pivot of a row is its lowest unknown.
template <u32 limbs> struct Small {
    struct Row {
        u64 form[limbs];
        u32 right;
    };
    Row pivot[64 * limbs];
    bool used[64 * limbs] = {};
    i32 rank = 0;

    bool insert(const u64 *form, u32 right) {  // false: contradicts those before
        Row row;
        std::memcpy(row.form, form, sizeof row.form);
        row.right = right;
        for (u32 l = 0; l < limbs; ++l)
            while (row.form[l]) {
                const u32 lowest = 64 * l + __builtin_ctzll(row.form[l]);
                if (!used[lowest]) {
                    pivot[lowest] = row;
                    used[lowest] = true;
                    ++rank;
                    return true;
                }
                for (u32 k = l; k < limbs; ++k) row.form[k] ^= pivot[lowest].form[k];
                row.right ^= pivot[lowest].right;
            }
        return row.right == 0;
    }
    void solve(u64 *x) const {
        for (u32 i = 64 * limbs; i-- > 0;) {
            if (!used[i]) continue;
            u64 sum = 0;
            for (u32 l = i / 64; l < limbs; ++l) sum ^= pivot[i].form[l] & x[l];
            if ((u32)odd(sum) != pivot[i].right) x[i / 64] |= 1ull << i % 64;
        }
    }
};

// What all systems share: the form of each bit of the word at each time, and the bits seen in each of the words looked at.
struct Seen {
    const u64 *forms, *masks, *values;
    size_t word_bits, words;
    const u32 *times;  // [system][word]
};

template <u32 limbs> i32 solve_one(const Seen &seen, size_t at, u64 *x) {
    Small<limbs> system;
    for (size_t w = 0; w < seen.words; ++w)
        for (u64 left = seen.masks[w]; left; left &= left - 1) {
            const u32 place = __builtin_ctzll(left);
            const u64 *form = seen.forms + (seen.times[at * seen.words + w] * seen.word_bits + place) * limbs;
            if (!system.insert(form, seen.values[w] >> place & 1)) return -1;
        }
    system.solve(x);
    return system.rank;
}

template <u32 limbs> size_t solve_all(const Seen &seen, size_t systems, const Stop &stop, i32 *ranks, u64 *solutions) {
    for (size_t s = 0; s < systems; ++s) {
        if (stop.asked()) return s;
        ranks[s] = solve_one<limbs>(seen, s, solutions + s * limbs);
    }
    return systems;
}

// Returns (rank of each system, -1 where it contradicts itself; words of one solution each; systems done).
nb::tuple solve_many(Forms forms, Times times, Longs masks, Longs values, size_t stop, u32 generation) {
    static decltype(&solve_all<1>) const by_limbs[] = {solve_all<1>, solve_all<2>, solve_all<3>, solve_all<4>};
    const size_t systems = times.shape(0), limbs = forms.shape(2);
    const Seen seen{forms.data(), masks.data(), values.data(), forms.shape(1), times.shape(1), times.data()};
    std::vector<i32> ranks(systems);
    std::vector<u64> solutions(systems * limbs);
    size_t done;
    {
        nb::gil_scoped_release released;
        done = by_limbs[limbs - 1](seen, systems, Stop{(const u32 *)stop, generation}, ranks.data(), solutions.data());
    }
    return nb::make_tuple(to_numpy(std::move(ranks)), to_numpy(std::move(solutions)), done);
}

}  // namespace

NB_MODULE(_gf2, m) {
    m.doc() = "Compiled elimination over GF(2); use hip_cuda_kernels.gf2.";
    m.def("solve", solve);
    m.def("solve_many", solve_many);
}
