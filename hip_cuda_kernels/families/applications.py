"""Applications: R, Octave, databases, game engines."""

from hip_cuda_kernels.family import Family

FAMILIES: tuple[Family, ...] = ()
