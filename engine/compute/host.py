"""What a process can say about its kernels before it may work: instruction set, build digest, self-test."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from engine.compute.job import one_line
from hip_cuda_kernels.errors import DeviceRefused, KernelError

NONE = "none"
"""Stands for the digest where the compiled kernels are not installed."""
TEXT, FAILED = 500, 20
"""Characters of one text of a report, and names of what failed, that are kept."""
ROOT = Path(__file__).parents[2]
PARTS = (
    "engine/compute",
    "engine/evidence",
    "engine/pipeline",
    "engine/recovery",
    "engine/search",
    "hip_cuda_kernels",
)
"""The code that decides what a worker answers; GPU kernels are compiled from it there."""


@dataclass(frozen=True)
class HostReport:
    """One process's kernels and code; two may work together if those agree and nobody's self-test fails."""

    isa: str
    digest: str
    """Of the kernels' sources, whatever the instruction set."""
    failed: tuple[str, ...]
    """Families whose self-test failed, or the reason why there was none."""
    device: str = "CPU"
    """What the sieve runs on."""
    degraded: str = ""
    """Why that is not the GPU that it was started for, empty if all is as asked."""
    code: str = ""
    """Of the code around the kernels."""
    broken: str = ""
    """Why the GPU that answered is not to be trusted, empty if it passed its check or none answered."""

    def against(self, other: HostReport, *, elsewhere: bool = False) -> str | None:
        """Return why this report is refused beside the coordinator's `other`, None if it is welcome.

        Another machine may have another instruction set (its self-test has compared it with the known answers), but must have the same code.
        """
        if self.failed:
            return f"kernel self-test failed: {', '.join(self.failed)}; rebuild the extension (make build)"
        if self.digest != other.digest or (self.isa != other.isa and not elsewhere):
            return (
                f"kernels differ: worker {self.isa} {self.digest[:12]}, coordinator {other.isa} {other.digest[:12]}; "
                "install the same build on both"
            )
        if elsewhere and self.broken:
            # Its host is weak and has a card a worker: none of them may take the CPU instead.
            return f"GPU self-test failed: {self.broken}"
        if elsewhere and self.code != other.code:
            return (
                f"code differs: worker {self.code[:12] or NONE}, coordinator {other.code[:12]}; put the same version there "
                "(mimicry rig deploy)"
            )
        return None

    def dump(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        return asdict(self)

    @classmethod
    def load(cls, record: dict[str, Any]) -> HostReport:
        """Return the report of a worker's record; what a rig says is cut to what a report is."""
        texts = (str(record.get(name, ""))[:TEXT] for name in ("device", "degraded", "code", "broken"))
        failed = tuple(str(one)[:TEXT] for one in record["failed"][:FAILED])
        return cls(str(record["isa"])[:TEXT], str(record["digest"])[:TEXT], failed, *texts)


@cache
def code_digest() -> str:
    """Return the sha-256 of the code that decides what a worker answers, as it stood when this was asked first."""
    digest = hashlib.sha256()
    found = (path for part in PARTS for kind in ("*.py", "*.h") for path in (ROOT / part).rglob(kind))
    for name, path in sorted((path.relative_to(ROOT).as_posix(), path) for path in found):
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def import_gpu() -> None:
    """Import what puts a GPU to work, without touching one: imports need no turn at the rig's gate."""
    try:
        from hip_cuda_kernels.gpu import in_use, sieve  # noqa: F401
    except (ImportError, OSError):
        # Taking the GPU meets the same and says so.
        return


def take_gpu(report: HostReport) -> HostReport:
    """Put this process's GPU to work and return the report that says so, or says why the CPU goes on alone."""
    from hip_cuda_kernels.gpu import in_use

    if report.digest == NONE:
        return replace(
            report, degraded="no GPU: the compiled kernels that it is compared with are not installed"
        )
    try:
        return replace(report, device=in_use.take())
    except (KernelError, ImportError, OSError) as error:
        why = one_line(str(error))
        broken = why if isinstance(error, DeviceRefused) else ""
        return replace(report, degraded=f"no GPU, the CPU searches: {why}", broken=broken)


def gpu_note() -> str:
    """Return why a GPU that was taken is not used any more, empty if nothing is wrong."""
    in_use = sys.modules.get("hip_cuda_kernels.gpu.in_use")
    return in_use.note() if in_use is not None else ""


def host_report(self_test: bool = True) -> HostReport:
    """Return this process's report; a missing extension is a report of its own, because some work needs no kernel."""
    try:
        from hip_cuda_kernels import host
    except ImportError:
        return HostReport(NONE, NONE, (), code=code_digest())
    try:
        failed = [family for family, good in host.self_test().items() if not good] if self_test else []
        return HostReport(host.isa(), host.source_digest(), tuple(failed), code=code_digest())
    except KernelError as error:
        return HostReport(NONE, NONE, (one_line(str(error)),), code=code_digest())
