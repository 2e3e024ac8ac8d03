"""JavaScript: the engines' Math.random and what users install from npm."""

from hip_cuda_kernels.family import Family

FAMILIES: tuple[Family, ...] = ()
