"""Errors of the kernel wing: what a caller may catch, with the value, the rule and the next act in the text."""

from __future__ import annotations


class KernelError(Exception):
    """A request that the kernels cannot serve: a range too wide, a seed outside the seeding, a missing device."""


class DeviceRefused(KernelError):
    """A GPU that answers, but fails its check: it does not search as the host does, or not at all."""


class UnknownName(KernelError):
    """A family or mapping name that nothing here carries; the text names the nearest ones."""


class IncompatibleMapping(KernelError):
    """A mapping that the family's words cannot feed, or a parameter outside its bounds."""
