"""room.toml's rigs: strict per rig, and one that is described wrongly is left out while the others work."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from engine.config import RigSettings, load
from engine.errors import UsageError
from engine.rigs.example import ROOM

GOOD = """
[[rigs]]
name = "rig-6600"
host = "192.0.2.11"
user = "miner"
key = "keys/mimicry"
host_keys = ["ssh-ed25519 AAAA"]
gpus = ["0000:03:00.0", "0000:0f:00.0"]
env = { HSA_OVERRIDE_GFX_VERSION = "10.3.0" }
stagger = 2
"""


def settings(tmp_path: Path, text: str) -> object:
    (tmp_path / "room.toml").write_text(text)
    return load(tmp_path / "room.toml")


def test_a_rig_is_read_with_its_cards_environment_and_a_key_beside_the_file(tmp_path: Path) -> None:
    found = settings(tmp_path, GOOD)
    rig = found.rigs[0]
    assert (rig.name, rig.port, rig.stagger, rig.env) == (
        "rig-6600",
        22,
        2,
        {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"},
    )
    assert rig.key == tmp_path / "keys/mimicry"
    assert rig.gpus == ("0000:03:00.0", "0000:0f:00.0")
    assert not found.refused_rigs


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("stagger = 2", "staggr = 2"), "'staggr' is unknown; the nearest is 'stagger'"),
        (("stagger = 2", "stagger = 0"), "stagger = 0: "),
        (("stagger = 2", 'stagger = "2"'), "stagger = '2': "),
        (('"0000:0f:00.0"', '"0f:00.0"'), "or PCI addresses as `lspci -D` says"),
        (('host_keys = ["ssh-ed25519 AAAA"]', 'host_keys = "ssh-ed25519 AAAA"'), "host_keys = 'ssh-ed25519 AAAA': a list, as in"),
        (('host = "192.0.2.11"\n', ""), "'host' is missing"),
        (('key = "keys/mimicry"\n', ""), "key is missing: name our private key"),
        (('host_keys = ["ssh-ed25519 AAAA"]\n', ""), "host_keys is missing: compare with"),
        (('name = "rig-6600"', 'name = "rig 6600"'), "name = 'rig 6600': letters, digits"),
        (("stagger = 2", "poll_s = 1.0"), "poll_s = 1.0: "),
    ],
)  # fmt: skip
def test_one_bad_rig_is_left_out_with_one_line_and_the_rest_works(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    found = settings(
        tmp_path, GOOD.replace(*change) + '\n[[rigs]]\nname = "zeus"\nhost = "local"\nbackend = "cuda"\n'
    )
    assert [rig.name for rig in found.rigs] == ["zeus"]
    [line] = found.refused_rigs
    assert said in line
    assert line.startswith("rig ")
    assert "\n" not in line


def test_two_rigs_of_one_name_are_one_rig_and_one_line(tmp_path: Path) -> None:
    found = settings(tmp_path, GOOD + GOOD)
    assert len(found.rigs) == 1
    assert "another rig has this name" in found.refused_rigs[0]


def test_rigs_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"rigs are tables: \[\[rigs\]\]"):
        settings(tmp_path, 'rigs = "rig-6600"\n')


def test_the_example_is_a_valid_room_and_its_fleet_too_once_the_comments_are_taken_off(
    tmp_path: Path,
) -> None:
    assert not settings(tmp_path, ROOM).rigs
    bare = [line.removeprefix("# ") for line in ROOM.splitlines() if not line.startswith("# --")]
    fleet = "\n".join(bare[bare.index("[[rigs]]") :])
    rigs = [RigSettings.model_validate({**table, "key": None} if table["host"] == "local" else {**table, "key": Path(table["key"])})
            for table in tomllib.loads(fleet)["rigs"]]  # fmt: skip
    assert [rig.name for rig in rigs] == ["zeus", "rig-6600", "rig-6600b", "rig-6600c"]
