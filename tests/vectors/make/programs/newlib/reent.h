/* The only part of newlib's own reent.h that its rand.c asks for: where the state of rand() lies. */
struct _reent {
    unsigned long long rand_next;
};
extern struct _reent *_REENT;
#define _REENT_CHECK_RAND48(reent)
#define _REENT_RAND_NEXT(reent) ((reent)->rand_next)
