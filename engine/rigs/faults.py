"""Why a rig cannot be used now; each message names the rig, the reason and what to do."""

from __future__ import annotations

from engine.errors import EnvironmentFault


class RigFault(EnvironmentFault):
    """A rig cannot be used now; the message names the rig, the reason and what to do."""


class HostKeyRefused(RigFault):
    """The rig's host key is unknown or is not the one that was trusted: nothing was sent to it."""


class LoginRefused(RigFault):
    """The rig does not take our key."""


class LinkFault(RigFault):
    """The rig cannot be reached, or the connection broke."""
