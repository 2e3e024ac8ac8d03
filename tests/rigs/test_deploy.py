"""`rig deploy` over a real sshd: checked, switched at once, the version before kept; a bad one never stays."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadInput, EnvironmentFault
from engine.rigs.deploy import Bundle, deploy, installed, rollback
from engine.rigs.life import reach_of
from engine.rigs.onrig import installer

Settings = Callable[..., Any]
MODULES = ("small_module",)


def wheel(folder: Path, version: str, code: str = "") -> Path:
    """Make a small real wheel whose module says its version."""
    folder.mkdir(exist_ok=True)
    path = folder / f"small_module-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("small_module.py", code or f"VERSION = {version!r}\n")
        archive.writestr(
            f"small_module-{version}.dist-info/METADATA", f"Name: small-module\nVersion: {version}\n"
        )
        archive.writestr(f"small_module-{version}.data/platlib/small_data.py", "X = 1\n")
    return folder


def said(home: Path) -> str:
    code = "import small_module, small_data; print(small_module.VERSION)"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(home / "current/lib")}, capture_output=True, text=True, check=True)  # fmt: skip
    return done.stdout.strip()


@pytest.mark.slow
async def test_a_version_is_put_in_place_the_one_before_kept_and_brought_back(
    tmp_path: Path, rig_settings: Settings
) -> None:
    """About 10 s."""
    home = tmp_path / "home"
    home.mkdir()
    rig = rig_settings(1, deploy_to=str(home))
    one = await deploy(rig, Bundle.of(wheel(tmp_path / "one", "1")), modules=MODULES)
    assert (said(home), one.previous) == ("1", None)
    again = await deploy(rig, Bundle.of(tmp_path / "one"), modules=MODULES)
    assert again.sent == 0
    two = await deploy(rig, Bundle.of(wheel(tmp_path / "two", "2")), modules=MODULES)
    assert (said(home), two.previous) == ("2", one.current)
    assert (await rollback(rig)).current == one.current
    assert said(home) == "1"
    await deploy(rig, Bundle.of(wheel(tmp_path / "three", "3")), modules=MODULES)
    assert len(list((home / "versions").iterdir())) == 2
    assert not list(home.glob("incoming-*"))
    assert (home / "versions").stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
async def test_a_version_that_does_not_import_there_is_rolled_back(
    tmp_path: Path, rig_settings: Settings
) -> None:
    """About 10 s."""
    home = tmp_path / "home"
    home.mkdir()
    rig = rig_settings(1, deploy_to=str(home))
    await deploy(rig, Bundle.of(wheel(tmp_path / "one", "1")), modules=MODULES)
    with pytest.raises(
        BadInput, match=r"ModuleNotFoundError: No module named 'absent'; the version before is back"
    ):
        await deploy(rig, Bundle.of(wheel(tmp_path / "two", "2", "import absent\n")), modules=MODULES)
    assert said(home) == "1"


async def test_what_arrives_damaged_is_never_switched_to(
    tmp_path: Path, rig_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    rig = rig_settings(1, deploy_to=str(home))

    async def damaged(path: Path) -> Any:
        yield path.read_bytes()[:-1] + b"?"

    monkeypatch.setattr("engine.rigs.deploy.blocks", damaged)
    with pytest.raises(
        EnvironmentFault, match=r"nothing was switched: small_module-1-py3-none-any\.whl arrived damaged"
    ):
        await deploy(rig, Bundle.of(wheel(tmp_path / "one", "1")), modules=MODULES)
    assert not (home / "current").exists()
    assert not list(home.glob("incoming-*"))
    monkeypatch.undo()
    await deploy(rig, Bundle.of(tmp_path / "one"), modules=MODULES)
    assert said(home) == "1"


@pytest.mark.slow
async def test_a_changed_file_is_noticed_and_an_empty_folder_refused(
    tmp_path: Path, rig_settings: Settings
) -> None:
    """About 10 s."""
    home = tmp_path / "home"
    home.mkdir()
    rig = rig_settings(1, deploy_to=str(home))
    await deploy(rig, Bundle.of(wheel(tmp_path / "one", "1")), modules=MODULES)
    reach = reach_of(rig)
    await reach.connect()
    assert (await installed(reach, rig))["whole"]
    (home / "current/lib/small_data.py").write_text("X = 2\n")
    assert not (await installed(reach, rig))["whole"]
    await reach.close()
    with pytest.raises(BadInput, match="no wheels there"):
        await deploy(rig, Bundle.of(tmp_path / "shm"), modules=MODULES)
    with pytest.raises(EnvironmentFault, match="cannot run the installer"):
        await deploy(
            rig_settings(1, deploy_to=str(home), python="/no/python"),
            Bundle.of(tmp_path / "one"),
            modules=MODULES,
        )


def test_a_version_whose_files_were_changed_is_put_in_place_anew(tmp_path: Path) -> None:
    bundle, home = Bundle.of(wheel(tmp_path / "one", "1")), tmp_path / "home"

    def install() -> dict[str, Any]:
        incoming = home / f"incoming-{bundle.digest}"
        incoming.mkdir(parents=True)
        (incoming / "manifest.json").write_text(json.dumps(bundle.manifest))
        for path in bundle.wheels:
            shutil.copy(path, incoming)
        return installer.install(str(home), bundle.digest)

    (home / "versions").mkdir(parents=True)
    for _ in range(2):
        assert install() == {"ok": True, "current": bundle.digest, "previous": None, "whole": True}
        (home / "current/lib/small_data.py").write_text("X = 2\n")
        assert installer.show(str(home))["whole"] is False
    assert [path.name for path in (home / "versions").iterdir()] == [bundle.digest]
