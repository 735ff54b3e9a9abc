"""What the spans look like that are not translated: one regular expression, read from left to right.

Every part is bounded, or consumes what it has read, and begins only where a word does; so a text of any kind is read in
linear time. `dragoman.text.protect` trims what a pattern cannot say.
"""

from __future__ import annotations

import re
from enum import StrEnum

__all__ = ["PATTERN", "Protection"]


class Protection(StrEnum):
    """Why a span is not translated."""

    URL = "url"
    EMAIL = "email"
    PATH = "path"
    PLACEHOLDER = "placeholder"
    EMOJI = "emoji"
    SYMBOL = "symbol"
    HASHTAG = "hashtag"
    MENTION = "mention"
    SERIAL = "serial"
    VERSION = "version"
    NUMBER = "number"
    CODE = "code"
    KEEP = "keep"


_TOP_LEVEL = (
    "com org net edu gov mil int info biz name pro dev app io ai co tv eu de ch uk fr nl pl cz ru jp cn br au ca dk fi"
    " hu ie ro sk gr pt bg hr lt lv ee ua by kr tw hk sg nz mx ar cl in tr il ir za wiki online site shop blog cloud"
    " tech xyz"
)
"""Domains that count without a scheme or a path; not those that are words (``es``, ``so``, ``at``)."""

_SUFFIXES = (
    "7z aac apk asm avi avif bak bat bib bin bmp bz2 c++ cc cfg class cmake cmd conf cpp crt cs css csv cxx"
    " dart dat db deb desktop dll dmg doc docx dot dylib eml eps epub exe flac flv gif gpg gradle gz h5 hpp htm"
    " html ico ics img ini ipynb iso jar java jpeg jpg js json jsonl jsx key kt lock log lua m4a md mkv mo mov"
    " mp3 mp4 mpeg mpg msi npz odp ods odt ogg onnx otf patch pdf pem php pkg plist pl png po pot pptx ppt"
    " properties ps1 psd py pyc pyi qml rar rb rpm rs rst rtf sav sh so spm sql srt svg swift sys tar tex tgz"
    " tif tiff tmp toml tmx ts tsv tsx ttf txt vb vbs vtt wav webm webp whl woff woff2 xhtml xlf xliff xls xlsx"
    " xml xsd xsl xz yaml yml zip zst"
)

_URL_BODY = r"[^\s<>\"`{}|\\^\x00-\x1f\u00ab\u00bb\u2018\u201c-\u201e\u2026\u3000-\u303f\uff00-\uff65]"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_VERSION_WORDS = (
    "version|versión|versione|versão|versie|verze|wersja|verzió|версия|версії|release|build|firmware|kernel"
    "|ver\\.|v\\.|python|java|php|ruby|node|perl|linux|ubuntu|debian|fedora|windows|android|ios|macos|firefox"
    "|chrome|chromium|gnome|kde|gtk|qt|usb|hdmi|bluetooth|http|tls|ssl|opengl|cuda|office|libreoffice"
)

# Symbols with a picture, arrows, boxes, dingbats, private use; not letters, numbers or currency.
_PICTURE = (
    "\u2190-\u21ff\u2300-\u23ff\u2500-\u27bf\u27f0-\u27ff\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
_SYMBOL = "\u00a9\u00ae\u2122\u2022\u2023\u2043\u2605\ue000-\uf8ff"
_MODIFIER = "[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
_EMOJI = (
    rf"(?:[0-9#*]\ufe0f?\u20e3|[\U0001f1e6-\U0001f1ff]{{2}}"
    rf"|[{_PICTURE}]{_MODIFIER}*(?:\u200d[{_PICTURE}\u2640\u2642\u2695]{_MODIFIER}*)*)"
)

_CONVERSION = r"(?:hh?|ll?|[qjztL])?[diouxXeEfFgGaAcCsSpn@]"

_PARTS: tuple[tuple[Protection, str], ...] = (
    # Placeholders. Braces are matched by `protect`, which knows how they nest.
    (
        Protection.PLACEHOLDER,
        # Python and Ruby with names, positions of C and Java, flags and widths; Qt; strftime; cmd.exe
        r"%[({<][A-Za-z_][\w.]{0,60}[)}>](?:[-+0#]*[0-9]{0,3}(?:\.[0-9]{1,3})?" + _CONVERSION + r")?"
        r"|%[0-9]{1,2}\$[-+0#,']*(?:[0-9]{1,3})?(?:\.[0-9]{1,3})?" + _CONVERSION + r"|(?<![\d%])%%(?![\w%])"
        r"|(?<![\d%])%[-+0#']*(?:\*|[0-9]{1,3})?(?:\.(?:\*|[0-9]{1,3}))?" + _CONVERSION + r"(?![A-Za-z])"
        r"|(?<![\d%])%[dsu@](?=[A-Za-z])|(?<![\d%])%L?[1-9](?![\d%]|[.,]\d|\s%)|(?<![\w%])%n(?!\w)"
        r"|(?<![\d%])%[aAbBcCdDeFgGHIjklmMnpPrRsStTuUVwWxXyYzZ](?![A-Za-z0-9])|%[A-Z_]{2,40}%"
        # shells, XML references, tags, chat marks, short codes
        r"|\$[A-Za-z_]\w{0,60}|&(?:[A-Za-z][\w.-]{1,60}|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});"
        r"|</?[A-Za-z][\w:-]{0,40}(?:\s[^<>]{0,400})?/?>|</?[0-9]{1,3}\s?/?>|<[@#!:&][^<>\s]{1,80}>"
        r"|(?<![\w:]):(?=[0-9_+-]*[a-z])[a-z0-9_+-]{2,40}:(?![\w:])",
    ),
    (Protection.URL, rf"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{{1,20}}://{_URL_BODY}+"),
    (Protection.URL, rf"(?<![\w.-])(?:www\.|mailto:|tel:\+?[0-9]|magnet:\?|doi:10\.|urn:){_URL_BODY}+"),
    (Protection.EMAIL, rf"(?<![\w.+%-])[\w.+%'-]{{1,64}}@(?:{_LABEL}\.){{1,8}}[A-Za-z]{{2,24}}(?![\w@])"),
    (
        Protection.URL,
        rf"(?<![\w.@/-])(?:{_LABEL}\.){{1,8}}(?:(?:{_TOP_LEVEL.replace(' ', '|')})(?![\w-])(?:[:/?]{_URL_BODY}*)?"
        rf"|[a-z]{{2,10}}(?::[0-9]{{1,5}})?/{_URL_BODY}*)",
    ),
    (
        Protection.PATH,
        r"(?<![\w/\\])(?:[A-Za-z]:[\\/]|\\\\)(?:Program Files(?: \(x86\))?\\|Documents and Settings\\)?[^\s<>:\"|?*]+"
        r"|(?<![\w/.~])(?:~|\.{1,2})/[^\s<>\"|?*:;,]+"
        r"|(?<![\w/.:])/(?:(?:etc|usr|var|home|tmp|opt|bin|dev|proc|sys|mnt|lib|root|srv|boot|run|media|sbin)(?!\w)"
        r"(?:/[\w.+@~-]*)*|[\w.+@~-]+(?:/[\w.+@~-]+)+/?)"
        rf"|(?<![\w./\\-])(?:[\w.+@~-]{{1,80}}[/\\]){{0,20}}(?:\*|[\w+@~-]{{1,80}})(?:\.[\w+~-]{{1,40}}){{0,4}}"
        rf"\.(?:{_SUFFIXES.replace('+', r'[+]').replace(' ', '|')})(?![\w-])",
    ),
    (Protection.CODE, r"(?<![\w-])--[a-z][\w-]{1,40}(?:=[\w./:-]+)?|(?<![\w.])[A-Za-z_][\w.:]{0,80}\(\)(?!\w)"),
    (Protection.CODE, r"(?<![\w.-])(?=[A-Za-z_]{0,60}[A-Za-z]_{1,2}[A-Za-z])[A-Za-z_]\w{2,80}(?![\w-])"),
    (
        Protection.SERIAL,
        # UUID, MAC, IP addresses, hexadecimal numbers and hashes, colours
        r"(?<![\w-])(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}"
        r"|(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]{1,5}|/[0-9]{1,2})?|0[xX][0-9A-Fa-f]{1,64}"
        r"|(?:[0-9A-Fa-f]{1,4}:){3,7}(?::[0-9A-Fa-f]{1,4}){0,4}[0-9A-Fa-f]{1,4}(?=[0-9]*[a-fA-F])"
        r"|(?=[0-9]{0,64}[a-f])(?=[a-f]{0,64}[0-9])[0-9a-f]{7,128})(?![\w-])"
        r"|(?<![\w#&])#(?=[A-Fa-f]*[0-9])(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{6})(?!\w)",
    ),
    (
        Protection.SERIAL,
        # IBAN and the like in groups; letters and digits with or without hyphens: AB-1234-X, i7-9700K, CVE-2024-1234
        r"(?<![\w-])(?:[A-Z]{2}[0-9]{2}(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?"
        r"|(?=[A-Za-z0-9./_-]{5})(?=[a-z0-9./_-]{0,40}[A-Z])(?=[A-Za-z./_-]{0,40}[0-9][A-Za-z./_-]{0,40}[0-9])"
        r"(?![0-9]{1,12}[A-Za-z]{1,3}(?!\w))[A-Za-z0-9]{1,40}(?:[./_-][A-Za-z0-9]{1,40}){0,8})(?![\w-])",
    ),
    (
        Protection.VERSION,
        r"(?<![\w.,-])(?:v[0-9]{1,5}(?:\.[0-9]{1,6}){1,5}|(?![0-9]{1,2}\.[0-9]{1,2}\.(?:19|20)?[0-9]{2}(?![\w.]))"
        r"(?![0-9]{1,3}(?:\.[0-9]{3})+(?![\w.]))[0-9]{1,5}(?:\.[0-9]{1,6}){2,5})"
        r"(?:[-+~.]?(?:alpha|beta|rc|dev|post|pre|a|b)\.?[0-9]{0,4}|[-+~][A-Za-z0-9.+~-]{1,30})?(?![\w])"
        rf"|(?i:(?<=\b)(?:{_VERSION_WORDS})[ \u00a0])(?P<bare>[0-9]{{1,5}}\.[0-9]{{1,6}})(?![\w]|[.,][0-9])",
    ),
    (
        Protection.NUMBER,
        # telephones, cards, ISBN, long digits
        r"(?<![\w+])\+[0-9]{1,3}(?:[ \u00a0().-]{0,2}[0-9]{1,6}){2,7}(?![\w])"
        r"|(?<![\w.,-])(?:\(0[0-9]{1,5}\)|0[0-9]{2,5})[ \u00a0/-]{1,2}[0-9]{2,8}"
        r"(?:[ \u00a0-][0-9]{1,6}){0,4}(?![\w,.-][0-9]|\w)"
        r"|(?<![\w.,-])[0-9]{4}(?:[ -][0-9]{4}){2,4}(?![\w])"
        r"|(?<![\w.,-])[0-9]{1,5}(?:-[0-9]{1,7}){3,5}(?:-[0-9X])?(?![\w])|(?<![\w.,-])97[89][- ]?[0-9]{9}[0-9X](?!\w)"
        r"|(?<![\w.,-])[0-9]{7,}(?![\w]|[.,][0-9])",
    ),
    (Protection.MENTION, r"(?<![\w@./])@[A-Za-z0-9_](?:[\w.-]{0,60}\w)?(?:@[A-Za-z0-9.-]{1,80}[A-Za-z0-9])?"),
    (Protection.HASHTAG, r"(?<![\w#&/])#(?=[0-9_]{0,60}[^\W\d_])\w{1,140}#?(?!\w)|(?<![\w#&/])#[0-9]{1,7}(?!\w)"),
    (Protection.EMOJI, rf"{_EMOJI}(?:[ \u00a0]?{_EMOJI})*"),
    (Protection.SYMBOL, rf"[{_SYMBOL}]+"),
)

_PLAIN = (
    r"(?<![^\s(\"\u201e\u00ab\u201c])(?:[(\"\u201e\u00ab\u201c]?[^\W\d_]+(?:['\u2019-][^\W\d_]+)*"
    r"[.,;:!?)\u201c\u201d\"]{0,2}[ \u00a0]+(?![\d(+#\u00a0 ]))+"
)
"""Words that hold nothing, several at once: the rest need not be tried at each of their letters."""

PATTERN = re.compile(
    f"(?P<plain>{_PLAIN})|" + "|".join(f"(?P<{kind}{number}>{part})" for number, (kind, part) in enumerate(_PARTS))
)
"""Groups are named by their `Protection` and a number; ``bare`` is the version without the word before it, ``plain`` is
nothing to protect."""
