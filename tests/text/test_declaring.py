"""Pages say which language they are in, if asked to."""

from __future__ import annotations

import pytest

from dragoman.errors import OptionsError
from dragoman.options import TextFormat
from dragoman.text.declaring import declare_language


@pytest.mark.parametrize(
    ("source", "name", "language", "wanted"),
    [
        ("<html>a", "html", "de", '<html lang="de">a'),
        ("<!DOCTYPE html>\n<html lang='en' dir=ltr xml:lang=en>a", "html", "ar",
         "<!DOCTYPE html>\n<html lang='ar' dir=rtl xml:lang=ar>a"),
        ("<HTML LANG>a", "html", "fr", '<HTML LANG="fr">a'),
        ("<p lang=en>a", "html", "de", "<p lang=en>a"),
        ("<html title=x>a", "html", "he", '<html lang="he" dir="rtl" title=x>a'),
        ("<?xml version='1.0'?><a xml:lang='en'>b</a>", "xml", "de", "<?xml version='1.0'?><a xml:lang='de'>b</a>"),
        ("<a>b</a>", "xml", "de", "<a>b</a>"),
        ("# <html>", "markdown", "de", "# <html>"),
    ],
)  # fmt: skip
def test_what_is_declared(source: str, name: TextFormat, language: str, wanted: str) -> None:
    assert declare_language(source, name, language) == wanted


def test_no_code_is_no_language() -> None:
    with pytest.raises(OptionsError, match="language"):
        declare_language("<html>", "html", 'de" onload="x')
