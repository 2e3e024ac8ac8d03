# Oracle: awk's srand and rand (gawk). Arguments: CALL LO HI COUNT SEED... (seeds in hex).
function number(hex,    n, i) {
    for (i = 1; i <= length(hex); i++) n = 16 * n + index("0123456789abcdef", substr(hex, i, 1)) - 1
    return n
}
function word(    n) {
    n = rand() * 2 ^ 53
    return sprintf("%07x%07x", int(n / 2 ^ 28), n % 2 ^ 28)
}
BEGIN {
    call = ARGV[1]; lo = ARGV[2]; size = ARGV[3] - lo + 1; count = ARGV[4]
    for (k = 5; k < ARGC; k++) {
        srand(number(ARGV[k]))
        printf "%s", ARGV[k]
        for (i = 0; i < count; i++) printf ",%s", call == "word" ? word() : lo + int(rand() * size)
        print ""
    }
}
