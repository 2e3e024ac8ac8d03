// A gettimeofday that gives the time in the environment's MICROSECONDS; preloaded into a runtime that seeds itself with the time.
#include <stdlib.h>
#include <sys/time.h>

int gettimeofday(struct timeval *now, void *zone) {
    unsigned long long time = strtoull(getenv("MICROSECONDS"), NULL, 10);
    (void)zone;
    now->tv_sec = (time_t)(time / 1000000);
    now->tv_usec = (suseconds_t)(time % 1000000);
    return 0;
}
