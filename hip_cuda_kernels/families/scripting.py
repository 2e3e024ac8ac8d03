"""Scripting languages and shells: PHP, Ruby, Perl, Lua, Tcl, awk, bash."""

from hip_cuda_kernels.family import Family

FAMILIES: tuple[Family, ...] = ()
