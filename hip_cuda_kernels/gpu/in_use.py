"""The sieve of this process: the host's, until a GPU takes its place; then the GPU's where it can search, the host's where it cannot.

One process owns one GPU. A GPU that once disagreed with the host is not asked again, and `note` says why.
"""

from __future__ import annotations

import logging
from typing import Any, Unpack

from hip_cuda_kernels import host
from hip_cuda_kernels.errors import DeviceRefused, KernelError
from hip_cuda_kernels.gpu.device import Device
from hip_cuda_kernels.host import SieveResult
from hip_cuda_kernels.job import Keywords
from hip_cuda_kernels.mappings import is_composed, parse_mapping
from hip_cuda_kernels.registry import family as family_of

logger = logging.getLogger(__name__)
CHECKED = "lcg48/java"
"""The family that a GPU must search as the host does before it is used at all; each other one is checked before its first use."""

_gpu: Any = None
_note = ""


def take(device: Device | int = 0) -> str:
    """Put a GPU in the host's place and return its name; KernelError if none answers, DeviceRefused if it fails its check."""
    global _gpu, _note
    from hip_cuda_kernels.gpu.sieve import GpuSieve

    sieve = GpuSieve(device)
    try:
        sieve.check(CHECKED)
    except KernelError as error:
        raise DeviceRefused(str(error)) from error
    _gpu, _note = sieve, ""
    return sieve.name


def leave(why: str = "") -> None:
    """Search on the host again."""
    global _gpu, _note
    _gpu, _note = None, why


def taken() -> bool:
    """Say whether a GPU searches in this process."""
    return _gpu is not None


def note() -> str:
    """Return why a GPU that was taken is not used any more, empty if nothing is wrong."""
    return _note


def sieve(family: str, mapping: str, *asked: Any, route: str, **keywords: Unpack[Keywords]) -> SieveResult:
    """Search as host.sieve does: on the GPU where there is one and the plain sieve is the way, on the host otherwise."""
    plain = route == "sieve" and not is_composed(parse_mapping(mapping, family_of(family)))
    if _gpu is not None and plain:
        try:
            found: SieveResult = _gpu.sieve(family, mapping, *asked, **keywords)
            return found
        except KernelError as error:
            logger.error("the GPU is left for the host: %s", error)
            leave(str(error))
    return host.sieve(family, mapping, *asked, route=route, **keywords)
