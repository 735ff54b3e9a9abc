"""A callable in the shape of Hugging Face's ``pipeline("translation")``.

https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.TranslationPipeline
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar, Unpack

from dragoman.errors import OptionsError
from dragoman.languages import canonical_code
from dragoman.service.calls import Call
from dragoman.service.shared import translate

__all__ = ["Pipeline", "pipeline"]

Frame = TypeVar("Frame", bound="PandasFrame")
_TASK = re.compile(r"translation_([A-Za-z-]+?)_to_([A-Za-z-]+)")


class PandasFrame(Protocol):
    """What is asked of a frame of pandas."""

    def __getitem__(self, column: str) -> Any: ...
    def assign(self, **columns: list[str]) -> Self: ...


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Translates from ``source`` to ``target``; pickled as these two words, so that workers of any kind can have it."""

    source: str
    target: str

    def __call__(self, texts: str | Iterable[str], **call: Unpack[Call]) -> list[dict[str, str]]:
        """A row ``{"translation_text": …}`` for each text. Raises as `dragoman.translate`."""
        listed = [texts] if isinstance(texts, str) else list(texts)
        found = translate(listed, source=self.source, target=self.target, **call)
        return [{"translation_text": one.text} for one in found]

    def map_batch(
        self, batch: dict[str, list[str]], *, column: str = "text", output: str = "translation"
    ) -> dict[str, list[str]]:
        """For ``datasets.Dataset.map(batched=True)``, and whatever hands over columns as lists."""
        texts = [text if text is not None else "" for text in batch[column]]
        return {**batch, output: [row["translation_text"] for row in self(texts)]}

    def map_pandas(
        self, frames: Iterable[Frame], *, column: str = "text", output: str = "translation"
    ) -> Iterable[Frame]:
        """For Spark's ``mapInPandas``: all other columns are kept, rows stay in their order."""
        for frame in frames:
            yield self.map_frame(frame, column=column, output=output)

    def map_frame(self, frame: Frame, *, column: str = "text", output: str = "translation") -> Frame:
        """For pandas, and Dask's ``map_partitions``."""
        texts = frame[column].fillna("").astype(str).tolist()
        return frame.assign(**{output: [row["translation_text"] for row in self(texts)]})


def pipeline(task: str, *, source: str | None = None, target: str | None = None) -> Pipeline:
    """Make a pipeline.

    Args:
        task: such as "translation_en_to_de", or "translation" with ``source`` and ``target``.

    Raises:
        OptionsError: the task is none of those.
    """
    found = _TASK.fullmatch(task) if isinstance(task, str) else None
    if found is not None:
        source, target = found[1], found[2]
    elif task != "translation" or not source or not target:
        raise OptionsError("task", task, "'translation_en_to_de', or 'translation' with source and target")
    return Pipeline(canonical_code(source or ""), canonical_code(target or ""))
