"""Room settings: `room.toml` and flags, read strictly, each value with its origin. No file is needed; defaults run a room."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from engine.errors import BadInput, UsageError

FILE_NAME = "room.toml"
Source = Literal["default", "file", "flag"]
SECRET = ("alerts.webhook", "history.url", "history.command")
"""Settings that may hold a key; a message about them shows no value."""
Names = Annotated[tuple[str, ...], Field(strict=False)]
FilePath = Annotated[Path, Field(strict=False)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Section(BaseModel):
    """Strict, immutable base of every section: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ComputeSettings(Section):
    """Where chunks run: CPU workers on this machine, started on first work and released when idle."""

    workers: int | None = Field(
        default=None, ge=1, le=1024, description="worker processes; absent = one a core"
    )
    memory_mb: int | None = Field(default=None, ge=256, description="memory limit of one worker")
    hung_s: Seconds | None = Field(
        default=None, description="a chunk that takes longer costs its worker its life; absent = by kind"
    )
    idle_release_s: Seconds = Field(
        default=300.0, description="release the workers after so long without work"
    )


class HistorySettings(Section):
    """Where draws come from (one of file, directory, url, command), and how to read them."""

    file: FilePath | None = None
    directory: FilePath | None = Field(
        default=None, description="files of draws, taken in the order of their names"
    )
    url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s]+$",
        max_length=2000,
        description="a document of draws, asked again and again",
    )
    command: Names = Field(default=(), description="a program that prints draws; run again and again")
    timeout_s: Seconds = Field(default=30.0, description="how long an answer of a url or a command may take")
    format: Literal["csv", "json", "jsonl", "text"] | None = None
    column: str | None = None
    time_column: str | None = None
    session_column: str | None = None
    range: str | None = Field(
        default=None, description="LO:HI; absent = candidates are inferred, each billed"
    )
    poll_s: Seconds = Field(default=2.0, description="how often the source is looked at for new draws")

    @model_validator(mode="after")
    def _one_source(self) -> HistorySettings:
        given = [name for name in ("file", "directory", "url", "command") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(
                f"{' and '.join(given)} are given; draws have one order, so a room has one source"
            )
        return self


class SearchSettings(Section):
    """The asked hypothesis space; absent bounds are the program's defaults."""

    alpha: float = Field(default=1e-6, gt=0, lt=0.1)
    families: Names | None = None
    mappings: Names | None = None
    seeds: str | None = None
    gaps: str | None = None
    starts: str | None = None
    noise: float | None = Field(default=None, ge=0, lt=1)
    time_limit_s: Seconds = 600.0


class ScheduleSettings(Section):
    """One recurring request: when (cron, five fields, UTC), and what is asked for."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    cron: str = Field(min_length=1, max_length=200)
    request: dict[str, Any]


class FeedbackSettings(Section):
    """The live loop: how sure a trigger must be, and when it may fire again."""

    false_alarm: float = Field(
        default=0.01,
        gt=0,
        lt=0.5,
        description="probability that a sound model is ever accused, however long it is watched",
    )
    cooldown_draws: int = Field(
        default=5,
        ge=0,
        le=10_000,
        description="draws for which a trigger stays silent after its request has ended",
    )
    pool_size: int = Field(default=20, ge=1, le=100_000)


class DemoSettings(Section):
    """The planted history that `mimicry demo` works on."""

    family: str = "lcg48/java"
    mapping: str = "java_bounded"
    draws: int = Field(default=60, ge=10, le=100_000)
    range: tuple[int, int] = Field(default=(0, 999), strict=False)
    seconds_per_draw: Seconds = 4.0
    seed: int = 20_261_123
    seeds: int = Field(default=1 << 16, ge=1, le=1 << 32, description="the planted seed lies below this")
    scenario: str | None = Field(default=None, description="one that `mimicry scenario` lists, instead")


class SyntheticInjection(Section):
    """Second of the two flags that test mode needs."""

    enabled: bool = False


class ClaudeSettings(Section):
    """The advisor behind the local one: which model, what it costs by the operator's price list, and the caps."""

    model: str = "claude-sonnet-5-5"
    input_usd_per_mtok: float = Field(default=3.0, ge=0)
    output_usd_per_mtok: float = Field(default=15.0, ge=0)
    calls_per_hour: int = Field(default=20, ge=0)
    usd_per_day: float = Field(default=1.0, ge=0)
    timeout_s: Seconds = Field(default=20.0, description="of one attempt")
    attempts: int = Field(default=2, ge=1, le=5, description="each is billed before it is made")


class LlmSettings(Section):
    """The advisor: a command that serves one model on loopback, and Claude behind it. No command and no cloud = no advice."""

    command: Names = Field(default=(), description='["llama-server"], or the wheel\'s server; empty = none')
    model: FilePath | None = Field(default=None, description="GGUF file, passed to the command")
    context: int = Field(default=32_768, ge=2048, le=1 << 20, description="tokens")
    threads: int = Field(default=1, ge=1, le=256, description="worker threads spin: 1 on shared CPUs")
    batch: int = Field(default=64, ge=16, le=4096, description="small = a long prompt can be cancelled soon")
    gpu_layers: int | None = Field(default=None, ge=0, description="absent = the command's default")
    temperature: float = Field(default=0.6, ge=0, le=2)
    thinking_tokens: int = Field(default=0, ge=0, le=32_768, description="free thinking before the answer")
    start_s: Seconds = Field(default=180.0, description="how long loading may take")
    deadline_s: Seconds = Field(default=120.0, description="of one question, waiting and retries included")
    silence_s: Seconds = Field(default=20.0, description="a server silent for so long in an answer hangs")
    queue: int = Field(default=4, ge=1, le=64, description="questions that may wait; one more gets no advice")
    cloud: bool = Field(
        default=False, description="ask Claude where the local model is silent; needs ANTHROPIC_API_KEY too"
    )
    claude: ClaudeSettings = ClaudeSettings()


LOCAL = "local"
"""The host of a rig that is this machine itself: no SSH."""
PciAddress = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$", description="as lspci -D says: 0000:0f:00.0"
    ),
]


class RigSettings(Section):
    """One machine of the fleet: how it is entered, which GPUs it has, on which terms it works."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")
    host: str = Field(min_length=1, description='name or address; "local" is this machine, without SSH')
    port: int = Field(default=22, ge=1, le=65535)
    user: str = Field(default="root", pattern=r"^[a-z_][a-z0-9_.-]{0,31}$")
    key: FilePath | None = Field(default=None, description="our private key; ~ is your home")
    host_keys: Names = Field(default=(), description="the rig's public host keys: 'ssh-ed25519 AAAA…'")
    known_hosts: FilePath | None = Field(default=None, description="instead of host_keys: a known_hosts file")
    backend: Literal["cuda", "rocm"] = "rocm"
    gpus: Literal["auto"] | Annotated[tuple[PciAddress, ...], Field(strict=False)] = "auto"
    env: dict[str, str] = Field(default_factory=dict, description="environment of its workers")
    python: str = Field(
        default="python3", min_length=1, description="the rig's python with its GPU libraries"
    )
    stagger: int = Field(default=1, ge=1, le=64, description="GPUs that may initialise at once")
    stagger_delay_s: float = Field(default=2.0, ge=0, le=600, description="pause after an initialisation")
    ram_reserve_mb: int = Field(default=1024, ge=0, description="host RAM that work leaves free")
    worker_ram_mb: int = Field(
        default=400, ge=0, description="host RAM that must be free for one more worker"
    )
    staging: str = Field(
        default="/dev/shm", pattern=r"^/[\w./-]*$", description="a ramdisk for files of work"
    )
    deploy_to: str = Field(default=".mimicry", pattern=r"^[\w./-]+$", description="folder of `rig deploy`")
    poll_s: float = Field(default=15.0, ge=10, le=3600, description="seconds between two readings")

    @property
    def remote(self) -> bool:
        """Say whether SSH leads there."""
        return self.host != LOCAL

    @model_validator(mode="after")
    def _enterable(self) -> RigSettings:
        if self.remote and self.key is None:
            raise ValueError("key is missing: name our private key (ssh-keygen -t ed25519 makes one)")
        if self.remote and not self.host_keys and self.known_hosts is None:
            raise ValueError(
                f"host_keys is missing: compare with /etc/ssh/ssh_host_ed25519_key.pub on the rig, then take it from ssh-keyscan -p {self.port} {self.host}"
            )
        return self


class AlertSettings(Section):
    """Limits of the alert rules, and where alerts are sent; a limit that clears lies on the calm side."""

    webhook: str | None = Field(default=None, pattern=r"^https?://", description="POST each alert here")
    hot_raise: float = Field(default=95.0, gt=0, description="°C of the hottest card of a machine")
    hot_clear: float = Field(default=90.0, gt=0)
    hot_hold_s: Seconds = 30.0
    silent_s: Seconds = Field(default=60.0, description="a machine that has not been heard for so long")
    lag_raise_ms: float = Field(default=500.0, gt=0)
    memory_mb_per_hour: float = Field(default=10.0, gt=0)
    handles_per_hour: float = Field(default=5.0, gt=0)
    disk_free_mb: float = Field(default=1024.0, gt=0)


class DiskSettings(Section):
    """What the state directory may take; at 90, 95 and 100 % of it `engine/housekeeping.py` acts."""

    budget_gb: float | None = Field(default=None, gt=0, description="absent = what the file system holds")
    content_days: int = Field(
        default=400,
        ge=1,
        description="older records of draws keep their hash; their content goes into archive/",
    )


class ObserveSettings(Section):
    """What the daemon shows of itself to programs that watch it."""

    metrics: str | None = Field(
        default=None,
        description='where Prometheus finds /metrics: "127.0.0.1:9464", or "unix:PATH" (mode 0600); absent = nowhere',
    )
    stall_s: Seconds = Field(
        default=2.0, ge=0.1, description="a loop that has not ticked for so long has its stack recorded"
    )

    @field_validator("metrics")
    @classmethod
    def _near(cls, value: str | None) -> str | None:
        return value if value is None else checked_address(value)


def checked_address(text: str) -> str:
    """Return an address of the metrics endpoint; ValueError unless it is loopback with a port, or a unix socket."""
    if text.startswith("unix:") and text != "unix:":
        return text
    host, _, port = text.rpartition(":")
    if host not in ("127.0.0.1", "[::1]", "localhost"):
        raise ValueError(
            "is not on this machine: 127.0.0.1:PORT, [::1]:PORT or unix:PATH; use a tunnel for more"
        )
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("has no port from 1 to 65535")
    return text


class Settings(Section):
    """Everything that a room is told from outside."""

    state: FilePath | None = None
    test_mode: bool = False
    compute: ComputeSettings = ComputeSettings()
    history: HistorySettings = HistorySettings()
    search: SearchSettings = SearchSettings()
    feedback: FeedbackSettings = FeedbackSettings()
    demo: DemoSettings = DemoSettings()
    synthetic_injection: SyntheticInjection = SyntheticInjection()
    llm: LlmSettings = LlmSettings()
    alerts: AlertSettings = AlertSettings()
    observe: ObserveSettings = ObserveSettings()
    disk: DiskSettings = DiskSettings()
    rigs: Annotated[tuple[RigSettings, ...], Field(strict=False)] = ()
    schedule: Annotated[tuple[ScheduleSettings, ...], Field(strict=False)] = ()
    _origins: dict[str, Source] = PrivateAttr(default_factory=dict)
    _refused_rigs: list[str] = PrivateAttr(default_factory=list)

    @property
    def refused_rigs(self) -> list[str]:
        """Return one line per rig that the file describes wrongly; such a rig is left out, the rest works."""
        return list(self._refused_rigs)

    @property
    def testing(self) -> bool:
        """Say whether test mode is on: both flags are set."""
        return self.test_mode and self.synthetic_injection.enabled

    def origin(self, key: str) -> Source:
        """Return where the value of a dotted key came from."""
        return self._origins.get(key, "default")

    def described(self) -> list[tuple[str, Any, Source]]:
        """Return every setting as (dotted key, value, origin), in file order."""
        return [(key, value, self.origin(key)) for key, value in _flatten(self.model_dump(mode="json"))]


def load(path: Path | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
    """Read settings: defaults, then the file, then flags (dotted keys; None = not given).

    Raises UsageError for an unknown key (with the nearest known one) or a value outside its rule,
    BadInput for a file that cannot be read as TOML.
    """
    written = {
        key: (value, "file")
        for key, value in _flatten(_read(path) if path else {})
        if value != {} or key not in Settings.model_fields  # a section without a value asks for nothing
    }
    given = {key: (value, "flag") for key, value in (flags or {}).items() if value is not None}
    merged: dict[str, tuple[Any, str]] = {**written, **given}
    _refuse_unknown(merged, path)
    values = {key: value for key, (value, _) in merged.items()}
    values["rigs"], refused = _rigs(values.get("rigs", ()), path)
    settings = _validate(values, path)
    settings._refused_rigs.extend(refused)
    settings._origins.update({key: _source(source) for key, (_, source) in merged.items()})
    return settings


def _rigs(written: Any, path: Path | None) -> tuple[list[RigSettings], list[str]]:
    """Return the rigs that are described well, and one line per rig that is not."""
    if not isinstance(written, list | tuple) or not all(isinstance(one, dict) for one in written):
        raise UsageError(f"{path or 'flags'}: rigs are tables: [[rigs]]")
    good: list[RigSettings] = []
    refused = []
    for number, table in enumerate(written, 1):
        name = table.get("name", f"number {number}")
        try:
            rig = RigSettings.model_validate(_placed(table, path))
        except RuntimeError as error:  # of expanduser: ~somebody, whom this machine does not know
            refused.append(f"rig {name}: left out: {error} (key, known_hosts)")
            continue
        except ValidationError as error:
            refused.append(f"rig {name}: left out: {_rig_fault(error)}")
            continue
        if any(rig.name == other.name for other in good):
            refused.append(f"rig {name}: left out: another rig has this name; rename one of them in {path}")
        else:
            good.append(rig)
    return good, refused


def _placed(table: dict[str, Any], path: Path | None) -> dict[str, Any]:
    """Return a rig's table with its files made absolute: ~ is the home, else the folder of the file that names them."""
    base = path.parent if path else Path()
    files = {
        key: base / Path(table[key]).expanduser()
        for key in ("key", "known_hosts")
        if isinstance(table.get(key), str)
    }
    return {**table, **files}


_RIG_RULES = {
    "name": "letters, digits, dots and dashes, 40 at most",
    "host_keys": 'a list, as in ["ssh-ed25519 AAAA..."]',
    "gpus": '"auto", or PCI addresses as `lspci -D` says, as in ["0000:0f:00.0"]',
}
"""What is told of a rig's setting where the library's own words would not help."""


def _rig_fault(error: ValidationError) -> str:
    """Return the first fault of a rig's table as one line, with the nearest key for one that is unknown."""
    faults = error.errors(include_url=False)
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    key = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("literal", "tuple")))
    if first["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(key, RigSettings.model_fields, n=1, cutoff=0.0)[0]
        return f"{key!r} is unknown; the nearest is {nearest!r}"
    if first["type"] == "missing":
        return f"{key!r} is missing"
    said = _RIG_RULES.get(
        str(first["loc"][0]) if first["loc"] else "", first["msg"].removeprefix("Value error, ")
    )
    if not key or key.startswith("env"):  # a worker's environment may hold a key
        return f"{key}: {said}" if key else said
    return f"{key} = {first['input']!r}: {said}"


def _source(text: str) -> Source:
    return "flag" if text == "flag" else "file"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as TOML: {error}") from error


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _known(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from _known(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _refuse_unknown(merged: Mapping[str, tuple[Any, str]], path: Path | None) -> None:
    known = list(_known(Settings))
    for key, (_, source) in merged.items():
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            where = str(path) if source == "file" else "flags"
            raise UsageError(f"{where}: setting {key!r} is unknown; the nearest is {nearest!r}")


def _validate(values: Mapping[str, Any], path: Path | None) -> Settings:
    try:
        return Settings.model_validate(_nest(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        given = "[not shown]" if key in SECRET else repr(first["input"])
        raise UsageError(f"{path or 'flags'}: setting {key!r} = {given}: {first['msg']}") from None


def _nest(values: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *parents, leaf = key.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[leaf] = value
    return tree
