"""Real runtimes as two tables: how a language runs a loop of draws, and the calls that its users make."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

EXTRA = Path(os.environ.get("MIMICRY_ORACLES", Path.home() / ".cache" / "mimicry" / "oracles"))
SLOWEST = 120  # seconds for one compilation or one run


class RuntimeFailed(Exception):
    """A program that did not compile or did not print its draws."""


@dataclass(frozen=True)
class Language:
    """How a program is run: `command` and `compile` name {source}, {binary}, {seed}; SETUP and DRAW stand in the program for a call.

    A program takes seed, number of draws and modulus, and prints that many consecutive draws, one a line.
    """

    suffix: str
    program: str
    command: tuple[str, ...]
    compile: tuple[str, ...] = ()

    def missing(self) -> str | None:
        """Return the program that this machine lacks, or None."""
        tools = [self.compile[0]] if self.compile else []
        tools += [self.command[0]] if "{" not in self.command[0] else []
        return next((tool for tool in tools if shutil.which(tool) is None), None)


@dataclass(frozen=True)
class Call:
    """One way of drawing: what seeds the generator, and the expression of one draw; `first` is the least draw (1 for a die).

    `known` is the family's alias where all seeds of `seed_bits` are searched in half a minute, once the family is told.
    """

    language: str
    draw: str
    setup: str = ""
    first: int = 0
    seed_bits: int = 32
    known: str = ""

    @property
    def name(self) -> str:
        """Return the call as the score table names it."""
        return f"{self.language}: {self.setup} {self.draw}".replace(":  ", ": ")

    def draws(self, seed: int, count: int, size: int, work: Path) -> list[int]:
        """Run the runtime and return `count` consecutive draws among `size` values."""
        language = LANGUAGES[self.language]
        source = _built(self, work)
        names = {"source": str(source), "binary": str(source.with_suffix(".bin")), "seed": str(seed)}
        command = [part.format(**names) for part in language.command]
        shown = _run([*command, str(seed), str(count), str(size)], work)
        draws = [int(line) for line in shown.split()]
        if len(draws) != count:
            raise RuntimeFailed(f"{self.name}: {len(draws)} draws instead of {count}")
        return draws


@cache
def _built(call: Call, work: Path) -> Path:
    """Write the program of a call into `work`, compile it where the language is compiled, and return its source file."""
    language = LANGUAGES[call.language]
    source = work / f"call{CALLS.index(call)}{language.suffix}"
    source.write_text(language.program.replace("@SETUP@", call.setup).replace("@DRAW@", call.draw))
    if language.compile:
        names = {"source": str(source), "binary": str(source.with_suffix(".bin"))}
        _run([part.format(**names) for part in language.compile], work)
    return source


def _run(command: list[str], work: Path) -> str:
    environment = os.environ | {"HOME": str(work), "GOCACHE": str(work / "go"), "GOFLAGS": "-mod=mod"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SLOWEST, check=False, cwd=work, env=environment
    )
    if done.returncode:
        raise RuntimeFailed(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


def available() -> tuple[list[Call], dict[str, str]]:
    """Return the calls that this machine can make, and the languages that it cannot with the program that is missing."""
    lacking = {name: tool for name, one in LANGUAGES.items() if (tool := one.missing()) is not None}
    return [call for call in CALLS if call.language not in lacking], lacking


def _lua(interpreter: str) -> Language:
    program = """local seed, calls, m = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
@SETUP@
for _ = 1, calls do print(string.format("%d", @DRAW@)) end
"""
    return Language(".lua", program, (interpreter, "{source}"))


def _node(program: Path | str) -> Language:
    text = """const [calls, m] = process.argv.slice(-2).map(Number);
const draws = [];
for (let i = 0; i < calls; i++) draws.push(@DRAW@);
console.log(draws.join('\\n'));
"""
    return Language(".js", text, (str(program), "--random-seed={seed}", "{source}"))


def _shell(interpreter: str) -> Language:
    program = """RANDOM=$1
i=0
while [ $i -lt $2 ]; do
  echo $((@DRAW@))
  i=$((i + 1))
done
"""
    return Language(".sh", program, (interpreter, "{source}"))


def _c(*compiler: str) -> Language:
    program = """#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    unsigned seed = strtoul(argv[1], 0, 10);
    long calls = atol(argv[2]), m = atol(argv[3]);
    @SETUP@
    while (calls--) printf("%ld\\n", (long)(@DRAW@));
}
"""
    return Language(".c", program, ("{binary}",), (*compiler, "-w", "{source}", "-o", "{binary}"))


LANGUAGES: dict[str, Language] = {
    "php": Language(
        ".php",
        """<?php
[, $seed, $calls, $m] = array_map('intval', $argv);
@SETUP@
while ($calls--) echo @DRAW@, "\\n";
""",
        ("php", "{source}"),
    ),
    "ruby": Language(
        ".rb",
        """seed, calls, m = ARGV.map(&:to_i)
@SETUP@
calls.times { puts @DRAW@ }
""",
        ("ruby", "{source}"),
    ),
    "perl": Language(
        ".pl",
        """my ($seed, $calls, $m) = @ARGV;
@SETUP@
print @DRAW@, "\\n" while $calls--;
""",
        ("perl", "{source}"),
    ),
    "lua 5.1": _lua("lua5.1"),
    "lua 5.3": _lua("lua5.3"),
    "lua 5.4": _lua("lua5.4"),
    "luajit": _lua("luajit"),
    "node": _node("node"),
    "node 12": _node(EXTRA / "node12" / "node_modules" / ".bin" / "node"),
    "node 18": _node(EXTRA / "node18" / "node_modules" / ".bin" / "node"),
    "node 24": _node(EXTRA / "node24" / "node_modules" / ".bin" / "node"),
    "java": Language(
        ".java",
        """import java.util.*;
class Draws {
    public static void main(String[] given) {
        long seed = Long.parseLong(given[0]);
        int calls = Integer.parseInt(given[1]), m = Integer.parseInt(given[2]);
        @SETUP@
        while (calls-- > 0) System.out.println(@DRAW@);
    }
}
""",
        ("java", "{source}"),
    ),
    "python": Language(
        ".py",
        """import random, sys
seed, calls, m = map(int, sys.argv[1:])
@SETUP@
for _ in range(calls): print(@DRAW@)
""",
        (sys.executable, "{source}"),
    ),
    "numpy": Language(
        ".py",
        """import sys
import numpy as np
seed, calls, m = map(int, sys.argv[1:])
@SETUP@
for _ in range(calls): print(@DRAW@)
""",
        (sys.executable, "{source}"),
    ),
    "go": Language(
        ".go",
        """package main

import (
	"fmt"
	"math/rand"
	"os"
	"strconv"
)

func main() {
	seed, _ := strconv.ParseInt(os.Args[1], 10, 64)
	calls, _ := strconv.Atoi(os.Args[2])
	m, _ := strconv.Atoi(os.Args[3])
	@SETUP@
	for ; calls > 0; calls-- {
		fmt.Println(@DRAW@)
	}
}
""",
        ("{binary}",),
        ("go", "build", "-o", "{binary}", "{source}"),
    ),
    "tcl": Language(
        ".tcl",
        """lassign $argv seed calls m
expr {srand($seed)}
for {set i 0} {$i < $calls} {incr i} { puts [expr {@DRAW@}] }
""",
        ("tclsh", "{source}"),
    ),
    "gawk": Language(
        ".awk",
        "BEGIN { srand(ARGV[1]); m = ARGV[3]; for (i = 0; i < ARGV[2]; i++) print @DRAW@ }\n",
        ("gawk", "-f", "{source}"),
    ),
    "bash": _shell("bash"),
    "zsh": _shell("zsh"),
    "glibc": _c("gcc"),
    "musl": _c("musl-gcc"),
    "libstdc++": Language(
        ".cpp",
        """#include <cstdio>
#include <cstdlib>
#include <random>
int main(int, char **argv) {
    unsigned seed = std::strtoul(argv[1], nullptr, 10);
    long calls = std::atol(argv[2]), m = std::atol(argv[3]);
    @SETUP@
    while (calls--) std::printf("%ld\\n", (long)(@DRAW@));
}
""",
        ("{binary}",),
        ("g++", "{source}", "-o", "{binary}"),
    ),
    "R": Language(
        ".R",
        """given <- as.numeric(commandArgs(trailingOnly = TRUE))
seed <- given[1]; calls <- given[2]; m <- given[3]
set.seed(seed)
for (i in seq_len(calls)) cat(@DRAW@, "\\n")
""",
        ("Rscript", "{source}"),
    ),
    "erlang": Language(
        ".escript",
        """%% escript skips its first line
main(Given) ->
    [Seed, Calls, M] = [list_to_integer(Text) || Text <- Given],
    rand:seed(exsss, Seed),
    [io:format("~w~n", [@DRAW@]) || _ <- lists:seq(1, Calls)].
""",
        ("escript", "{source}"),
    ),
    "ocaml": Language(
        ".ml",
        """let given i = int_of_string Sys.argv.(i)
let m = given 3
let () =
  Random.init (given 1);
  for _ = 1 to given 2 do print_int (@DRAW@); print_newline () done
""",
        ("ocaml", "{source}"),
    ),
    "guile": Language(
        ".scm",
        """(define given (map string->number (cdr (command-line))))
(define m (caddr given))
(define state (seed->random-state (car given)))
(do ((i 0 (+ i 1))) ((= i (cadr given))) (display @DRAW@) (newline))
""",
        ("guile", "--no-auto-compile", "{source}"),
    ),
    "mono": Language(
        ".cs",
        """using System;
class Draws {
    static void Main(string[] given) {
        var random = new Random(int.Parse(given[0]));
        int calls = int.Parse(given[1]), m = int.Parse(given[2]);
        while (calls-- > 0) Console.WriteLine(@DRAW@);
    }
}
""",
        ("mono", "{binary}"),
        ("mcs", "{source}", "-out:{binary}"),
    ),
}

CALLS: tuple[Call, ...] = (
    Call("php", "mt_rand(0, $m - 1)", "mt_srand($seed);"),
    Call("php", "mt_rand() % $m", "mt_srand($seed);"),
    Call("php", "mt_rand(0, $m - 1)", "mt_srand($seed, MT_RAND_PHP);"),
    Call(
        "php",
        "$r->getInt(1, $m)",
        "$r = new Random\\Randomizer(new Random\\Engine\\Xoshiro256StarStar($seed));",
        1,
    ),
    Call("ruby", "rand(m)", "srand(seed)"),
    Call("ruby", "(random.rand * m).floor", "random = Random.new(seed)"),
    Call("ruby", "[*1..m].sample(random: random)", "random = Random.new(seed)", 1),
    Call("perl", "int(rand($m))", "srand($seed);"),
    Call("lua 5.1", "math.random(m)", "math.randomseed(seed)", 1),
    Call("lua 5.3", "math.random(0, m - 1)", "math.randomseed(seed)"),
    Call("lua 5.4", "math.random(m)", "math.randomseed(seed)", 1),
    Call("luajit", "math.random(0, m - 1)", "math.randomseed(seed)"),
    Call("node", "Math.floor(Math.random() * m)", seed_bits=31),
    Call("node", "1 + Math.floor(Math.random() * m)", "", 1, 31),
    Call("node 12", "Math.floor(Math.random() * m)", seed_bits=31),
    Call("node 18", "Math.floor(Math.random() * m)", seed_bits=31),
    Call("node 24", "Math.floor(Math.random() * m)", seed_bits=31),
    Call("java", "random.nextInt(m)", "Random random = new Random(seed);", seed_bits=48),
    Call("java", "(int) (random.nextDouble() * m)", "Random random = new Random(seed);", seed_bits=48),
    Call("java", "random.nextInt(m)", "SplittableRandom random = new SplittableRandom(seed);", seed_bits=64),
    Call("python", "random.randrange(m)", "random.seed(seed)"),
    Call("python", "random.randint(1, m)", "random.seed(seed)", 1),
    Call("python", "int(random.random() * m)", "random.seed(seed)"),
    Call("python", "random.choice(range(m))", "random.seed(seed)"),
    Call("numpy", "rng.randint(0, m)", "rng = np.random.RandomState(seed)"),
    Call("numpy", "int(rng.random_sample() * m)", "rng = np.random.RandomState(seed)"),
    Call("numpy", "rng.integers(m)", "rng = np.random.default_rng(seed)", seed_bits=64),
    Call("numpy", "int(rng.random() * m)", "rng = np.random.default_rng(seed)", seed_bits=64),
    Call("go", "random.Intn(m)", "random := rand.New(rand.NewSource(seed))", seed_bits=31),
    Call(
        "go", "int(random.Float64() * float64(m))", "random := rand.New(rand.NewSource(seed))", seed_bits=31
    ),
    Call("tcl", "int(rand() * $m)", seed_bits=31),
    Call("gawk", "int(rand() * m)"),
    Call("gawk", "1 + int(rand() * m)", "", 1),
    Call("bash", "RANDOM % $3", seed_bits=31, known="bash"),
    Call("zsh", "RANDOM % $3", seed_bits=31),
    Call("glibc", "rand() % m", "srand(seed);"),
    Call("glibc", "random() % m", "srandom(seed);"),
    Call("glibc", "(double)rand() / (RAND_MAX + 1.0) * m", "srand(seed);"),
    Call("glibc", "drand48() * m", "srand48(seed);"),
    Call("glibc", "lrand48() % m", "srand48(seed);"),
    Call("glibc", "rand_r(&seed) % m", ""),
    Call("musl", "rand() % m", "srand(seed);"),
    Call("musl", "random() % m", "srandom(seed);"),
    Call("libstdc++", "engine() % m", "std::mt19937 engine(seed);"),
    Call(
        "libstdc++",
        "pick(engine)",
        "std::mt19937 engine(seed); std::uniform_int_distribution<int> pick(0, m - 1);",
    ),
    Call("libstdc++", "engine() % m", "std::minstd_rand engine(seed);", known="std::minstd_rand"),
    Call(
        "libstdc++",
        "pick(engine)",
        "std::default_random_engine engine(seed); std::uniform_int_distribution<int> pick(1, m);",
        1,
    ),
    Call("R", "sample.int(m, 1)", "", 1, 31),
    Call("R", "floor(runif(1) * m)", seed_bits=31),
    Call("erlang", "rand:uniform(M)", "", 1),
    Call("ocaml", "Random.int m", seed_bits=30),
    Call("guile", "(random m state)"),
    Call("mono", "random.Next(m)", seed_bits=31),
    Call("mono", "random.Next(1, m + 1)", "", 1, 31),
)
