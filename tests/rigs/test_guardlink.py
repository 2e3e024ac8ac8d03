"""The engine's end of a guard: one that does not come up leaves nothing on its rig, however often it is tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.rigs.faults import LinkFault
from engine.rigs.guardlink import GuardLink, Terms
from engine.rigs.here import Here


async def test_a_guard_that_does_not_come_up_leaves_no_folder_in_the_rig_s_memory(tmp_path: Path) -> None:
    terms = Terms(python="/no/python3", staging=str(tmp_path))
    with pytest.raises(
        LinkFault, match=r"did not come up: .*/no/python3.*check `python` \(/no/python3\) in room.toml"
    ):
        await GuardLink.open(Here("rig-a"), terms, lambda event: None)
    assert list(tmp_path.iterdir()) == []
