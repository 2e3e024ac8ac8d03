"""Scripting languages and shells: the oracles, and what is stored of their families."""

from oracle import Oracle, first_line, interpreted
from vector import Mapped, Raw

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
}

RAW: tuple[Raw, ...] = ()


MAPPED: tuple[Mapped, ...] = ()
