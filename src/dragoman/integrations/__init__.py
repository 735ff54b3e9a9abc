"""dragoman inside other people's frameworks."""

from __future__ import annotations

from dragoman.integrations.pipelines import Pipeline, pipeline

__all__ = ["Pipeline", "pipeline"]
