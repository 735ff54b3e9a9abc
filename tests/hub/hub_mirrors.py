"""Catalogues and files as Mozilla, translateLocally, OPUS-MT and Hugging Face lay them out, made of given models."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import sys
import tarfile
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

RECORDS = "/v1/buckets/main/collections/translations-models-v2/records"


@dataclass(frozen=True)
class Student:
    """The files of an int8 student; ``lex`` may be absent."""

    model: Path
    vocabulary: Path
    lex: Path | None = None

    def named(self, pair: str) -> dict[str, tuple[str, Path]]:
        """Kind to Firefox's name and the file."""
        files = {
            "model": (f"model.{pair}.intgemm.alphas.bin", self.model),
            "vocab": (f"vocab.{pair}.spm", self.vocabulary),
        }
        if self.lex is not None:
            files["lex"] = (f"lex.50.50.{pair}.s2t.bin", self.lex)
        return files


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def records(
    root: Path, students: Sequence[tuple[str, str, str, str, Student]], *, rules: Mapping[str, str] = {}
) -> list[dict[str, object]]:
    """Remote Settings: attachments below ``root``, and the records of (source, target, architecture, version, files).

    ``rules``: filter expressions by architecture.
    """
    folder = root / "main-workspace" / "translations-models-v2"
    folder.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, object]] = []
    for source, target, architecture, version, student in students:
        for kind, (name, path) in student.named(source[:2] + target[:2]).items():
            data = path.read_bytes()
            packed = zstd.compress(data, 1)
            name_of_place = uuid.uuid5(uuid.NAMESPACE_URL, digest(data) + version)
            place = f"main-workspace/translations-models-v2/{name_of_place}.zst"
            (root / place).write_bytes(packed)
            attachment = {
                "hash": digest(packed),
                "size": len(packed),
                "filename": name + ".zst",
                "location": place,
                "mimetype": "application/zstd",
            }
            found.append(
                {
                    "name": name,
                    "schema": 1760721896061,
                    "version": version,
                    "fileType": kind,
                    "attachment": attachment,
                    "architecture": architecture,
                    "sourceLanguage": source,
                    "targetLanguage": target,
                    "decompressedHash": digest(data),
                    "decompressedSize": len(data),
                    "filter_expression": rules.get(architecture, ""),
                    "id": str(uuid.uuid4()),
                    "last_modified": 1760722036608,
                }
            )
    return found


def models_json(root: Path, base: str, students: Sequence[tuple[str, str, str, Student]]) -> bytes:
    """Mozilla's ``db/models.json``: gzip files below ``root``, of which only the model has a hash."""
    models: dict[str, list[object]] = {}
    for source, target, architecture, student in students:
        files: dict[str, object] = {}
        for kind, (name, path) in student.named(source[:2] + target[:2]).items():
            place = root / "models" / f"{source}-{target}" / architecture / (name + ".gz")
            place.parent.mkdir(parents=True, exist_ok=True)
            data = path.read_bytes()
            place.write_bytes(gzip.compress(data, 1))
            entry: dict[str, object] = {"path": place.relative_to(root).as_posix()}
            if kind == "model":
                entry |= {"uncompressedSize": len(data), "uncompressedHash": digest(data)}
            files[{"lex": "lexicalShortlist"}.get(kind, kind)] = entry
        models.setdefault(f"{source}-{target}", []).append(
            {
                "architecture": architecture,
                "releaseStatus": "Release",
                "sourceLanguage": source,
                "targetLanguage": target,
                "files": files,
                "modelStatistics": {"parameters": 1},
                "metrics": {"flores200-plus": {"bleu": 30.0}},
            }
        )
    return json.dumps({"generated": "2026-11-09T00:45:24Z", "baseUrl": base, "models": models}).encode()


def tar_gz(folder: Path, files: Mapping[str, bytes | Path]) -> bytes:
    """A Bergamot archive: one folder with everything in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        top = tarfile.TarInfo(str(folder))
        top.type = tarfile.DIRTYPE
        tar.addfile(top)
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.read_bytes()
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def bergamot_archive(pair: str, source: str, target: str, student: Student) -> bytes:
    """As translateLocally's models are packed."""
    config = (
        "relative-paths: true\nmodels:\n  - model.intgemm.alphas.bin\nvocabs:\n"
        f"  - vocab.{pair}.spm\n  - vocab.{pair}.spm\nbeam-size: 1\nnormalize: 1.0\nword-penalty: 0\n"
        "max-length-break: 128\nmini-batch-words: 1024\nworkspace: 128\nmax-length-factor: 2.0\nskip-cost: true\n"
        "cpu-threads: 0\nquiet: true\nquiet-translation: true\ngemm-precision: int8shiftAlphaAll\n"
    )
    files: dict[str, bytes | Path] = {
        "model.intgemm.alphas.bin": student.model,
        f"vocab.{pair}.spm": student.vocabulary,
        "model_info.json": json.dumps(
            {"shortName": f"{source}-{target}-tiny", "srcTags": {source: source}, "trgTag": target, "version": 1}
        ).encode(),
    }
    if student.lex is not None:
        config += "shortlist:\n  - lex.s2t.bin\n  - false\n"
        files["lex.s2t.bin"] = student.lex
    files["config.intgemm8bitalpha.yml"] = config.encode()
    return tar_gz(Path(f"{pair}.student.tiny11"), files)


def translatelocally(root: Path, base: str, students: Sequence[tuple[str, str, Student]]) -> bytes:
    """translateLocally's ``models.json``, and the archives below ``root``."""
    models = []
    for source, target, student in students:
        pair = source + target
        data = bergamot_archive(pair, source, target, student)
        place = root / "bergamot" / pair / f"{pair}.student.tiny11.tar.gz"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        models.append(
            {
                "modelName": f"{source}-{target} tiny",
                "shortName": f"{source}-{target}-tiny",
                "type": "tiny",
                "src": source,
                "trg": target,
                "srcTags": {source: source},
                "trgTag": target,
                "repository": "Bergamot",
                "version": 1,
                "API": 1,
                "checksum": digest(data),
                "url": f"{base}/{place.relative_to(root).as_posix()}",
                "name": f"{source}-{target} tiny",
                "code": f"{source}-{target}-tiny",
            }
        )
    return json.dumps({"models": models}).encode()


def opus_archive(model: Path, vocabulary: Path, spm: Path, *, bpe: bool = False) -> bytes:
    """An OPUS-MT release: everything at the top of a zip."""
    decoder = (
        "relative-paths: true\nmodels:\n  - opus.spm32k-spm32k.transformer-align.model1.npz.best-perplexity.npz\n"
        "vocabs:\n  - opus.spm32k-spm32k.vocab.yml\n  - opus.spm32k-spm32k.vocab.yml\nbeam-size: 6\nnormalize: 1\n"
        "word-penalty: 0\nmini-batch: 1\nmaxi-batch: 1\nmaxi-batch-sort: src\n"
    )
    kind = "bpe" if bpe else "spm"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.write(model, "opus.spm32k-spm32k.transformer-align.model1.npz.best-perplexity.npz")
        archive.write(vocabulary, "opus.spm32k-spm32k.vocab.yml")
        archive.write(spm, f"source.{kind}")
        archive.write(spm, f"target.{kind}")
        archive.writestr("decoder.yml", decoder)
        archive.writestr("README.md", "# opus-2020-02-26.zip\n")
        archive.writestr("LICENSE", "Attribution 4.0 International\n")
        archive.writestr("preprocess.sh", "#!/bin/bash\n")
    return buffer.getvalue()


def repository(root: Path, name: str, files: Mapping[str, Path]) -> dict[str, object]:
    """What Hugging Face's API says of a model, whose files are put where they resolve."""
    sha = hashlib.sha1(name.encode()).hexdigest()
    siblings: list[dict[str, object]] = [{"rfilename": ".gitattributes", "size": 10, "blobId": "0" * 40}]
    for file, path in files.items():
        data = path.read_bytes()
        place = root / name / "resolve" / sha / file
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
        entry: dict[str, object] = {"rfilename": file, "size": len(data)}
        entry["blobId"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        if file.endswith((".bin", ".safetensors", ".spm")):
            entry["blobId"] = "1" * 40
            entry["lfs"] = {"sha256": digest(data), "size": len(data), "pointerSize": 134}
        siblings.append(entry)
    return {
        "id": name,
        "modelId": name,
        "sha": sha,
        "pipeline_tag": "translation",
        "cardData": {"license": "apache-2.0", "language": ["en", "fr"]},
        "siblings": siblings,
    }
