"""The sieve on a GPU: one search over two runtimes, CuPy (CUDA or ROCm) and the HIP module API alone."""
