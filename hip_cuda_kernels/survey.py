"""The survey: the generators that matter in practice, one row a runtime or a family, and which of them the registry serves."""

from __future__ import annotations

from hip_cuda_kernels.registry import FAMILIES

# row -> what people use; rows up to 73 are language runtimes, C libraries and applications
SURVEY: dict[int, str] = {
    1: "glibc rand()/random() TYPE_3",
    2: "glibc TYPE_0 (LCG 1103515245), TYPE_1/2/4",
    3: "glibc rand_r",
    4: "drand48/lrand48/mrand48",
    5: "musl rand",
    6: "musl random",
    7: "newlib rand",
    8: "BSD random / old BSD rand / macOS rand(16807)",
    9: "bionic/arc4random, getrandom",
    10: "MSVC/UCRT rand",
    11: "Borland C rand, lrand",
    12: "Turbo Pascal/Delphi Random",
    13: "VB6/VBA/VBScript/QBasic Rnd",
    14: "Excel ≤2002 (9821 frac), 2003–07 Wichmann–Hill, ≥2010 MT",
    15: "java.util.Random",
    16: "Java Math.random/nextDouble/nextFloat/ints()",
    17: "SplittableRandom/ThreadLocalRandom (SplitMix64)",
    18: "JDK17 L32X64, L64X128(Mix/StarStar), L64X256/1024, L128X*",
    19: "JDK Xoshiro256++, Xoroshiro128++",
    20: "Java SHA1PRNG (setSeed)",
    21: "V8 MWC1616 (<2015)",
    22: "V8 xorshift128+ Node ≤11 (sum, mantissa 52)",
    23: "V8 s0>>12 (Node 12–~22) and s0>>11 (V8 13.x, Node 24), cache 64 reversed",
    24: "V8 2026 (≥~14.x): (s0+s1)>>11, forward",
    25: "SpiderMonkey xorshift128+ (low 53 of sum)",
    26: "JSC WeakRandom",
    27: "QuickJS xorshift64*",
    28: "JS userland: mulberry32, sfc32, alea, seedrandom(ARC4), pure-rand, random-js, ml-xsadd",
    29: "CPython random (init_by_array; str→SHA-512)",
    30: "NumPy RandomState (init_genrand)",
    31: "NumPy PCG64 + SeedSequence",
    32: "NumPy PCG64DXSM",
    33: "NumPy Philox4x64, MT+SeedSequence",
    34: "NumPy SFC64",
    35: "PyTorch CPU MT / CUDA Philox",
    36: "JAX threefry2x32; TF Philox",
    37: "PHP mt_rand ≥7.1",
    38: "PHP 5.2.1–7.0 (legacy twist)",
    39: "PHP 3.0.7–5.2.0",
    40: "PHP rand ≤7.0 = libc; lcg_value",
    41: "PHP 8.2 Pcg128OneseqXslRr64, Xoshiro256**",
    42: "Ruby Random (init_by_array; limited_rand)",
    43: "Perl ≥5.20 rand",
    44: "Lua ≤5.3 (libc rand) · 5.4 xoshiro256**",
    45: "LuaJIT Tausworthe 4×64",
    46: "Go math/rand v1 ALFG(607,273)",
    47: "Go v2 PCG-DXSM; ChaCha8",
    48: "Rust StdRng ChaCha12; SmallRng xoshiro256++/128++",
    49: "Rust rand_pcg, xorshift, isaac, HC128, fastrand(wyrand), oorandom",
    50: ".NET Framework/.NET seeded Random (Knuth subtractive, inextp=21)",
    51: ".NET 6+ unseeded xoshiro256**/128**",
    52: "libstdc++ minstd0/default_random_engine, mt19937(_64), ranlux24/48, knuth_b",
    53: "libc++/MSVC STL distributions on 52",
    54: "Boost mt11213b, taus88, lagged_fib, kreutzer, hellekalek, ecuyer",
    55: "R MT (scrambled set.seed; sample rounding <3.6 / rejection)",
    56: "R Wichmann–Hill, Marsaglia-MC, Super-Duper, Knuth-TAOCP(2), L'Ecuyer-CMRG(=MRG32k3a)",
    57: "MATLAB mt19937ar, v4/v5, mcg16807, mlfg6331_64, mrg32k3a, philox, threefry",
    58: "Octave rand twister (init_by_array)",
    59: "Julia ≤1.6 dSFMT, ≥1.7 Xoshiro256++",
    60: "Haskell random (SplitMix; old L'Ecuyer)",
    61: "OCaml 4 ALFG55×30 (MD5 seed); 5 LXM",
    62: "Erlang exsss/exro928ss/exsp/mwc59; old AS183",
    63: "Tcl rand (16807)",
    64: "gawk / mawk / busybox awk",
    65: "bash $RANDOM (<5.1 &0x7fff; ≥5.1 fold)",
    66: "zsh/ksh/mksh/tcsh RANDOM",
    67: "MySQL/MariaDB RAND(N)",
    68: "PostgreSQL ≤14 erand48; ≥15 xoroshiro128**",
    69: "MSSQL RAND (2 MLCG)",
    70: "SBCL MT, Guile MWC64, Racket MRG32k3a, Chicken, Clisp",
    71: "Free Pascal MT19937",
    72: "gretl SFMT, Scilab (mt,kiss,clcg2/4,urand,fsultra), Maxima MT",
    73: "Gambas, YaBasic, bwbasic, Basic256, Brandy, gforth, GnuCOBOL RANDOM",
    74: "Unity Random xorshift128 (32-bit words; MT-style init)",
    75: "Unreal FRand/FRandomStream",
    76: "Godot 3/4 PCG32",
    77: "GameMaker WELL512",
    78: "LÖVE xorshift64*",
    79: "libGDX RandomXS128 (Slay the Spire)",
    80: "Pokémon Gen3/4 LCRNG 41C64E6D",
    81: "Pokémon Gen5 LCG64, Gen6–7 TinyMT/SFMT, Gen8 xoroshiro128+",
    82: "Minecraft Bedrock MT; Terraria .NET; Doom table; SM64 16-bit; NES LFSRs",
    83: "cuRAND/rocRAND XORWOW",
    84: "MRG32k3a",
    85: "Philox4x32-10/2x32/4x64",
    86: "Threefry 2x32…4x64",
    87: "MTGP32/64, MT-DC",
    88: "xorshift32/64/96/128/1024*, xorwow",
    89: "xoroshiro64*/**,128+/++/**; xoshiro128/256/512 +/++/**",
    90: "PCG32 XSH-RR/RS, RXS-M-XS 32/64, MCG, EXT",
    91: "LCG128Mix/ PCG64-CM, Lehmer64",
    92: "SFC32/64, JSF32/64, EFIIX64, Tyche, Romu duo/trio/quad",
    93: "wyrand, Squares32/64, msws (Middle-Square Weyl), splitmix64, mulberry",
    94: "MWC64X, MWC128X, MWC192X, GMWC256, Marsaglia MWC1616",
    95: "KISS93/99/64, JKISS, SuperKISS",
    96: "WELL512a/1024a/19937/44497",
    97: "TinyMT32/64; SFMT19937; dSFMT; TT800",
    98: "taus88, lfsr113/258, taus113",
    99: "R250, R250/521, GFSR4",
    100: "RANLUX/ranlxs/ranlxd/RANMAR/RANF/ACARRY",
    101: "MINSTD (16807, 48271, 69621), RANDU, fishman, coveyou, borosh13, waterman14…",
    102: "Wichmann–Hill AS183 (also old Python/Excel)",
    103: "L'Ecuyer 1988/CMRG/MRG5/uvag/ran0–3/knuthran",
    104: "ISAAC/64, RC4, HC128, ChaCha8/12/20, AES-CTR, Speck, BBS",
    105: "provably fair games, HMAC-SHA256 (server:client:nonce)",
    106: "Classic middle-square, lagged Fibonacci generic, generic LCG (a,c,m unknown)",
}
RUNTIME_ROWS = range(1, 74)


def served() -> dict[int, list[str]]:
    """Return the verified families of every row that has some."""
    rows: dict[int, list[str]] = {}
    for one in FAMILIES:
        for row in one.rows if one.verified else ():
            rows.setdefault(row, []).append(one.id)
    return dict(sorted(rows.items()))


def distinct() -> dict[int, str]:
    """Return one family for as many rows as possible, no family twice: a row counts once, and so does a family.

    A maximum matching of rows and families by augmenting paths; the numbers are small.
    """
    choices, matched = served(), dict[str, int]()

    def place(row: int, tried: set[str]) -> bool:
        for one in choices[row]:
            if one not in tried:
                tried.add(one)
                if one not in matched or place(matched[one], tried):
                    matched[one] = row
                    return True
        return False

    for row in choices:
        place(row, set())
    return dict(sorted((row, one) for one, row in matched.items()))
