"""A real worker for tests: a small process that speaks the worker's lines, and whose misbehaviour its first line asks for."""

import json
import os
import subprocess
import sys
import threading
import time

SAY = threading.Lock()


def say(**line):
    with SAY:
        os.write(1, json.dumps(line).encode() + b"\n")


def listen(work):
    for text in sys.stdin:
        line = json.loads(text)
        if "halt" in line and not work.get("deaf"):
            say(event="halted", halt=line["halt"])
        elif line.get("drain"):
            os._exit(0)
        elif line.get("do") == "exit":
            print("last words of the worker", file=sys.stderr, flush=True)
            os._exit(line["code"])
        elif line.get("do") == "beget":
            child = subprocess.Popen(["sleep", "600"], start_new_session=line["session"])
            say(event="child", pid=child.pid)
        elif line.get("gate") == "open" or line.get("begin"):
            EVENTS[("gate" if "gate" in line else "begin")].set()
        else:
            say(event="heard", line=line)
    os._exit(0)


EVENTS = {"gate": threading.Event(), "begin": threading.Event()}


def main():
    work = json.loads(sys.stdin.readline())
    if work.get("fail") == "start":
        sys.exit("this worker cannot start: no such library")
    threading.Thread(target=listen, args=(work,), daemon=True).start()
    if not work.get("gated"):
        say(event="gate")
        EVENTS["gate"].wait()
    begun = time.time()
    time.sleep(work.get("init", 0.05))
    if work.get("fail") == "init":
        os._exit(70)
    with open(work["log"], "a") as log:
        log.write(json.dumps([os.environ.get("ROCR_VISIBLE_DEVICES"), begun, time.time()]) + "\n")
    say(event="initialised")
    say(event="report", passed=work.get("fail") != "self-test", pid=os.getpid())
    EVENTS["begin"].wait()
    say(event="ready", pid=os.getpid())
    while True:
        say(event="beat", degraded=work.get("degraded", ""))
        time.sleep(0.2)


main()
