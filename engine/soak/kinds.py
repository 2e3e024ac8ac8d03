"""The kinds of records in a soak's own journal; each is chained, so a report rests on nothing that could be edited unseen."""

from __future__ import annotations

BEGUN = "soak.begun"  # id, plan, machine, version, room, gates
CONTINUED = "soak.continued"  # id, pid: a runner took an interrupted soak up again
DAEMON = "soak.daemon"  # what: started | ready | died | stopped | adopted; pid, code, seconds, expected
ANCHOR = "soak.anchor"  # seq, head of the room's journal at this moment; last: its daemon has ended
READING = "soak.reading"  # t (seconds of the soak), steady, values {name: number}
FED = "soak.fed"  # first, last, values, truth: which stream made these draws
ASKED = "soak.asked"  # key, type, request, door: inbox | socket; file
HALT = "soak.halt"  # n, t, during, mono (before the command), seconds (to idle), busy (CPU seconds per second after it), ok
FAULT = "soak.fault"  # n, name, t, mono, told: what was done
RECOVERED = "soak.recovered"  # n, name, seconds, holds, findings: what had to hold after it
FINDING = "soak.finding"  # text: something that no gate has a word for; mine, fault: a halt of ours, or one that this fault made the room ask for
AFTER = "soak.after"  # what was left when the daemon had ended: processes, locks, claimed files, test mode
MIRROR = "soak.mirror"  # name, seqs: the lines that the room's mirror holds at the end
ENDED = "soak.ended"  # why: done | interrupted | aborted
VERDICT = "soak.verdict"  # gates, passed, room and its head, report's sha-256
