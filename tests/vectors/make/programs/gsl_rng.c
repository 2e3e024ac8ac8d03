/* Oracle: the GNU Scientific Library's generators by name. Arguments: NAME[%|*] LO HI COUNT SEED... (seeds in hex).
   NAME gives raw words, NAME% the residues and NAME* the scaled doubles that fall in LO..HI. */
#include <gsl/gsl_rng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print(gsl_rng *rng, char form, long lo, double range) {
    if (form == '%') printf(",%ld", lo + (long)(gsl_rng_get(rng) % (unsigned long)range));
    else if (form == '*') printf(",%ld", lo + (long)(gsl_rng_uniform(rng) * range));
    else printf(",%08lx", gsl_rng_get(rng));
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    const size_t length = strcspn(argv[1], "%*");
    const gsl_rng_type **type = gsl_rng_types_setup();
    while (*type && (strncmp((*type)->name, argv[1], length) || (*type)->name[length])) ++type;
    if (!*type) return 2;
    const long lo = atol(argv[2]), hi = atol(argv[3]);
    gsl_rng *rng = gsl_rng_alloc(*type);
    for (int i = 5; i < argc; ++i) {
        gsl_rng_set(rng, strtoul(argv[i], NULL, 16));
        printf("%s", argv[i]);
        for (int k = 0; k < atoi(argv[4]); ++k) print(rng, argv[1][length], lo, (double)(hi - lo + 1));
        printf("\n");
    }
    gsl_rng_free(rng);
    return 0;
}
