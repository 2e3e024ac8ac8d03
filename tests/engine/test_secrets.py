"""Planted secrets: wherever a room's settings or environment hold one, no form of it survives cleaning."""

from __future__ import annotations

import json
import os
from urllib.parse import quote

import pytest

from engine.compute.isolation import environment
from engine.masks import MASK
from engine.secrets import cleaned, for_children, secrets_of

SETTINGS = {
    "alerts.webhook": "https://hooks.example.com/services/T0AB12/B9XY77/pl4ntedWebhookSecret",
    "history.url": "https://ops:pl4ntedUrlPass@draws.example.com/feed?token=pl4ntedQuery&page=1",
    "history.command": ["fetch", "--api-key", "pl4ntedFlag", "--password=pl4nted Equals", "https://x.example/?k=pl4ntedInWord"],
    "rigs": [{"name": "zeus", "env": {"HF_TOKEN": "pl4ntedEnv\"quoted", "HSA_OVERRIDE_GFX_VERSION": "10.3.0"}, "key": "/home/ops/.ssh/id"}],
}  # fmt: skip
ENVIRON = {
    "ANTHROPIC_API_KEY": "pl4ntedKeyOfTheCloud",
    "SSH_AUTH_SOCK": "/tmp/ssh-agent",
    "PATH": "/usr/bin:/bin",
}
PLANTED = (
    "pl4ntedWebhookSecret", "pl4ntedUrlPass", "pl4ntedQuery", "pl4ntedFlag", "pl4nted Equals", "pl4ntedInWord",
    'pl4ntedEnv"quoted', "pl4ntedKeyOfTheCloud",
)  # fmt: skip


@pytest.fixture
def secrets() -> list[str]:
    return secrets_of(SETTINGS.items(), ENVIRON)


@pytest.mark.parametrize("planted", PLANTED)
def test_every_planted_secret_is_known_and_no_form_of_it_is_left(planted: str, secrets: list[str]) -> None:
    for form in (planted, json.dumps(planted), quote(planted, safe=""), f"at {planted}, twice {planted}"):
        left = cleaned(f"GET {form} failed", secrets)
        assert "pl4nted" not in left
        assert MASK in left


def test_what_is_no_secret_stays_readable(secrets: list[str]) -> None:
    line = "rig zeus: HSA_OVERRIDE_GFX_VERSION=10.3.0 key /home/ops/.ssh/id over draws.example.com, 17 tokens, /usr/bin"
    assert cleaned(line, secrets) == line


def test_short_values_are_not_torn_out_of_every_word() -> None:
    assert secrets_of([("rigs", [{"env": {"TOKEN": "on"}}])], {}) == []


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefghijklmnop",
        "key sk-ant-REDACTED",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        'password = "hunter22"',
    ],
)
def test_what_looks_like_a_secret_is_masked_although_nobody_named_it(text: str) -> None:
    assert MASK in cleaned(text, [])


def test_children_do_not_inherit_the_cloud_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-planted")
    monkeypatch.setenv("MINE", "kept")
    for made in (for_children(os.environ), environment(1)):
        assert "ANTHROPIC_API_KEY" not in made
        assert made["MINE"] == "kept"
