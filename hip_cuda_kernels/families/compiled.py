"""Go, Rust, .NET, Erlang, OCaml, Haskell, Pascal, Forth and Lisp."""

from hip_cuda_kernels.family import Family

FAMILIES: tuple[Family, ...] = ()
