"""Words as seeds: the oracles that hash strings, and the draws that are stored of them."""

import sys

from oracle import HERE, MODULES, NPM, Oracle, first_line, interpreted, npm_version, python_version
from vector import Check, Mapped, Raw, Worded

WORDS = ("a", "letmein", "correct horse battery staple", "12345", "größe", "2026-01-31", "x" * 255)


def npm(package: str) -> Oracle:
    """Return the oracle of an npm package, written name@version."""
    name = package.rpartition("@")[0]
    return Oracle(
        f"npm {name}",
        (("node", "apt-get install nodejs"), (str(MODULES / name), f"{NPM} {package}")),
        lambda work: ["node", str(HERE / "npm_words.mjs"), str(MODULES)],
        lambda: npm_version(MODULES / name),
    )


ORACLES: dict[str, Oracle] = {
    "cpython-words": Oracle(
        "CPython random", (), interpreted(sys.executable, "cpython_words.py"), python_version
    ),
    "cpython2-words": Oracle(
        "CPython 2 random",
        (("python2.7", "a build of CPython 2.7"),),
        interpreted("python2.7", "cpython_words.py"),
        lambda: first_line("python2.7", "--version"),
    ),
    "seedrandom-words": npm("seedrandom@3.0.5"),
    "alea-words": npm("alea@1.0.1"),
    "java-words": Oracle(
        "OpenJDK",
        (("javac", "apt-get install openjdk-17-jdk-headless"),),
        interpreted("java", "JavaWords.java"),
        lambda: first_line("java", "-version"),
    ),
    "php-words": Oracle(
        "PHP",
        (("php", "apt-get install php-cli"),),
        interpreted("php", "php_words.php"),
        lambda: first_line("php", "-v"),
    ),
}


def worded(way: str, family: str, mapping: str, oracle: str, call: str, text: str, *checks: Check) -> Worded:
    """Return the vector of draws in 0..999 after each of the words."""
    seeds = tuple(int.from_bytes(b"\x01" + word.encode()) for word in WORDS)
    return Worded(
        family, mapping, 0, 999, oracle, call, text, seeds, "a seed is a word's UTF-8 behind a 1", checks, way
    )


RAW: tuple[Raw, ...] = ()
MAPPED: tuple[Mapped, ...] = (
    worded(
        "python_str", "mt19937/cpython", "top_reject", "cpython-words", "v2.randrange",
        "random.seed(word); random.randrange(1000)",
    ),
    worded(
        "python2_str", "mt19937/cpython", "float(53)", "cpython-words", "v1.floor",
        "random.seed(word, version=1); floor(random.random() * 1000)",
        Check("cpython2-words", "v1.floor", 'random.seed(u"word"); floor(random.random() * 1000)'),
    ),
    worded(
        "seedrandom_text", "arc4/seedrandom", "float(53)", "seedrandom-words", "seedrandom.arc4",
        "Math.floor(seedrandom(word)() * 1000)",
    ),
    worded(
        "alea_text", "alea/number", "float(32)", "alea-words", "alea.alea", "Math.floor(new Alea(word)() * 1000)",
        Check("seedrandom-words", "seedrandom.alea", "Math.floor(seedrandom.alea(word)() * 1000)"),
    ),
    worded(
        "sha1prng_bytes", "sha1prng/java", "java_bounded", "java-words", "SHA1PRNG",
        'SecureRandom.getInstance("SHA1PRNG"), setSeed(word.getBytes()), nextInt(1000)',
    ),
    worded(
        "java_hash_code", "lcg48/java", "java_bounded", "java-words", "hashCode",
        "new Random(word.hashCode()).nextInt(1000)",
    ),
    worded(
        "php_crc32", "mt19937/init_genrand", "php_range", "php-words", "now",
        "mt_srand(crc32(word)); mt_rand(0, 999)",
    ),
    worded(
        "php_crc32", "mt19937_php/mt_srand", "float(31)", "php-words", "legacy",
        "mt_srand(crc32(word), MT_RAND_PHP); mt_rand(0, 999)",
    ),
)  # fmt: skip
