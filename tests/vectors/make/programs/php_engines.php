<?php
// Oracle: PHP's random engines (8.2), which show whole words, and mt_rand as before 7.1 (MT_RAND_PHP). Arguments: CALL LO HI COUNT SEED... (seeds in hex).
[, $call, $lo, $hi, $count] = $argv;
[$lo, $hi, $count] = [(int) $lo, (int) $hi, (int) $count];

// hexdec makes a float of more than 63 bits; the seed is an int of 64.
function seed_of(string $hex): int
{
    return unpack('J', hex2bin(str_pad($hex, 16, '0', STR_PAD_LEFT)))[1];
}

function engine(string $call, int $seed): ?Random\Engine
{
    return match (strtok($call, '_')) {
        'legacy' => new Random\Engine\Mt19937($seed, MT_RAND_PHP),
        'xoshiro' => new Random\Engine\Xoshiro256StarStar($seed),
        'pcg' => new Random\Engine\PcgOneseq128XslRr64($seed),
        default => null,
    };
}

function draw(string $call, ?Random\Engine $engine, int $lo, int $hi): int|string
{
    return match (substr($call, strpos($call, '_') + 1)) {
        'words' => bin2hex(strrev($engine->generate())),
        'high_mod' => $lo + unpack('V2', $engine->generate())[2] % ($hi - $lo + 1),
        'int' => (new Random\Randomizer($engine))->getInt($lo, $hi),
        'mt_rand' => sprintf('%08x', mt_rand()),
        'mt_rand_range' => mt_rand($lo, $hi),
        'mt_rand_mod' => $lo + mt_rand() % ($hi - $lo + 1),
    };
}

foreach (array_slice($argv, 5) as $hex) {
    $engine = engine($call, seed_of($hex));
    mt_srand(seed_of($hex), MT_RAND_PHP);
    echo $hex;
    for ($i = 0; $i < $count; $i++) {
        echo ',', draw($call, $engine, $lo, $hi);
    }
    echo "\n";
}
