"""The independent implementations that vectors come from: how each one is found, built and asked.

Every oracle answers one small command line: CALL LO HI COUNT SEED... (seeds in hex) prints one line a seed,
`seed,value,...`; raw words in hex, mapped values in decimal. Nothing here computes a random number.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
EXTRA = Path(os.environ.get("MIMICRY_ORACLES", Path.home() / ".cache" / "mimicry" / "oracles"))
CRATES = Path("/usr/share/cargo/registry")
SEEDABLE = EXTRA / "node_modules" / "random-seedable"
GNABLIB = EXTRA / "node_modules" / "gnablib"
RANDOMGEN = EXTRA / "venv" / "bin" / "python"


class OracleMissing(Exception):
    """A runtime that this machine lacks; the text names it and how to install it."""


class OracleFailed(Exception):
    """An oracle program that could not be built or that ended with an error."""


@dataclass(frozen=True)
class Oracle:
    """One implementation: its name in headers, its programs, how to build it, how to ask for its version."""

    title: str
    needs: tuple[tuple[str, str], ...]  # (command or path, what to install)
    build: Callable[[Path], list[str]]
    version: Callable[[], str]


def run(command: Sequence[str | Path], **environment: str) -> str:
    """Run a program and return its output; its error text is raised."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    if done.returncode:
        name = Path(str(command[0])).name
        raise OracleFailed(
            f"{name} ended with {done.returncode}: {done.stderr.strip()[-400:] or done.stdout[-200:]}"
        )
    return done.stdout


def first_line(*command: str | Path) -> str:
    """Return the first line that a program prints about itself, for the version header."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0].strip()


def debian(*packages: str) -> str:
    """Return the versions of Debian packages, for the version header."""
    if shutil.which("dpkg-query") is None:
        return "unknown: this machine has no dpkg-query"
    found = first_line("dpkg-query", "-W", "-f", "${Package} ${Version}, ", *packages)
    return found.rstrip(", ")


def compiled(compiler: str, source: str, *flags: str) -> Callable[[Path], list[str]]:
    """Return a builder that compiles one source file."""

    def build(work: Path) -> list[str]:
        target = work / Path(source).stem
        run([compiler, "-O1", "-w", HERE / source, "-o", target, *flags])
        return [str(target)]

    return build


def interpreted(*command: str) -> Callable[[Path], list[str]]:
    """Return a builder for a script: nothing to build, its path is the last part."""
    return lambda work: [*command[:-1], str(HERE / command[-1])]


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


def build_wine(work: Path) -> list[str]:
    """Compile for Windows and run under Wine in a prefix of its own, so msvcrt.dll is Wine's."""
    run(["x86_64-w64-mingw32-gcc", "-O1", HERE / "msvcrt_rand.c", "-o", work / "msvcrt_rand.exe"])
    prefix = work / "wineprefix"
    return [
        "env",
        f"WINEPREFIX={prefix}",
        "WINEDEBUG=-all",
        "/usr/lib/wine/wine64",
        str(work / "msvcrt_rand.exe"),
    ]


def npm_version(package: Path) -> str:
    """Return an installed npm package's version and node's."""
    found = json.loads((package / "package.json").read_text(encoding="utf-8"))
    return f"{found['name']} {found['version']}, node {first_line('node', '--version')}"


def python_version() -> str:
    """Return this interpreter's version."""
    return f"CPython {sys.version.split()[0]}"


def numpy_version() -> str:
    """Return NumPy's version and the interpreter's."""
    return f"numpy {run([sys.executable, '-c', 'import numpy; print(numpy.__version__)']).strip()}, {python_version()}"


NPM = "npm install --prefix $MIMICRY_ORACLES"
PIP = "python3 -m venv $MIMICRY_ORACLES/venv; $MIMICRY_ORACLES/venv/bin/pip install"
OPENS = "java.base/java.util.concurrent=ALL-UNNAMED"

ORACLES: dict[str, Oracle] = {
    "libstdc++": Oracle(
        "libstdc++ <random>",
        (("g++", "apt-get install g++"),),
        compiled("g++", "cpp_std.cpp"),
        lambda: first_line("g++", "--version"),
    ),
    "php": Oracle(
        "PHP",
        (("php", "apt-get install php-cli"),),
        interpreted("php", "php_mt.php"),
        lambda: first_line("php", "-v"),
    ),
    "java": Oracle(
        "OpenJDK",
        (("javac", "apt-get install openjdk-17-jdk-headless"),),
        interpreted("java", "--add-opens", OPENS, "JavaOracle.java"),
        lambda: first_line("java", "-version"),
    ),
    "cpython": Oracle("CPython random", (), interpreted(sys.executable, "cpython_random.py"), python_version),
    "numpy": Oracle("NumPy RandomState", (), interpreted(sys.executable, "numpy_legacy.py"), numpy_version),
    "libc": Oracle(
        "GNU C Library",
        (("gcc", "apt-get install gcc"),),
        compiled("gcc", "libc_rand.c", "-lm"),
        lambda: first_line("ldd", "--version"),
    ),
    "perl": Oracle(
        "Perl",
        (("perl", "apt-get install perl"),),
        interpreted("perl", "perl_rand.pl"),
        lambda: "perl " + first_line("perl", "-e", "print $^V"),
    ),
    "gsl": Oracle(
        "GNU Scientific Library",
        (("gcc", "apt-get install gcc"), ("/usr/include/gsl/gsl_rng.h", "apt-get install libgsl-dev")),
        compiled("gcc", "gsl_rng.c", "-lgsl", "-lgslcblas", "-lm"),
        lambda: debian("libgsl-dev"),
    ),
    "wine": Oracle(
        "Wine msvcrt.dll, program built with MinGW-w64",
        (
            ("x86_64-w64-mingw32-gcc", "apt-get install gcc-mingw-w64-x86-64-win32"),
            ("/usr/lib/wine/wine64", "apt-get install wine64"),
        ),
        build_wine,
        lambda: debian("wine64", "mingw-w64-x86-64-dev"),
    ),
    "pcg-cpp": Oracle(
        "pcg-cpp, the reference implementation by M. O'Neill",
        (("g++", "apt-get install g++"), ("/usr/include/pcg_random.hpp", "apt-get install libpcg-cpp-dev")),
        compiled("g++", "pcg_cpp.cpp"),
        lambda: debian("libpcg-cpp-dev"),
    ),
    "random123": Oracle(
        "Random123, the reference implementation by D. E. Shaw Research",
        (
            ("gcc", "apt-get install gcc"),
            ("/usr/include/Random123/philox.h", "apt-get install librandom123-dev"),
        ),
        compiled("gcc", "random123.c"),
        lambda: debian("librandom123-dev"),
    ),
    "rust": Oracle(
        "Rust crates rand_xoshiro, rand_xorshift, rand_pcg",
        (
            ("cargo", "apt-get install cargo"),
            (
                str(CRATES / "rand_xoshiro-0.6.0"),
                "apt-get install librust-rand-xoshiro-dev librust-rand-pcg-dev librust-rand-xorshift-dev",
            ),
        ),
        build_rust,
        lambda: debian("librust-rand-xoshiro-dev", "librust-rand-xorshift-dev", "librust-rand-pcg-dev"),
    ),
    "random-seedable": Oracle(
        "npm random-seedable",
        (("node", "apt-get install nodejs"), (str(SEEDABLE), f"{NPM} random-seedable@1.0.8")),
        lambda work: ["node", str(HERE / "random_seedable.mjs"), str(SEEDABLE / "src" / "index.js")],
        lambda: npm_version(SEEDABLE),
    ),
    "gnablib": Oracle(
        "npm gnablib",
        (("node", "apt-get install nodejs"), (str(GNABLIB), f"{NPM} gnablib@0.7.29")),
        lambda work: ["node", str(HERE / "gnablib.mjs"), str(GNABLIB)],
        lambda: npm_version(GNABLIB),
    ),
    "randomgen": Oracle(
        "PyPI randomgen",
        ((str(RANDOMGEN), f"{PIP} randomgen==2.5.1"),),
        lambda work: [str(RANDOMGEN), str(HERE / "pypi_randomgen.py")],
        lambda: "randomgen " + first_line(RANDOMGEN, "-c", "import randomgen; print(randomgen.__version__)"),
    ),
}


class Bench:
    """Builds each oracle once in a scratch folder and asks it."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.commands: dict[str, list[str]] = {}

    def require(self, name: str) -> None:
        """Raise OracleMissing with the install command when a part of an oracle is absent."""
        for need, install in ORACLES[name].needs:
            if not (Path(need).exists() if "/" in need else shutil.which(need)):
                raise OracleMissing(f"{name}: {need} is missing. Fix: {install}")

    def ask(
        self, name: str, call: str, lo: int, hi: int, count: int, seeds: Sequence[int]
    ) -> list[list[str]]:
        """Return one row of COUNT fields a seed, as the oracle printed them."""
        self.require(name)
        if name not in self.commands:
            self.commands[name] = ORACLES[name].build(self.work)
        hexed = [f"{seed:x}" for seed in seeds]
        text = run([*self.commands[name], call, str(lo), str(hi), str(count), *hexed])
        rows = [line.strip().split(",") for line in text.splitlines() if line.strip()]
        if [row[0] for row in rows] != hexed or any(len(row) != count + 1 for row in rows):
            raise OracleFailed(
                f"{name} {call}: not one line of {count} values for each of {len(seeds)} seeds"
            )
        return [row[1:] for row in rows]
