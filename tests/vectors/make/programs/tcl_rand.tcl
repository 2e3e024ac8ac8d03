# Oracle: Tcl's expr srand() and rand(). Arguments: CALL LO HI COUNT SEED... (seeds in hex).
lassign $argv call lo hi count

proc word {lo m} { format %08x [expr {round(rand() * 2147483647)}] }
proc int {lo m} { expr {$lo + int(rand() * $m)} }

foreach seed [lrange $argv 4 end] {
    expr "srand(0x$seed)"
    set row $seed
    for {set i 0} {$i < $count} {incr i} { append row , [$call $lo [expr {$hi - $lo + 1}]] }
    puts $row
}
