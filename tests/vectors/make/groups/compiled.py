"""Compiled and functional languages: the oracles, and what is stored of their families."""

import shutil
from pathlib import Path

from oracle import HERE, Oracle, debian, run
from vector import Mapped, Raw

CRATES = Path("/usr/share/cargo/registry")


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


ORACLES: dict[str, Oracle] = {
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
}

RAW: tuple[Raw, ...] = ()


MAPPED: tuple[Mapped, ...] = ()
