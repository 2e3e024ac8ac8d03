/* A ball machine that calls srand(time(NULL)) when it is switched on, then shows rand() % 49 + 1 every five minutes.
   Arguments: SEED COUNT; the seed is the switch-on time in seconds, the first ball comes four seconds later. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    const long started = atol(argv[1]);
    srand((unsigned)started);
    puts("draw,time,value");
    for (int draw = 1; draw <= atoi(argv[2]); ++draw) {
        const time_t when = (time_t)(started + 4 + 300L * (draw - 1));
        char stamp[32];
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime(&when));
        printf("%d,%s,%d\n", draw, stamp, rand() % 49 + 1);
    }
    return 0;
}
