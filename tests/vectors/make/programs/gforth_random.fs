\ Oracle: gforth's random.fs. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
require random.fs

: parsed ( addr u -- n ) 0 0 2swap >number 2drop drop ;
: argument ( -- addr u ) next-arg ;
: parsed-argument ( -- n ) argument parsed ;

variable lo  variable size  variable count-of  variable raw
: word. ( u -- ) hex 0 <# # # # # # # # # # # # # # # # # #> type decimal ;
: draw. ( -- ) ." ," raw @ if rnd word. else size @ random lo @ + 0 .r then ;
: row ( addr u -- ) 2dup type hex parsed seed ! decimal count-of @ 0 ?do draw. loop cr ;
: all-rows ( -- ) begin argument dup while row repeat 2drop ;

decimal
argument s" rnd" str= raw !
parsed-argument lo !  parsed-argument 1+ lo @ - size !  parsed-argument count-of !
all-rows bye
