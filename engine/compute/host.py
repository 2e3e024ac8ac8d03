"""What a process can say about its kernels before it may work: instruction set, build digest, self-test."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from engine.compute.job import one_line
from hip_cuda_kernels.errors import KernelError

NONE = "none"
"""Stands for the digest where the compiled kernels are not installed."""


@dataclass(frozen=True)
class HostReport:
    """One process's kernels; two processes may work together if digest and isa agree and nobody's self-test fails."""

    isa: str
    digest: str
    failed: tuple[str, ...]
    """Families whose self-test failed, or the reason why there was none."""

    def against(self, other: HostReport) -> str | None:
        """Return why this report is refused beside the coordinator's `other`, None if it is welcome."""
        if self.failed:
            return f"kernel self-test failed: {', '.join(self.failed)}; rebuild the extension (make build)"
        if (self.isa, self.digest) != (other.isa, other.digest):
            return (
                f"kernels differ: worker {self.isa} {self.digest[:12]}, coordinator {other.isa} {other.digest[:12]}; "
                "install the same build on both"
            )
        return None

    def dump(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        return asdict(self)

    @classmethod
    def load(cls, record: dict[str, Any]) -> HostReport:
        """Return the report of a worker's record."""
        return cls(str(record["isa"]), str(record["digest"]), tuple(map(str, record["failed"])))


def host_report(self_test: bool = True) -> HostReport:
    """Return this process's report; a missing extension is a report of its own, because some work needs no kernel."""
    try:
        from hip_cuda_kernels import host
    except ImportError:
        return HostReport(NONE, NONE, ())
    try:
        failed = [family for family, good in host.self_test().items() if not good] if self_test else []
        return HostReport(host.isa(), host.build_digest(), tuple(failed))
    except KernelError as error:
        return HostReport(NONE, NONE, (one_line(str(error)),))
