"""File names of amun and nematus models."""

from __future__ import annotations

import pytest
from random_models import FAMILIES, make_model

from dragoman.architectures.names import file_name

PAIRS = {
    "encoder_Wemb": "Wemb",
    "Wemb": "Wemb",
    "decoder_Wemb": "Wemb_dec",
    "encoder_bi_Wx": "encoder_Wx",
    "encoder_bi_r_bx": "encoder_r_bx",
    "encoder_bi_r_gamma2": "encoder_r_gamma2",
    "encoder_bi_cell3_Ux": "encoder_Ux_drt_2",
    "encoder_bi_r_cell2_b_lnb": "encoder_r_b_drt_1_lnb",
    "encoder_bi_W_lns": "encoder_W_lns",
    "decoder_cell1_U": "decoder_U",
    "decoder_cell2_Ux": "decoder_Ux_nl",
    "decoder_cell2_Wx_lns": "decoder_Wcx_lns",
    "decoder_cell4_bx": "decoder_bx_nl_drt_2",
    "decoder_cell1_gamma1": "decoder_cell1_gamma1",
    "decoder_ff_logit_l1_W0": "ff_logit_prev_W",
    "decoder_ff_logit_l1_ln_b2": "ff_logit_ctx_ln_b",
    "decoder_ff_logit_l1_gamma1": "ff_logit_l1_gamma1",
    "decoder_ff_logit_l2_W": "ff_logit_W",
    "decoder_ff_logit_l2_Wt": "decoder_ff_logit_l2_Wt",
    "decoder_ff_state_ln_s": "ff_state_ln_s",
    "decoder_W_comb_att_lns": "decoder_W_comb_att_lns",
    "decoder_Wc_att": "decoder_Wc_att",
}


@pytest.mark.parametrize(("name", "stored"), PAIRS.items())
def test_file_names(name: str, stored: str) -> None:
    assert file_name(name) == stored


def test_a_deep_nematus_model_has_old_names_only() -> None:
    _, arrays = make_model(FAMILIES["nematus-norm-deep"])
    assert {"encoder_U_drt_2", "encoder_r_Ux_drt_1_lns", "decoder_b_nl_drt_3", "decoder_Wc_lnb"} < set(arrays)
    assert not any("_bi_" in name or "_cell" in name for name in arrays)
