"""Scripting languages and shells: the oracles, and what is stored of their families."""

from oracle import Oracle, debian, first_line, interpreted
from vector import M31, M32, M64, SEEDS31, SEEDS32, SEEDS64, Check, Mapped, Raw


def script(title: str, command: str, package: str, program: str, *version: str) -> Oracle:
    """Return the oracle of one interpreter and one program for it; `version` makes it name itself."""
    return Oracle(
        title,
        ((command.split()[0], f"apt-get install {package}"),),
        interpreted(*command.split(), program),
        lambda: f"{title} {first_line(command.split()[0], *version)}",
    )


ORACLES: dict[str, Oracle] = {
    "php": Oracle(
        "PHP",
        (("php", "apt-get install php-cli"),),
        interpreted("php", "php_mt.php"),
        lambda: first_line("php", "-v"),
    ),
    "perl": Oracle(
        "Perl",
        (("perl", "apt-get install perl"),),
        interpreted("perl", "perl_rand.pl"),
        lambda: "perl " + first_line("perl", "-e", "print $^V"),
    ),
    "php-engines": script("PHP", "php", "php-cli", "php_engines.php", "-r", "echo PHP_VERSION;"),
    "lua": script("Lua", "lua5.4", "lua5.4", "lua_random.lua", "-v"),
    "lua5.1": script("Lua", "lua5.1", "lua5.1", "lua_random.lua", "-v"),
    "luajit": script("LuaJIT", "luajit", "luajit", "lua_random.lua", "-v"),
    "tcl": Oracle(
        "Tcl",
        (("tclsh8.6", "apt-get install tcl8.6"),),
        interpreted("tclsh8.6", "tcl_rand.tcl"),
        lambda: debian("tcl8.6"),
    ),
    "gawk": script("GNU awk", "gawk -f", "gawk", "awk_rand.awk", "--version"),
    "mawk": script("mawk", "mawk -f", "mawk", "awk_rand.awk", "-W", "version"),
    "ruby": script("Ruby", "ruby", "ruby", "ruby_random.rb", "-v"),
    "bash": script("bash", "bash", "bash", "shell_random.sh", "--version"),
    "zsh": script("zsh", "zsh", "zsh", "shell_random.sh", "--version"),
    "ksh93": script("ksh93", "ksh93", "ksh93u+m", "shell_random.sh", "-c", "echo ${.sh.version}"),
    "busybox": script("busybox", "busybox ash", "busybox-static", "shell_random.sh"),
    "gforth": script("gforth", "gforth", "gforth", "gforth_random.fs", "--version"),
}

SEEDS53 = (0x0, 0x1, 0x1FFFFFFFFFFFFF, 0x65F4A1B0, 0x1B054A32995C07)

RAW: tuple[Raw, ...] = (
    Raw(
        "mt19937_php/mt_srand",
        32,
        "php-engines",
        "legacy_words",
        "(new Random\\Engine\\Mt19937(seed, MT_RAND_PHP))->generate()",
        SEEDS32,
        "mt_rand() of PHP 5.2.1 to 7.0 shows the upper 31 bits of each word",
        (
            Check(
                "php-engines",
                "legacy_mt_rand",
                "mt_srand(seed, MT_RAND_PHP); mt_rand() is word >> 1",
                shift=1,
            ),
        ),
    ),
    Raw(
        "xoshiro256ss/splitmix64",
        64,
        "php-engines",
        "xoshiro_words",
        "(new Random\\Engine\\Xoshiro256StarStar(seed))->generate()",
        SEEDS64,
        "four SplitMix64 words from the seed are the state",
    ),
    Raw(
        "pcg_oneseq128/php",
        64,
        "php-engines",
        "pcg_words",
        "(new Random\\Engine\\PcgOneseq128XslRr64(seed))->generate()",
        SEEDS64,
        "from state 0 one step, the seed added, one step",
    ),
    Raw(
        "xoshiro256ss/lua",
        64,
        "lua",
        "words",
        "math.randomseed(seed); math.random(0)",
        SEEDS64,
        "state seed, 0xff, 0, 0 and 16 words dropped; seeds are Lua integers, so all ones is -1",
    ),
    Raw(
        "tw223/luajit",
        52,
        "luajit",
        "double",
        "math.randomseed(seed); math.random() * 2^52",
        SEEDS53,
        "a word is the 52 bits of the double; seeds are integers that a double holds, the fourth a time in seconds",
    ),
    Raw(
        "tcl_rand/srand",
        31,
        "tcl",
        "word",
        "expr {srand(seed)}; expr {rand() * 2147483647}",
        SEEDS31,
        "a word is the state; srand returns the first number, so rand() begins with the second; "
        "seeds 0 and 2**31 - 1 are mixed with 123459876",
    ),
    Raw(
        "gawk_random/srand",
        53,
        "gawk",
        "word",
        "srand(seed); rand() * 2**53",
        SEEDS32,
        "two words of gawk's own random() make a double; numbers of 1/2 and more have 52 bits",
    ),
    Raw(
        "bash_random/fold",
        15,
        "bash",
        "word",
        "RANDOM=seed; echo $RANDOM",
        (*SEEDS32, 0x3, 0x8EEA),
        "all ones is 1, as seeds count modulo 2**31 - 1; seed 3 meets the same number twice in a row and passes over it, "
        "and so does 36586 with the 0 it begins with",
    ),
    Raw(
        "bash_random/mask",
        15,
        "bash",
        "word_50",
        "BASH_COMPAT=50; RANDOM=seed; echo $RANDOM",
        (*SEEDS32, 0x1D, 0x8000),
        "RANDOM of bash 4.0 to 5.0; seed 29 meets the same number twice in a row, 32768 begins with 0: both are passed over",
    ),
    Raw(
        "zsh_random/srand",
        15,
        "zsh",
        "word",
        "RANDOM=seed; echo $RANDOM",
        SEEDS32,
        "the low 15 bits of glibc's rand()",
    ),
    Raw(
        "ksh_random/rand_r",
        15,
        "ksh93",
        "word",
        "RANDOM=seed; echo $RANDOM",
        (*SEEDS32, 0xF, 0x5946),
        "rand_r() >> 3; seed 15 meets the same number twice in a row and passes over it, seed 22854 begins with 0",
    ),
    Raw(
        "busybox_random/ash",
        15,
        "busybox",
        "word",
        "RANDOM=seed; echo $RANDOM",
        SEEDS32,
        "the low 15 bits of a sum of three generators; all start from the seed",
    ),
    Raw(
        "gforth_random/seed",
        64,
        "gforth",
        "rnd",
        "seed ! rnd",
        SEEDS64,
        "64-bit cells: state * $10450405 + 1, the word is the new state",
    ),
)


def php_before_71() -> tuple[Mapped, ...]:
    """Return the calls of PHP before 7.1: a scaled double, and the remainder that users take."""
    family, php, call = "mt19937_php/mt_srand", "php-engines", "mt_srand(seed, MT_RAND_PHP); mt_rand({})"
    return (
        Mapped(family, "float(31)", 0, 999, php, "legacy_mt_rand_range", call.format("0, 999"), M32),
        Mapped(family, "float(31)", 1, 49, php, "legacy_mt_rand_range", call.format("1, 49"), M32),
        Mapped(family, "shift(1)", 0, 999, php, "legacy_mt_rand_mod", call.format("") + " % 1000", M32),
    )


def php_engines() -> tuple[Mapped, ...]:
    """Return what users take of the words of PHP's 64-bit engines."""
    kinds = (("xoshiro256ss/splitmix64", "xoshiro"), ("pcg_oneseq128/php", "pcg"))
    text = "unpack('V2', $engine->generate())[2] % 1000"
    return tuple(
        Mapped(family, "shift(32)", 0, 999, "php-engines", f"{engine}_high_mod", text, M64)
        for family, engine in kinds
    )


def lua() -> tuple[Mapped, ...]:
    """Return the calls of Lua 5.4 and LuaJIT."""
    floor, seeds = "math.floor(math.random() * 1000)", SEEDS53[1:4]
    return (
        Mapped("xoshiro256ss/lua", "float(53)", 0, 999, "lua", "float", floor, M64),
        Mapped("tw223/luajit", "float(52)", 0, 999, "luajit", "float", floor, seeds),
        Mapped("tw223/luajit", "float(52)", 1, 6, "luajit", "range", "math.random(1, 6)", seeds),
    )


def over_other_seedings() -> tuple[Mapped, ...]:
    """Return the calls of runtimes that seed as C's rand(), MT19937 or CPython do: mawk, Lua 5.1 and Ruby."""
    glibc, genrand, cpython = "glibc_random/type3", "mt19937/init_genrand", "mt19937/cpython"
    beyond = "rand() divides by 2**31 - 1, which moves none of these draws"
    small = (0x0, 0x1, 0x5A17C3E9)  # mawk takes no more than 2**31 - 1
    ruby = "1 + (Random.new(seed).rand * 6).floor"
    return (
        Mapped(glibc, "float(31)", 0, 999, "mawk", "int", "srand(seed); int(rand() * 1000)", small, beyond),
        Mapped(
            glibc,
            "float(31)",
            1,
            6,
            "lua5.1",
            "range",
            "math.randomseed(seed); math.random(1, 6)",
            small,
            beyond,
        ),
        Mapped(genrand, "float(53)", 1, 6, "ruby", "float", ruby, M32, "a seed of one word: init_genrand"),
        Mapped(cpython, "float(53)", 1, 6, "ruby", "float", ruby, M64, "a seed of two words: init_by_array"),
    )


def tcl_awk_forth() -> tuple[Mapped, ...]:
    """Return the calls of Tcl, gawk and gforth."""
    tcl, gawk, gforth = "tcl_rand/srand", "gawk_random/srand", "gforth_random/seed"
    return (
        Mapped(tcl, "float(31)", 0, 999, "tcl", "int", "expr {int(rand() * 1000)}", M31),
        Mapped(tcl, "float(31)", 1, 6, "tcl", "int", "expr {1 + int(rand() * 6)}", M31),
        Mapped(gawk, "float(53)", 0, 999, "gawk", "int", "int(rand() * 1000)", M32),
        Mapped(gawk, "float(53)", 1, 6, "gawk", "int", "1 + int(rand() * 6)", M32),
        Mapped(gforth, "mulshift", 0, 999, "gforth", "random", "1000 random", M64),
        Mapped(gforth, "mulshift", 1, 6, "gforth", "random", "6 random 1+", M64),
    )


def shells() -> tuple[Mapped, ...]:
    """Return the remainders of RANDOM that shell scripts take."""
    kinds = (
        ("bash_random/fold", "bash", "mod"),
        ("bash_random/mask", "bash", "mod_50"),
        ("zsh_random/srand", "zsh", "mod"),
        ("ksh_random/rand_r", "ksh93", "mod"),
        ("busybox_random/ash", "busybox", "mod"),
    )
    ranges = ((0, 999, "$((RANDOM % 1000))"), (1, 6, "$((RANDOM % 6 + 1))"))
    return tuple(
        Mapped(family, "mod", lo, hi, shell, call, text, M32)
        for family, shell, call in kinds
        for lo, hi, text in ranges
    )


MAPPED: tuple[Mapped, ...] = (
    *php_before_71(),
    *php_engines(),
    *lua(),
    *over_other_seedings(),
    *tcl_awk_forth(),
    *shells(),
)
