"""Catalogues, names, sizes, routes."""

from __future__ import annotations

from pathlib import Path

import pytest
from fleet_tools import make_folder, make_folders
from hypothesis import given
from hypothesis import strategies as st

from dragoman import Fleet, ModelFormatError, ModelNotFoundError, OptionsError
from dragoman.catalogue.catalogue import estimate_bytes, read_directory, read_fleet_file
from dragoman.catalogue.routes import find_route
from dragoman.fleet.residency import POLICIES, Residency
from dragoman.units import format_bytes, parse_bytes


def test_directory(tmp_path: Path, spm_bytes: bytes) -> None:
    make_folders(tmp_path, spm_bytes, 3)
    (tmp_path / "notes").mkdir()
    (tmp_path / "readme.txt").write_text("x")
    catalogue = read_directory(tmp_path)
    assert [model.name for model in catalogue.models] == ["m0", "m1", "m2"]
    assert estimate_bytes(tmp_path / "m0", {}) == (tmp_path / "m0" / "model.npz").stat().st_size
    with Fleet.from_directory(tmp_path, weights_budget="1 GB") as fleet:
        assert fleet.names() == ("m0", "m1", "m2") and fleet.weights_budget == 10**9
    for wrong in (tmp_path / "notes", tmp_path / "absent"):
        with pytest.raises(ModelNotFoundError):
            read_directory(wrong)


def test_fleet_file(tmp_path: Path, spm_bytes: bytes) -> None:
    make_folder(tmp_path / "tiny", spm_bytes)
    file = tmp_path / "fleet.toml"
    file.write_text(
        'weights_budget = "64 MB"\nidle_s = 5\n'
        '[models.ende]\npath = "tiny"\npinned = true\nprecision = "int8"\n'
        '[models.other]\npath = "tiny"\nlanguages = ["swe", "nor"]\n'
    )
    with Fleet.from_file(file, idle_s=7.0) as fleet:
        assert (fleet.weights_budget, fleet.idle_s) == (64_000_000, 7.0)
        assert fleet.route(("en", "de")) == ("ende",) and fleet.route(("swe", "nor")) == ("other",)
        with fleet.lease("ende") as model:
            assert model.precision == "int8-rows"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("weights_budget = [", "not TOML"),
        ("idle_s = 3", "no models"),
        ("colour = 1\n[models.a]", "colour"),
        ("idle_s = true\n[models.a]", "idle_s"),
        ("[models.a]\npined = true", "models.a.pined"),
        ("[models.a]\npinned = 1", "models.a.pinned"),
        ('[models.a]\nlanguages = ["de"]', "models.a.languages"),
        ("[models]\na = 3", "models.a"),
    ],
)
def test_wrong_fleet_files(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text(text)
    with pytest.raises(ModelFormatError, match=named.replace(".", r"\.")):
        read_fleet_file(file)


def test_routes() -> None:
    languages = {
        "deen": ("de", "en"),
        "enfr": ("en", "fr"),
        "enfr2": ("en", "fr"),
        "fres": ("fr", "es"),
        "x": None,
    }
    assert find_route(("de", "en", "fr"), languages) == ("deen", "enfr")
    assert find_route(("DE", "es"), languages) == ("deen", "enfr", "fres"), "the shortest way"
    assert find_route(("de_AT", "English", "fr-CA"), languages) == ("deen", "enfr"), "spelled in other ways"
    assert find_route(("x", "enfr2"), languages) == ("x", "enfr2"), "names of models"
    for wrong in (("de",), (), "deen", ("de", "de"), ("fr", "de"), ("de", "xx"), (1, 2)):
        with pytest.raises(OptionsError, match="route"):
            find_route(wrong, languages)  # type: ignore[arg-type]


def test_routes_take_the_nearest_of_several_forms() -> None:
    languages = {"pt": ("en", "pt-PT"), "br": ("en", "pt_BR"), "zh": ("en", "zh"), "hant": ("en", "zh_hant")}
    languages["no"] = ("nb", "en")
    wanted = {"pt-BR": "br", "pt": "pt", "zh-TW": "hant", "zh-Hans": "zh", "Chinese (Traditional)": "hant"}
    for target, name in wanted.items():
        assert find_route(("en-US", target), languages) == (name,)
    assert find_route(("no", "en-GB", "pt_BR"), languages) == ("no", "br")


def test_sizes() -> None:
    assert [parse_bytes("x", text) for text in (5, "5", "512 MB", "1.5GiB", "2k", " 3 kib ")] == [
        5,
        5,
        512_000_000,
        1_610_612_736,
        2000,
        3072,
    ]
    for wrong in (0, -1, True, "MB", "1 XB", "-3 MB", 1 << 70, None, 1.5):
        with pytest.raises(OptionsError, match="x is"):
            parse_bytes("x", wrong)  # type: ignore[arg-type]
    shown = [format_bytes(size) for size in (0, 999, 1000, 11_114_240, 999_600, 123_456_789, 2 * 10**12)]
    assert shown == ["0 B", "999 B", "1.00 kB", "11.1 MB", "1.00 MB", "123 MB", "2.00 TB"]


@given(
    st.sampled_from(sorted(POLICIES)), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 50)), max_size=60)
)
def test_residency_keeps_to_its_budget(policy: str, uses: list[tuple[int, int]]) -> None:
    kept: Residency[int] = Residency(100, policy)
    sizes: dict[int, int] = {}
    for now, (key, size) in enumerate(uses):
        size = sizes.setdefault(key, size)
        if key not in kept:
            victims = kept.victims(size, lambda other: other != 0)
            if victims is None:
                assert sum(sizes[other] for other in kept if other == 0) + size > 100
                continue
            assert 0 not in victims and key not in victims
            for victim in victims:
                kept.remove(victim)
            kept.add(key, size, now)
        kept.use(key, now)
        assert kept.total == sum(sizes[other] for other in kept) <= 100
