"""A folder is gone on with where it was left."""

from __future__ import annotations

import os
from pathlib import Path

from dragoman.cli.arguments import Job
from dragoman.cli.files import translate_files
from dragoman.documents.translate import FileReport


def test_what_is_done_and_not_older_is_left(tmp_path: Path) -> None:
    jobs = [Job(tmp_path / name, tmp_path / f"{name}.out") for name in ("done", "changed", "open")]
    for job in jobs:
        job.path.write_text("x")
        os.utime(job.path, (100, 100))
    for job, time in zip(jobs, (200, 50), strict=False):
        assert job.output is not None
        job.output.write_text("y")
        os.utime(job.output, (time, time))
    seen = []

    def translate(path: Path, output: Path) -> FileReport:
        seen.append(path.name)
        return FileReport(output, 1)

    assert translate_files(jobs, translate, resume=True) == 0
    assert seen == ["changed", "open"]
    assert translate_files(jobs, translate) == 0
    assert seen[2:] == ["done", "changed", "open"]
