"""The names that amun and nematus files give to the parameters of an s2s model (``src/models/amun.h``)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dragoman.graph.extents import Dimension
from dragoman.graph.graph import GraphBuilder, Node

__all__ = ["NamedGraphBuilder", "file_name"]

_LOGIT_INPUTS = ("prev", "lstm", "ctx")
_FIXED = {
    "encoder_Wemb": "Wemb",
    "decoder_Wemb": "Wemb_dec",
    "decoder_cell2_W": "decoder_Wc",
    "decoder_cell2_Wx": "decoder_Wcx",
    "decoder_ff_logit_l2_W": "ff_logit_W",
    "decoder_ff_logit_l2_b": "ff_logit_b",
}


def file_name(name: str) -> str:
    """The file's name for Marian's ``name``."""
    norm = re.fullmatch(r"(.+)(_lns|_lnb)", name)
    if norm:
        return file_name(norm[1]) + norm[2]
    if name in _FIXED:
        return _FIXED[name]
    if found := re.fullmatch(r"(encoder)_bi(_r)?_(U|Ux|W|Wx|b|bx|gamma1|gamma2)", name):
        return f"{found[1]}{found[2] or ''}_{found[3]}"
    if found := re.fullmatch(r"encoder_bi(_r)?_cell(\d+)_(U|Ux|b|bx)", name):
        return f"encoder{found[1] or ''}_{found[3]}_drt_{int(found[2]) - 1}"
    if found := re.fullmatch(r"decoder_cell1_(U|Ux|W|Wx|b|bx)", name):
        return f"decoder_{found[1]}"
    if found := re.fullmatch(r"decoder_cell2_(U|Ux|b|bx)", name):
        return f"decoder_{found[1]}_nl"
    if found := re.fullmatch(r"decoder_cell(\d+)_(U|Ux|b|bx)", name):
        return f"decoder_{found[2]}_nl_drt_{int(found[1]) - 2}"
    if found := re.fullmatch(r"decoder_ff_logit_l1_(W|b|ln_s|ln_b)([012])", name):
        return f"ff_logit_{_LOGIT_INPUTS[int(found[2])]}_{found[1]}"
    if found := re.fullmatch(r"decoder_(ff_logit_l1_gamma[012]|ff_state_(?:W|b|gamma|ln_s|ln_b))", name):
        return found[1]
    return name


@dataclass
class NamedGraphBuilder(GraphBuilder):
    """A builder whose parameters get the names of a nematus file."""

    def parameter(
        self, names: str | tuple[str, ...], rows: Dimension, widths: Dimension | tuple[Dimension, ...]
    ) -> Node:
        names = (names,) if isinstance(names, str) else names
        return super().parameter(tuple(file_name(name) if name else "" for name in names), rows, widths)
