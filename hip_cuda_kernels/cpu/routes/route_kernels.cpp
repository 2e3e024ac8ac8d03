// The passes of all routes, compiled once for every instruction set (MIMICRY_ISA names it), all of it with internal linkage.
#include "route_kernels.h"

#include "lehmer_sums.h"
#include "low_states.h"
#include "progressions.h"
#include "twister_chain.h"

namespace mimicry {
extern const RouteKernels JOIN(route_kernels_, MIMICRY_ISA) = {twister_chain, lehmer_sums, low_states, progressions};
}  // namespace mimicry
