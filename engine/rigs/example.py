"""The room.toml that `mimicry init` writes: every default stands in it as a comment, the fleet is an example to fill in."""

from __future__ import annotations

ROOM = """\
# room.toml: what this room is told from outside. Everything has a default; unknown keys are errors.
# `mimicry doctor` checks it and every rig that it names.

[history]
# file = "draws.csv"          # the file of draws that this room watches
# column = "value"
# time_column = "time"
# session_column = "session"
# range = "0:999"             # without it each plausible range is tried and paid for

[search]
# time_limit_s = 600.0
# families = ["all"]

[compute]
# workers = 2                 # CPU workers of this machine; default: one a core

[observe]
# metrics = "127.0.0.1:9464"  # Prometheus' /metrics on this machine; or "unix:metrics.sock"; default: nowhere
# stall_s = 2.0               # a loop that has not ticked for so long has its stack recorded

[disk]
# budget_gb = 50.0            # at 90 % less is kept, at 95 % no request begins, at 100 % the room halts
# content_days = 400          # older records of draws keep their hash, their content goes into archive/

# -- the fleet -------------------------------------------------------------------------------------------------------
# One [[rigs]] table per machine. A rig that is described wrongly or cannot be entered is left out, visibly; the rest works.
# Rigs are only observed beside their work: nothing ever sets a fan, a clock or a power limit.
#
# [[rigs]]
# name = "zeus"
# host = "local"              # this machine itself, without SSH: the engine's own workers use its cards
# backend = "cuda"
# gpus = "auto"               # or PCI addresses as `lspci -D` says (rocm: all of them, in the runtime's order): ["0000:01:00.0", "0000:02:00.0"]
#
# [[rigs]]
# name = "rig-6600"
# host = "192.0.2.11"
# port = 22
# user = "miner"
# key = "~/.ssh/mimicry"      # ssh-keygen -t ed25519 -f ~/.ssh/mimicry; its .pub goes into ~miner/.ssh/authorized_keys
# host_keys = ["ssh-ed25519 AAAA..."]   # `cat /etc/ssh/ssh_host_ed25519_key.pub` on the rig itself
# backend = "rocm"
# gpus = "auto"
# env = { HSA_OVERRIDE_GFX_VERSION = "10.3.0" }
# python = "/opt/rocm-venv/bin/python"
# stagger = 1                 # GPUs that may initialise at once
# stagger_delay_s = 2.0       # pause after each initialisation
# ram_reserve_mb = 1024       # host memory that work leaves free
# worker_ram_mb = 400         # host memory that must be free for one more worker
# staging = "/dev/shm"        # ramdisk for files of work
# deploy_to = ".mimicry"      # where `mimicry rig deploy` puts code, below the user's home
# poll_s = 15.0               # seconds between two readings, 10 at least
#
# [[rigs]]
# name = "rig-6600b"          # its slot 5, PCI 0f:00.0, has a loose connection:
# host = "192.0.2.12"         #   mimicry rig quarantine rig-6600b/0f:00.0 --reason "loose riser"
# user = "miner"
# key = "~/.ssh/mimicry"
# host_keys = ["ssh-ed25519 AAAA..."]
# env = { HSA_OVERRIDE_GFX_VERSION = "10.3.0" }
# python = "/opt/rocm-venv/bin/python"
#
# [[rigs]]
# name = "rig-6600c"          # 8 GPUs, pending
# host = "192.0.2.13"
# user = "miner"
# key = "~/.ssh/mimicry"
# host_keys = ["ssh-ed25519 AAAA..."]
# env = { HSA_OVERRIDE_GFX_VERSION = "10.3.0" }
# python = "/opt/rocm-venv/bin/python"
"""
