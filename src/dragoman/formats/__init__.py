"""Marian's files to frozen records and back: bytes, checks and names; no arithmetic on weights but
quantisation.

Bottom up: ``bounded`` (a reader that cannot leave its buffer), ``files``, ``yaml_text``, ``zip_members`` ·
``parameters`` with ``npz``, ``marian_bin``, ``marian_bin_write``, ``quantize``, ``model_file`` ·
``shortlist`` with ``shortlist_binary``, ``shortlist_text`` · ``vocabulary`` with ``vocabulary_text``,
``sentencepiece_model`` · ``decoder_yml``, ``folder``, ``bundle``.

Every file is read as hostile: whatever its bytes, the result is a record or a ``ModelError`` that names the
place.
"""
