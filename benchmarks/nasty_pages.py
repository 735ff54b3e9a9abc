"""Pages as people write them, through an engine: does it come back, whole, with the tags on their words?

    python benchmarks/nasty_pages.py MODEL [--bergamot PYTHON]

PYTHON is an interpreter with the package bergamot (0.4.5 has wheels up to Python 3.10). MODEL translates English
image captions into German. Each page is a process for bergamot, which ends it when it refuses a page.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import dragoman

PAGES = [
    "<p>A man sits on a bench.<p>A dog runs on the beach.",
    "<ul><li>A red car<li>A blue car</ul>",
    "<table><tr><td>A man<td>A woman<tr><td>1<td>A dog</table>",
    "<!DOCTYPE html><html><head><title>A dog</title></head><body><p>A dog runs.</p></body></html>",
    "<b>A <i>dog</b> runs</i> on the beach.",
    "</b>A dog runs on the beach.</p>",
    "<p>A dog &eacute; runs &copy; 2020 &#39;here&#39; &amp;lt;</p>",
    "<p>A man &lt;b&gt; &amp; a woman.</p>",
    "<p>A dog<br>A cat</p>",
    "<p>A <code>man</code> in a <kbd>red</kbd> shirt.</p>",
    "<p>A <span translate='no'>Boston Terrier</span> runs on the grass.</p>",
    "<p>A dog <!-- not this --> runs.</p>",
    "<p>A dog <img src=a.png alt='A red dog'> runs on the beach.</p>",
    "<p title='A \"big\" dog'>A dog runs.</p>",
    "<p>A <a href=x>dog</a>, a <a href=y>cat</a> and a <a href=z>horse</a>.</p>",
    "<p>A <b>red</b> and <i>white</i> <u>bus</u>.</p>",
    "<p>A dog runs on the <b>beach</b>!</p>",
    "<div><div><p>A man in a <em>blue</em> shirt</p></div>",
    "<p>A dog<script>var a = '<p>b</p>' && 1 < 2;</script> runs.</p>",
    "<style>p > a { color: red }</style><p>A dog runs.</p>",
    "<p>Two <b>men</b> are<i></i> sitting.</p><p></p>",
    "A dog < a cat & a horse > a man",
    "<p>A dog runs <a href='x",
    "<?xml version='1.0'?><p>A dog runs.</p>",
    "<p>A dog runs.<hr>A man sits.<input type=submit value='A red car'>",
    "<svg><text>A dog</text></svg><p>A dog runs.</p>",
    "<select><option>A dog<option>A cat</select>",
    "<P CLASS=x>A <B>dog</B> runs.</P>",
    "<p>A dog&nbsp;runs.</p>\r\n<p>A\r\nman\r\nsits.</p>\r\n",
    "<p>A <b>man</b> is <a href='#'><i>playing</i> the guitar</a> <small>on the <u>beach</u></small>.</p>",
]

_BERGAMOT = """
import importlib.util, json, sys
from pathlib import Path
found = importlib.util.find_spec("bergamot")
extension = next(Path(found.submodule_search_locations[0]).glob("_bergamot*.so"))
spec = importlib.util.spec_from_file_location("_bergamot", extension)
bergamot = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bergamot)
service = bergamot.Service(bergamot.ServiceConfig(numWorkers=1, cacheSize=0, logLevel="off"))
model = service.modelFromConfigPath(sys.argv[1])
options = bergamot.ResponseOptions(qualityScores=False, alignment=True, HTML=True)
answers = service.translate(model, bergamot.VectorString([sys.stdin.read()]), options)
print(json.dumps([answers[0].target.text, answers[0].source.text]))
"""


def bergamots(python: str, model: Path, page: str) -> str | None:
    """What bergamot makes of a page; None if it ends the process."""
    config = next(path for path in (model / "config.intgemm8bitalpha.yml", model / "decoder.yml") if path.exists())
    command = [python, "-c", _BERGAMOT, str(config)]
    done = subprocess.run(command, input=page, capture_output=True, text=True, timeout=120, check=False)
    return json.loads(done.stdout)[0] if done.returncode == 0 else None


_UNREAD = re.compile(r"<script.*?</script>|<style.*?</style>|<svg.*?</svg>|<code.*?</code>|<!--.*?-->|<[^>]*>")
_MARK = re.compile(r"""<!--.*?-->|<script.*?</script>|<style.*?</style>|<[/!?A-Za-z](?:[^<>"']|"[^"]*"|'[^']*')*>""")


def marks(page: str) -> Counter[str]:
    """Tags, comments and declarations as they are written, but for attributes that are translated."""
    translated = r"""(alt|title|value)=('[^']*'|"[^"]*"|[^\s>]+)"""
    return Counter(re.sub(translated, r"\1", mark) for mark in _MARK.findall(page))


def faults(page: str, answer: str | None) -> list[str]:
    """What is wrong with a translated page, as far as a machine can tell."""
    if answer is None:
        return ["refused"]
    found = []
    if marks(answer) != marks(page):
        found.append("tags changed")
    if re.search(r"&amp;(?:amp|lt|gt|eacute|copy|#39|nbsp);", answer) and "&amp;lt;" not in page:
        found.append("escaped twice")
    words, wanted = (html.unescape(_UNREAD.sub(" ", text)).split() for text in (answer, page))
    if len(words) < len(wanted) // 2:
        found.append("words lost")
    if re.search(r"<(b|i|u|a|em|small)\b[^>]*></\1>", answer) and "<i></i>" not in page:
        found.append("empty pair")
    if {"dog", "cat", "runs", "sits"} & set(words):
        found.append("words left in English")
    if "Boston Terrier" in page and "Boston Terrier" not in answer:
        found.append("protected words changed")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--bergamot", metavar="PYTHON")
    options = parser.parse_args()
    totals: dict[str, Counter[str]] = {}
    with dragoman.Translator(dragoman.load(options.model)) as translator:
        for page in PAGES:
            answers = {"dragoman": translator.translate(page, format="html", source_language="en").text}
            if options.bergamot:
                answers["bergamot"] = bergamots(options.bergamot, options.model, page)
            print(f"\n{page!r}")
            for engine, answer in answers.items():
                wrong = faults(page, answer)
                totals.setdefault(engine, Counter()).update(wrong or ["right"])
                print(f"  {engine}: {answer!r} {', '.join(wrong)}")
    for engine, counts in totals.items():
        print(f"{engine}: {dict(counts)} of {len(PAGES)}")


if __name__ == "__main__":
    main()
