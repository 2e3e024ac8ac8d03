// Which compiled instruction sets this processor can run, best last.
#include "host.h"

namespace mimicry {

const Kernels *kernels_base();
#if defined(__x86_64__)
const Kernels *kernels_sse41();
const Kernels *kernels_avx2();
const Kernels *kernels_avx512();

const Choice *instruction_sets(u32 *count) {
    __builtin_cpu_init();
    static const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    static const Choice choices[] = {
        {"base", kernels_base()},
        {"sse41", __builtin_cpu_supports("sse4.1") ? kernels_sse41() : nullptr},
        {"avx2", __builtin_cpu_supports("avx2") ? kernels_avx2() : nullptr},
        {"avx512", avx512 ? kernels_avx512() : nullptr},
    };
    *count = 4;
    return choices;
}
#else
const Choice *instruction_sets(u32 *count) {
    static const Choice choices[] = {{"base", kernels_base()}};
    *count = 1;
    return choices;
}
#endif

}  // namespace mimicry
