// Which compiled instruction sets this processor can run, best last, and where each family lies in the compiled groups.
#include "host.h"

namespace mimicry {

namespace {
struct Group {
    const Scalar *scalars;
    u32 count;
};
}  // namespace

#define GROUP(name, count) extern const Scalar JOIN(scalars_, name)[];
#include "groups.inc"
#undef GROUP

#define GROUP(name, count) {JOIN(scalars_, name), count},
static const Group groups[] = {
#include "groups.inc"
};
#undef GROUP

// The group of a family; `family` becomes its place in the group.
static u32 group_of(u32 &family) {
    u32 group = 0;
    while (family >= groups[group].count) family -= groups[group++].count;
    return group;
}

u32 family_count() {
    u32 sum = 0;
    for (const Group &group : groups) sum += group.count;
    return sum;
}

const Scalar &scalar_of(u32 family) {
    const u32 group = group_of(family);
    return groups[group].scalars[family];
}

const Producer &producer_of(const Kernels &kernels, u32 family) {
    const u32 group = group_of(family);
    return kernels.producers[group][family];
}

#if defined(__x86_64__)
const Kernels *kernels_sse41();
const Kernels *kernels_avx2();
const Kernels *kernels_avx512();

const Choice *instruction_sets(u32 *count) {
    __builtin_cpu_init();
    static const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    static const Choice choices[] = {
        {"sse41", __builtin_cpu_supports("sse4.1") ? kernels_sse41() : nullptr},
        {"avx2", __builtin_cpu_supports("avx2") ? kernels_avx2() : nullptr},
        {"avx512", avx512 ? kernels_avx512() : nullptr},
    };
    *count = 3;
    return choices;
}
#else
const Kernels *kernels_base();

const Choice *instruction_sets(u32 *count) {
    static const Choice choices[] = {{"base", kernels_base()}};
    *count = 1;
    return choices;
}
#endif

}  // namespace mimicry
