"""What goes into packages is sound, and says what the commands are."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import dragoman

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_completion_in_a_shell(tmp_path: Path) -> None:
    """bash loads the script, and the command answers it."""
    command = tmp_path / "dragoman"
    command.write_text(f"#!{sys.executable}\nfrom dragoman.cli.main import main\nmain()\n", encoding="utf-8")
    command.chmod(0o755)
    script = PACKAGING / "completions" / "dragoman.bash"
    code = f"""
    source {script}
    COMP_WORDS=(dragoman mod) COMP_CWORD=1
    _dragoman_completion {command}
    echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "models", done.stderr


@pytest.mark.skipif(shutil.which("man") is None and shutil.which("groff") is None, reason="no groff here")
def test_the_manual_has_no_warnings() -> None:
    reader = ["groff", "-man", "-ww", "-z"] if shutil.which("groff") else ["man", "--warnings", "-l"]
    done = subprocess.run([*reader, PACKAGING / "dragoman.1"], capture_output=True, text=True, check=True)
    assert not done.stderr


def test_one_version() -> None:
    recipe = yaml.safe_load((PACKAGING / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    assert PROJECT["project"]["version"] == dragoman.__version__ == recipe["context"]["version"]


def test_the_recipe_needs_what_the_project_needs() -> None:
    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[ ;<>=\[]", one)[0].lower() for one in requirements}

    recipe = yaml.safe_load((PACKAGING / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    run = [one if isinstance(one, str) else one["then"] for one in recipe["requirements"]["run"]]
    assert names(run) - {"python"} == names(PROJECT["project"]["dependencies"])


def test_licences_of_all_dependencies_are_named() -> None:
    notices = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8").lower()
    for requirement in PROJECT["project"]["dependencies"]:
        name = re.split(r"[ ;<>=\[]", requirement)[0].lower()
        assert name in notices, name
        if "python_version" not in requirement:
            importlib.metadata.distribution(name)


def test_files_for_other_programs_can_be_read() -> None:
    compose = yaml.safe_load((PACKAGING / "compose.yaml").read_text(encoding="utf-8"))
    assert compose["services"]["dragoman"]["read_only"] and compose["services"]["dragoman"]["cap_drop"] == ["ALL"]
    home = yaml.safe_load((PACKAGING / "home-assistant.yaml").read_text(encoding="utf-8"))
    assert home["rest_command"]["translate"]["method"] == "post"
    docker = (PACKAGING / "Dockerfile").read_text(encoding="utf-8")
    assert "\nUSER 10001\n" in docker


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_the_unit_is_sound(tmp_path: Path) -> None:
    unit = tmp_path / "dragoman.service"
    unit.write_text((PACKAGING / "dragoman.service").read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "dragoman" not in done.stderr, done.stderr
