<?php
// Oracle: PHP's mt_rand seeded by crc32 of words, as it is and as before 7.1. Arguments: CALL LO HI COUNT WORD... (UTF-8 in hex behind a 1).
[, $call, $lo, $hi, $count] = $argv;
foreach (array_slice($argv, 5) as $text) {
    mt_srand(crc32(hex2bin(substr($text, 1))), $call === 'legacy' ? MT_RAND_PHP : MT_RAND_MT19937);
    echo $text;
    for ($i = 0; $i < (int) $count; $i++) {
        echo ',', mt_rand((int) $lo, (int) $hi);
    }
    echo "\n";
}
