"""What an operator writes by hand: room.toml, the watcher's policies, other keys for the console."""

from __future__ import annotations

from engine.config import load
from engine.dispatch.scheduler import parse_schedule
from engine.watcher.policies import DEFAULTS, changed, differences, parse_policies
from tests.fuzz import scratch
from tests.fuzz.target import Reader, Target
from tui import keymap, themefile

ROOM = b"""state = "here"
[history]
file = "draws.csv"
range = "0:999"
[search]
alpha = 1e-6
families = ["lcg48/java"]
[[schedule]]
name = "nightly"
cron = "0 3 * * *"
request = {type = "selfplay_retrain", episodes = 8}
[[rigs]]
name = "rig-1"
host = "10.0.0.1"
key = "~/.ssh/id"
host_keys = ["ssh-ed25519 AAAA"]
gpus = ["0000:0f:00.0"]
env = {HSA_OVERRIDE_GFX_VERSION = "10.3.0"}
[alerts]
webhook = "https://example.org/x"
"""
THEMES = b'theme = "mine"\n[themes.mine]\nbase = "dark"\nok = "#00ff87"\n'
KEYMAP = b'[keys]\nhalt = "H"\nhelp = "f1"\n'


def _room(data: bytes) -> object:
    settings = load(scratch.file("room.toml", data))
    parse_schedule(settings.schedule)
    return settings.described(), settings.refused_rigs


def _policies(data: bytes) -> object:
    policies = parse_policies(data.decode("utf-8", "replace"), "policies")
    assert parse_policies(policies.model_dump_json(), "again") == policies
    return policies.flat(), policies.digest()


def _one_policy(data: bytes) -> object:
    key, _, value = data.decode("utf-8", "replace").partition("=")
    return differences(DEFAULTS, changed(DEFAULTS, key, value, "policies"))


def _keymap(data: bytes) -> object:
    scratch.file(keymap.NAME, data)
    return keymap.load(scratch.folder())


def _themes(data: bytes) -> object:
    scratch.file(themefile.NAME, data)
    return themefile.load(scratch.folder())


TARGET = Target(
    "settings",
    "room.toml, watcher_policies.json, keymap.toml, themes.toml",
    (
        Reader("room.toml", _room, (ROOM, b"a = " + b"[" * 2000)),
        Reader(
            "policies", _policies, (DEFAULTS.model_dump_json().encode(), b'{"schema": "watcher_policies/1"}')
        ),
        Reader(
            "one policy", _one_policy, (b"steps.1.retries=3", b"approvals.expire_hours=12", b'fail_on=["x"]')
        ),
        Reader("keymap", _keymap, (KEYMAP, b"keys = 3", b"[keys]\nhalt = " + b"[" * 2000), ()),
        Reader("themes", _themes, (THEMES, b"theme = [1]", b"[themes.a]\nbase = [1]", b"themes = 3"), ()),
    ),
)
