"""
The inner loop of dragoman: kernels, the interpreter of a plan, search.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy
from numpy.typing import NDArray

kernels: Any


class Plan:
    """A validated plan; immutable."""

    def image(self) -> bytes:
        """The plan as bytes, for `of_image`."""

    @staticmethod
    def of_image(image: bytes) -> Plan:
        """The plan of an image, validated."""

def operation_names() -> tuple[Any, ...]:
    """Instructions in the order of their numbers."""

def field_names() -> tuple[Any, ...]:
    """Fields of an instruction in the order of an image."""

def packed_size_int8(k: int, n: int) -> int: ...

def packed_size_float(k: int, n: int) -> int: ...

def pack_int8(matrix: Annotated[NDArray[numpy.int8], dict(shape=(None, None), device='cpu', writable=False)], transposed: bool, panels: Annotated[NDArray[numpy.int8], dict(order='C', device='cpu')], column_sums: Annotated[NDArray[numpy.int32], dict(order='C', device='cpu')]) -> None:
    """
    Packs int8 [K, N] (or [N, K] if transposed) into panels and column sums.
    """

def pack_float(matrix: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], transposed: bool, panels: Annotated[NDArray[numpy.float32], dict(order='C', device='cpu')]) -> None: ...

def layout_fingerprint() -> int:
    """Changes with the order in which packing puts matrices."""

def sketch_size(k: int, n: int) -> int: ...

def make_sketch(table: Annotated[NDArray[numpy.int8], dict(shape=(None, None), order='C', device='cpu', writable=False)], dynamic: bool, sketch: Annotated[NDArray[numpy.uint8], dict(order='C', device='cpu')]) -> None:
    """
    Writes the sketch of an int8 output layer [N, K]. dynamic: of activations that are quantised row by row.
    """

def find_highest_bound(table: Annotated[NDArray[numpy.int8], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> int:
    """Of the columns of an output layer [N, K] (native/kernels/overflow.h)."""

def most_overflow_bytes(k: int, n: int) -> int: ...

def make_overflow_lists(panels: Annotated[NDArray[numpy.int8], dict(order='C', device='cpu', writable=False)], k: int, n: int) -> bytes:
    """Where sums of 16 bits may overflow (native/kernels/overflow.h)."""

class Weights:
    """Addresses of a model's prepared slots; keeps plan and region alive."""

    @property
    def vocabulary(self) -> int: ...

class Workspace:
    """One worker's scratch memory: bytes now, and the most it may grow to."""

    def __init__(self, bytes: int, limit: int) -> None: ...

    def poison(self) -> None:
        """Fill with garbage: no result may depend on what was there."""

    @property
    def size(self) -> int: ...

    @property
    def limit(self) -> int: ...

    @property
    def high_water(self) -> int: ...

class Shortlist:
    """Allowed target ids by source id; keeps its arrays alive."""

    def __init__(self, offsets: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], ids: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], first: int, shared_vocabulary: bool, target_vocabulary: int, eos: int) -> None: ...

class StopFlag:
    """Set it to end a batch early, wherever it is."""

    def __init__(self) -> None: ...

    def set(self) -> None: ...

    def clear(self) -> None: ...

    def is_set(self) -> bool: ...

class SearchOptions:
    def __init__(self) -> None: ...

    @property
    def beam_size(self) -> int: ...

    @beam_size.setter
    def beam_size(self, arg: int, /) -> None: ...

    @property
    def normalize(self) -> float: ...

    @normalize.setter
    def normalize(self, arg: float, /) -> None: ...

    @property
    def word_penalty(self) -> float: ...

    @word_penalty.setter
    def word_penalty(self, arg: float, /) -> None: ...

    @property
    def eos(self) -> int: ...

    @eos.setter
    def eos(self, arg: int, /) -> None: ...

    @property
    def never(self) -> list[int]:
        """Ids that are never chosen, ascending."""

    @never.setter
    def never(self, arg: Sequence[int], /) -> None: ...

    @property
    def n_best(self) -> int: ...

    @n_best.setter
    def n_best(self, arg: int, /) -> None: ...

    @property
    def scores(self) -> bool: ...

    @scores.setter
    def scores(self, arg: bool, /) -> None: ...

    @property
    def alignment(self) -> bool: ...

    @alignment.setter
    def alignment(self, arg: bool, /) -> None: ...

    @property
    def skip_cost(self) -> bool: ...

    @skip_cost.setter
    def skip_cost(self, arg: bool, /) -> None: ...

    @property
    def profile(self) -> bool: ...

    @profile.setter
    def profile(self, arg: bool, /) -> None: ...

    @property
    def group_tokens(self) -> int: ...

    @group_tokens.setter
    def group_tokens(self, arg: int, /) -> None: ...

    @property
    def live_sentences(self) -> int: ...

    @live_sentences.setter
    def live_sentences(self, arg: int, /) -> None: ...

    @property
    def live_tokens(self) -> int: ...

    @live_tokens.setter
    def live_tokens(self, arg: int, /) -> None: ...

    @property
    def live_rows(self) -> int: ...

    @live_rows.setter
    def live_rows(self, arg: int, /) -> None: ...

    @property
    def live_columns(self) -> int: ...

    @live_columns.setter
    def live_columns(self, arg: int, /) -> None: ...

class Call:
    """One batch of sentences, longest first, for one model or an ensemble."""

    def __init__(self, members: Sequence[Any], shortlist: object | None, source: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], offsets: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], limits: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], prefix: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, prefix_offsets: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, options: SearchOptions, phrases: tuple[Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)]] | None = None) -> None: ...

    def need(self, workspace: Workspace) -> int:
        """Bytes of workspace that run() will use, exactly."""

    def run(self, workspace: Workspace, stop: StopFlag) -> bool:
        """
        Translates, without the GIL and without any allocation. False if the stop flag was raised. On the main thread signals find their handlers meanwhile; what one raises ends the batch.
        """

    def results(self) -> list[Any]:
        """
        For each sentence its hypotheses, best first: (bytes of int32 ids, bytes of float path scores, alignment or None, path score, score, unweighted path score by each model). Valid until the workspace runs another batch.
        """

    def candidates(self) -> int:
        """Columns of the logits: those that shortlists leave, or the vocabulary."""

    def costs(self) -> list[Any]:
        """
        With options.profile: (nanoseconds, calls, rows) of each instruction of the first model's plan.
        """

class Region:
    """
    Memory for one model's weights: a mapped file, or private pages. Gone with the last use. `memoryview(region)` is all bytes, without a copy.
    """

    @staticmethod
    def map(descriptor: int, path: str) -> Region:
        """Maps an open file read-only. Raises OSError."""

    @staticmethod
    def anonymous(nbytes: int) -> Region:
        """Private zero pages, writable until sealed. Raises OSError."""

    def seal(self, nbytes: int) -> bool:
        """
        Keeps the first bytes, read-only. Views made before may still be written through: drop them.
        """

    def view(self) -> object:
        """All bytes as a NumPy array, without a copy."""

    @property
    def nbytes(self) -> int: ...

    @property
    def file_backed(self) -> bool: ...

    @property
    def damaged(self) -> bool:
        """Whether the file was cut short or written to since it was mapped."""

def weights_in(plan: object, region: object, table: bytes) -> Weights:
    """
    Weights at the places in a region that a slot table names. All are checked.
    """

def checksum(data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> int:
    """64-bit checksum against damage."""

def check_sentencepiece(data: bytes) -> tuple[Any, ...]:
    """
    (problem or None, byte of it, number of pieces) of a SentencePiece model.
    """
