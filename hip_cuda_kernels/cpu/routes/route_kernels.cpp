// The passes of all routes, compiled once for every instruction set (MIMICRY_ISA names it), all of it with internal linkage.
#include "route_kernels.h"

#include "affine_space.h"
#include "lehmer_sums.h"
#include "low_states.h"
#include "orbit_walk.h"
#include "progressions.h"
#include "twister_chain.h"

namespace mimicry {
extern const RouteKernels JOIN(route_kernels_, MIMICRY_ISA) = {
    walkers * native_lanes, orbit_walk<Xorshift32>, orbit_walk<Minstd16807>, orbit_walk<Minstd48271>, orbit_walk<MsvcRand>,
    twister_chain<Mt19937InitGenrand>, twister_chain<Mt19937Php>, lehmer_sums, low_states, progressions, affine_space,
};
}  // namespace mimicry
