<?php
// Oracle: PHP's mt_srand and mt_rand. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
[, $call, $lo, $hi, $count] = $argv;
foreach (array_slice($argv, 5) as $seed) {
    mt_srand((int) hexdec($seed));
    echo $seed;
    for ($i = 0; $i < (int) $count; $i++) {
        echo ',', match ($call) {
            'mt_rand' => sprintf('%08x', mt_rand()),
            'mt_rand_range' => mt_rand((int) $lo, (int) $hi),
            'mt_rand_mod' => (int) $lo + mt_rand() % ((int) $hi - (int) $lo + 1),
        };
    }
    echo "\n";
}
