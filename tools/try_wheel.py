"""What an installed wheel must do on its machine: import, and translate with the models that come along. Run by the
wheels' builder, outside of the source tree; needs nothing but the wheel.

    python tools/try_wheel.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

TEXT = "How are you today?"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("cache", "models"):
            os.environ[f"DRAGOMAN_{name.upper()}"] = os.path.join(folder, name)
        os.chdir(folder)
        import dragoman

        first = dragoman.load("en-de")
        with dragoman.Translator(first, threads=2) as translator:
            texts = translator.translate([TEXT] * 3)
        answers = {one.text for one in texts}
        assert len(answers) == 1 and TEXT not in answers, answers
        command = [sys.executable, "-m", "dragoman"]
        done = subprocess.run(
            [*command, "translate", "--from", "en", "--to", "de", TEXT], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() in answers, done
        for arguments in (["--version"], ["--help"], ["models", "ls"], ["inspect", str(first.files.model.parent)]):
            subprocess.run([*command, *arguments], capture_output=True, check=True)
        print(f"{dragoman.__version__} on {sys.version.split()[0]}: {answers.pop()}")


if __name__ == "__main__":
    main()
