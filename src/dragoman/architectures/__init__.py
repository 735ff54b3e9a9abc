"""Marian's options to a configuration, a configuration to a graph."""

from typing import Literal

Compatibility = Literal["trained", "browsermt"]
"""As which Marian a model computes: the one that trained it, or Bergamot's fork."""
