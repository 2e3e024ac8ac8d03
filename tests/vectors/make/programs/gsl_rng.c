/* Oracle: the GNU Scientific Library's generators by name. Arguments: NAME[:METHOD] LO HI COUNT SEED... (seeds in hex).
   NAME:uniform prints draws by gsl_rng_uniform in the place of words, NAME:mod residues. */
#include <gsl/gsl_rng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print(gsl_rng *rng, const char *method, int lo, int range) {
    if (!method) printf(",%08lx", gsl_rng_get(rng));
    else if (!strcmp(method, "mod")) printf(",%d", lo + (int)(gsl_rng_get(rng) % (unsigned long)range));
    else printf(",%d", lo + (int)(gsl_rng_uniform(rng) * range));
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    const int lo = atoi(argv[2]), range = atoi(argv[3]) - lo + 1;
    char *method = strchr(argv[1], ':');
    if (method) *method++ = 0;
    const gsl_rng_type **type = gsl_rng_types_setup();
    while (*type && strcmp((*type)->name, argv[1])) ++type;
    if (!*type) return 2;
    gsl_rng *rng = gsl_rng_alloc(*type);
    for (int i = 5; i < argc; ++i) {
        gsl_rng_set(rng, strtoul(argv[i], NULL, 16));
        printf("%s", argv[i]);
        for (int k = 0; k < atoi(argv[4]); ++k) print(rng, method, lo, range);
        printf("\n");
    }
    gsl_rng_free(rng);
    return 0;
}
