# Oracle: $RANDOM of the shell that runs this (bash, ksh93, zsh). Arguments: CALL LO HI COUNT SEED... (seeds in hex).
# CALL is word or mod, with an ending _50 for bash's form before 5.1.
case $1 in *_50) BASH_COMPAT=50 ;; esac
call=${1%_50} lo=$2 size=$(($3 - $2 + 1)) count=$4
shift 4
for seed; do
    RANDOM=$((0x$seed))
    printf %s "$seed"
    i=0
    while [ $i -lt $count ]; do
        case $call in
        word) printf ,%04x $RANDOM ;;
        mod) printf ,%d $((lo + RANDOM % size)) ;;
        esac
        i=$((i + 1))
    done
    echo
done
