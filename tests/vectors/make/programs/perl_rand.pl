# Oracle: perl's own drand48 (perl >= 5.20). Arguments: CALL LO HI COUNT SEED... (seeds in hex).
use strict;
use warnings;

my ($call, $lo, $hi, $count, @seeds) = @ARGV;
for my $seed (@seeds) {
    srand(hex $seed);
    print join(',', $seed, map { sprintf '%012x', rand() * 2**48 } 1 .. $count), "\n";
}
