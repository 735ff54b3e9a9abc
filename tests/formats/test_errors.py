"""The exception tree: fields, sentences, pickling."""

import copy
import pickle
from pathlib import Path

import pytest

from dragoman import errors

EXAMPLES = [
    errors.OptionsError("beam_size", 0, "an integer from 1 to 64"),
    errors.ModelNotFoundError("ende"),
    errors.ModelNotFoundError(Path("models"), "there are two.", found=["a.npz", "b.npz"]),
    errors.ModelFormatError(
        Path("m.bin"), "cut short", parameter="Wemb", offset=10903040, expected=9, found=8
    ),
    errors.UnsupportedModelError("type", "bert"),
    errors.WeightsError("Wemb", "is empty."),
    errors.PlanError("two values overlap."),
    errors.TextTooLongError(2000, 1000),
    errors.DeadlineExceededError(2.5),
    errors.QueueFullError(10, 10),
    errors.ServiceClosedError(),
    errors.TranslatorClosedError(),
    errors.DownloadError("https://example.org/m.gz", "reset", temporary=True),
    errors.TextFormatError(Path("terms.tsv"), "two columns are needed", line=3),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_survives_pickling_and_copying(error: errors.DragomanError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


def test_every_class_is_in_the_example_list_the_docstring_and_all() -> None:
    # Classes that only have a message need no example; those with fields do.
    examples = {type(error).__name__ for error in EXAMPLES}
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert name in examples or "__init__" not in vars(kind), name
        assert name in (errors.__doc__ or "")
    defined = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and name.endswith("Error")
    }
    assert defined == set(errors.__all__)


def test_format_error_says_where_what_and_what_to_do() -> None:
    error = EXAMPLES[3]
    assert isinstance(error, errors.ModelFormatError)
    assert (error.parameter, error.offset, error.expected, error.found) == ("Wemb", 10903040, 9, 8)
    assert str(error).startswith(
        "m.bin: parameter 'Wemb': at byte 10 903 040: cut short (expected 9, found 8)."
    )
    assert "fetch it again" in str(error)


def test_messages_stay_short_whatever_the_value() -> None:
    assert len(str(errors.OptionsError("n", "x" * 10**6, "short"))) < 300
    assert len(str(errors.OptionsError("n", 10**100000, "small"))) < 300
    assert len(str(errors.OptionsError("n", [10**100000], "small"))) < 300
    assert "\n" not in str(errors.UnsupportedModelError("type", "a\nb"))
