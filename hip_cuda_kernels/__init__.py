"""Single-source kernels for CPU, CUDA and HIP, and the registry of generators."""
