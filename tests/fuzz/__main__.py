"""`python -m tests.fuzz TARGET --minutes 10`: fuzz a target with atheris, keep what it found, enter the run in the book.

The parent watches, the child fuzzes: a child that hangs in C, dies or grows is a finding with the input that it was at, and another
one goes on. `python -m tests.fuzz --list` names the targets, `--replay FILE` runs one input.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mmap
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "fuzz"
HEAD = struct.Struct("<QQI")
"""Executions, edges, length of the present input, before that input."""
MARK = 1 << 20
STUCK = 90.0
"""Seconds without a new input after which the child hangs."""
SECONDS = 5.0
RSS_MB = 1500


def main() -> int:
    """Parse the line and go."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("target", nargs="?")
    parser.add_argument("--minutes", type=float, default=10.0, help="CPU minutes")
    parser.add_argument("--list", action="store_true", help="name the targets")
    parser.add_argument("--book", action="store_true", help="print what was fuzzed so far, by target")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="judge one input under all bounds")
    parser.add_argument(
        "--trial", action="store_true", help="neither change the corpus nor enter the run in the book"
    )
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return fuzz(arguments.target, Path(arguments.child))
    from tests.fuzz.targets import TARGETS

    if arguments.book:
        print("\n".join(booked()))
        return 0
    if arguments.list or arguments.target not in TARGETS:
        for one in TARGETS.values():
            print(f"{one.name:<14}{len(one.readers):>3} readers: {one.about}")
        return 0 if arguments.list else 2
    if arguments.replay:
        from tests.fuzz.target import measured

        found = measured(TARGETS[arguments.target], arguments.replay.read_bytes())
        print(found.key if found else "the property holds")
        return 1 if found else 0
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("atheris is missing; install the extra: pip install -e '.[fuzz]'")
        return 5
    return watch(arguments.target, arguments.minutes, trial=arguments.trial)


def booked() -> list[str]:
    """Return the book as a table: CPU minutes and executions summed, lines of ours that the corpus reaches not counted again."""
    from tests.fuzz.kept import runs
    from tests.fuzz.targets import TARGETS

    rows = ["| target | readers | CPU minutes | executions | edges | runs |", "|---|---|---|---|---|---|"]
    for name, target in TARGETS.items():
        mine = [run for run in runs() if run.target == name]
        minutes, done = sum(run.cpu_minutes for run in mine), sum(run.executions for run in mine)
        edges = max((run.edges for run in mine), default=0)
        rows.append(f"| {name} | {len(target.readers)} | {minutes:.1f} | {done:,} | {edges} | {len(mine)} |")
    minutes, done = sum(run.cpu_minutes for run in runs()), sum(run.executions for run in runs())
    return [
        *rows,
        f"| all | {sum(len(one.readers) for one in TARGETS.values())} | {minutes:.1f} | {done:,} | | {len(runs())} |",
    ]


# -- the child ------------------------------------------------------------------------------------------------------------


def fuzz(name: str, work: Path) -> int:
    """Fuzz until somebody ends this process; each new kind of finding is written down once."""
    import atheris

    with atheris.instrument_imports(include=["engine", "tui", "state", "hip_cuda_kernels", "grammars"]):
        from tests.fuzz.targets import TARGETS
    from tests.fuzz.target import Finding, Hang, bounded, judge

    target, executions = TARGETS[name], 0
    known = {json.loads(line)["key"] for line in _lines(work / "findings.jsonl")}
    with (work / "mark").open("r+b") as file:
        mark = mmap.mmap(file.fileno(), HEAD.size + MARK)

    def one(data: bytes) -> None:
        nonlocal executions
        executions += 1
        mark[HEAD.size : HEAD.size + len(data)] = data
        HEAD.pack_into(mark, 0, executions, 0, len(data))
        try:
            with bounded(SECONDS):
                found = judge(target, data)
        except Hang as error:
            found = Finding(target.reader(data).name, f"Hang: {error}", "some place", data)
        if found is not None and found.key not in known:
            known.add(found.key)
            _write_down(work, found.key, found.fault, data)

    atheris.Setup(
        [
            "fuzz", "-timeout=86400", f"-rss_limit_mb={RSS_MB}", "-max_len=4096", "-len_control=50", f"-dict={work / 'words'}",
            "-print_final_stats=1", "-reload=0", str(work / "corpus"),
        ],
        one,
    )  # fmt: skip
    atheris.Fuzz()
    return 0


def _write_down(work: Path, key: str, fault: str, data: bytes) -> None:
    name = hashlib.sha256(data).hexdigest()[:16]
    (work / "findings").mkdir(exist_ok=True)
    (work / "findings" / name).write_bytes(data)
    with (work / "findings.jsonl").open("a") as book:
        book.write(json.dumps({"key": key, "fault": fault, "file": name}) + "\n")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


# -- the parent -----------------------------------------------------------------------------------------------------------


def watch(name: str, minutes: float, *, trial: bool) -> int:
    """Keep a child fuzzing for so many CPU minutes; then keep the corpus, and enter the run."""
    from engine.version import VERSION
    from tests.fuzz.kept import Run, enter, keep
    from tests.fuzz.targets import TARGETS

    target, work = TARGETS[name], WORK / name
    (work / "corpus").mkdir(parents=True, exist_ok=True)
    before = len(_lines(work / "findings.jsonl"))
    for data in [*target.seeds(), *(path.read_bytes() for path in target.corpus())]:
        (work / "corpus" / hashlib.sha1(data).hexdigest()).write_bytes(data)
    (work / "words").write_text("\n".join(_words(b"\n".join(target.seeds()))) + "\n")
    begun, executions, edges = time.monotonic(), 0, 0
    spent = _spent()
    while (left := minutes * 60 - (_spent() - spent)) > 1:
        done, seen = _one_child(name, work, left)
        executions, edges = executions + done, max(edges, seen)
    cpu = (_spent() - spent) / 60
    found = _lines(work / "findings.jsonl")[before:]
    for line in found:
        record = json.loads(line)
        print(f"finding: {record['key']}: {record['fault'][:160]} ({work / 'findings' / record['file']})")
    run = Run(
        name, VERSION, _revision(), datetime.now(UTC).isoformat(timespec="seconds"), round(cpu, 2),
        round((time.monotonic() - begun) / 60, 2), executions, edges, len(found), round(os.getloadavg()[2], 2),
    )  # fmt: skip
    if not trial:
        kept = keep(target, (path.read_bytes() for path in (work / "corpus").iterdir()))
        enter(run)
        print(f"{kept} inputs kept")
    print(
        f"{name}: {run.cpu_minutes} CPU minutes in {run.wall_minutes}, {executions} executions, {edges} edges, {len(found)} findings"
    )
    return 1 if found else 0


def _one_child(name: str, work: Path, seconds: float) -> tuple[int, int]:
    """Run one child until its time is over, it hangs or dies; return its executions and edges."""
    from tests.fuzz import scratch

    (work / "mark").write_bytes(bytes(HEAD.size + MARK))
    own = scratch.folder() / "child"
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    log = work / f"log-{time.strftime('%H%M%S')}"
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz", name, "--child", str(work)], cwd=ROOT, stdout=out, stderr=out,
            env={**os.environ, "PYTHONHASHSEED": "0", scratch.PARENT: str(own)},
        )  # fmt: skip
    last, moved, ended = 0, time.monotonic(), False
    while child.poll() is None:
        time.sleep(0.5)
        count = _mark(work)[0]
        if count != last:
            last, moved = count, time.monotonic()
        elif time.monotonic() - moved > STUCK + (45 if not count else 0):
            _write_down(work, f"hang in C: {_mark(work)[1][:20]!r}", "Hang in C", _mark(work)[1])
            child.kill()
            ended = True
        if _cpu_of(child.pid) > seconds:
            child.kill()
            ended = True
    child.wait()
    text = log.read_text(errors="replace")
    if not ended:
        told = "".join(line for line in text.splitlines()[-3:])
        _write_down(
            work, f"death {child.returncode}: {_mark(work)[1][:20]!r}", f"died: {told[-200:]}", _mark(work)[1]
        )
        if not last:
            print(text[-2000:])
            raise SystemExit(f"the child of {name} never began; see {log}")
    edges = [int(one) for one in re.findall(r"cov: (\d+)", text)]
    return last, max(edges, default=0)


def _mark(work: Path) -> tuple[int, bytes]:
    raw = (work / "mark").read_bytes()
    executions, _, length = HEAD.unpack_from(raw)
    return executions, raw[HEAD.size : HEAD.size + length]


def _cpu_of(pid: int) -> float:
    """Return the CPU seconds of a living process, 0 where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return 0.0


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _words(text: bytes) -> list[str]:
    """Return a dictionary of the words in the seeds, in libFuzzer's form."""
    found = sorted(set(re.findall(rb"[A-Za-z_][A-Za-z0-9_./]{2,30}", text)))
    return ['"' + word.decode() + '"' for word in found] + [
        '"\\x22"',
        '"null"',
        '"1e999"',
        '"NaN"',
        '"\\xff"',
        '"\\xed\\xa0\\x80"',
        '"\\\\ud800"',
    ]


def _revision() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
