<?php
// A site that numbers its vouchers with mt_rand(0, 999), every call kept. Arguments: SEED COUNT.
[, $seed, $count] = $argv;
mt_srand((int) $seed);
echo "draw,value\n";
for ($draw = 1; $draw <= (int) $count; $draw++) {
    echo $draw, ',', mt_rand(0, 999), "\n";
}
