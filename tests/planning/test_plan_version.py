"""Prepared files keep plans, found by `PLAN_VERSION`: it must change when plans do."""

from __future__ import annotations

import hashlib

from test_plan_memory import DEPLOYED, plan_of

from dragoman.planning.image import plan_image
from dragoman.planning.records import Precision
from dragoman.planning.version import PLAN_VERSION

KNOWN = {1: "df31c47c0b9da68c"}
"""Of each version: what the deployed architectures' plans are, as stored. Only the last is checked."""


def test_other_plans_have_another_version() -> None:
    """Fails if planning, or the form in which plans are stored, changed: count `PLAN_VERSION` up, add a line."""
    digest = hashlib.sha256()
    for name in DEPLOYED:
        for precision in Precision:
            digest.update(plan_image(plan_of(name, precision)))
    assert max(KNOWN) == PLAN_VERSION
    assert KNOWN[PLAN_VERSION] == digest.hexdigest()[:16]
