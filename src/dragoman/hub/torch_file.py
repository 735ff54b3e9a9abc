"""``pytorch_model.bin`` without PyTorch, and without ``pickle``: an interpreter of the few opcodes that a dictionary of
tensors needs.

Two forms, as ``torch.save`` writes them (torch/serialization.py). Since 1.6: a zip archive with ``data.pkl`` and one
member of raw numbers for each storage. Before: a pickled magic number, version and machine, the pickled object, the
pickled list of storages, and then each storage: its count (uint64) and its numbers. A pickle may name any function to
call; here the names that are known make tensors, storages and dictionaries, and every other is refused.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import ModelFormatError
from dragoman.formats.bounded import BoundedReader
from dragoman.formats.files import MODEL_LIMIT, read_bytes
from dragoman.formats.zip_members import zip_members

__all__ = ["read_torch_file"]

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_MAX_OPCODES = 4_000_000
_MAX_PICKLE_BYTES = 16 << 20
_MAX_RANK = 8
_KINDS: dict[str, tuple[str, int]] = {
    "FloatStorage": ("<f4", 4),
    "HalfStorage": ("<f2", 2),
    "BFloat16Storage": ("<u2", 2),
    "DoubleStorage": ("<f8", 8),
    "LongStorage": ("<i8", 8),
    "IntStorage": ("<i4", 4),
    "ByteStorage": ("u1", 1),
    "CharStorage": ("i1", 1),
    "BoolStorage": ("u1", 1),
}
"""NumPy's type and bytes of each number. bfloat16 is read as its bits."""


class _Refused(Exception):
    """What the pickle asks for is not what a dictionary of tensors needs."""


@dataclass(frozen=True)
class _Name:
    """A global name of a pickle, such as "torch FloatStorage"."""

    text: str


@dataclass(frozen=True)
class _Storage:
    kind: str
    key: str


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Mark:
    """Where a group of values begins on the stack."""


def read_torch_file(path: Path) -> dict[str, NDArray[np.float32]]:
    """The floating-point tensors of a file by name, as float32; others are left out.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFormatError: it is no dictionary of tensors, damaged, or asks for anything else to be done.
    """
    buffer = read_bytes(path, limit=MODEL_LIMIT, mapped=True)
    if bytes(buffer[:2]) == b"PK":
        value, storages = _read_zip(buffer, path)
    else:
        value, storages = _read_legacy(buffer, path)
    if isinstance(value, dict) and isinstance(value.get("state_dict"), dict):
        value = value["state_dict"]
    if not isinstance(value, dict):
        raise _fail(path, "it holds no dictionary of tensors")
    found = {}
    for name, tensor in value.items():
        if isinstance(name, str) and isinstance(tensor, _Tensor):
            array = _array(tensor, storages, path, name)
            if array is not None:
                found[name] = array
    if not found:
        raise _fail(path, "it holds no dictionary of tensors")
    return found


def _read_zip(buffer: memoryview, path: Path) -> tuple[Any, Callable[[_Storage], memoryview]]:
    members = {name.partition("/")[2]: contents for name, contents in zip_members(buffer, path)}
    if "data.pkl" not in members:
        raise _fail(path, "the archive has no data.pkl")
    order = bytes(members.get("byteorder", b"little")).strip()
    if order != b"little":
        raise _fail(path, f"the numbers are {order[:20]!r}-endian")
    value, _ = _unpickle(members["data.pkl"], 0, path)

    def storage(wanted: _Storage) -> memoryview:
        contents = members.get(f"data/{wanted.key}")
        if contents is None:
            raise _fail(path, f"the archive has no storage {wanted.key[:40]!r}")
        return contents

    return value, storage


def _read_legacy(buffer: memoryview, path: Path) -> tuple[Any, Callable[[_Storage], memoryview]]:
    magic, place = _unpickle(buffer, 0, path)
    version, place = _unpickle(buffer, place, path)
    if magic != _MAGIC or version != _VERSION:
        raise _fail(path, "it is no file of PyTorch's")
    machine, place = _unpickle(buffer, place, path)
    if isinstance(machine, dict) and machine.get("little_endian") is False:
        raise _fail(path, "the numbers are big-endian")
    kinds: dict[str, str] = {}
    value, place = _unpickle(buffer, place, path, lambda storage: kinds.setdefault(storage.key, storage.kind))
    keys, place = _unpickle(buffer, place, path)
    contents: dict[str, memoryview] = {}
    reader = BoundedReader(buffer, path)
    reader.seek(place, "the storages")
    for key in keys if isinstance(keys, list) else ():
        if not isinstance(key, str) or key not in kinds:
            raise _fail(path, "the list of storages names one that no tensor uses")
        count = reader.u64("a storage's count")
        contents[key] = reader.take(count * _KINDS[kinds[key]][1], "a storage", parameter=key)

    def storage(wanted: _Storage) -> memoryview:
        if wanted.key not in contents:
            raise _fail(path, f"there is no storage {wanted.key[:40]!r}")
        return contents[wanted.key]

    return value, storage


def _array(
    tensor: _Tensor, storages: Callable[[_Storage], memoryview], path: Path, name: str
) -> NDArray[np.float32] | None:
    dtype, width = _KINDS[tensor.storage.kind]
    if np.dtype(dtype).kind == "i" or tensor.storage.kind in ("ByteStorage", "BoolStorage"):
        return None
    contents = storages(tensor.storage)
    count = 1
    for extent in tensor.shape:
        count *= extent
    last = tensor.offset + sum(
        (extent - 1) * stride for extent, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    if count > len(contents) // width or (count and last >= len(contents) // width):
        raise ModelFormatError(path, "the tensor leaves its storage", parameter=name, found=tensor.shape)
    flat = np.frombuffer(contents, dtype, count=len(contents) // width)
    steps = tuple(stride * width for stride in tensor.strides)
    view = np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, steps, writeable=False)
    if tensor.storage.kind == "BFloat16Storage":
        return (view.astype(np.uint32) << 16).view(np.float32)
    return np.array(view, dtype=np.float32, order="C")


def _fail(path: Path, problem: str) -> ModelFormatError:
    return ModelFormatError(path, problem)


def _unpickle(
    buffer: memoryview, start: int, path: Path, seen: Callable[[_Storage], object] = lambda storage: None
) -> tuple[Any, int]:
    """The object that begins at ``start``, and where the next byte is. ``seen`` is told of each storage."""
    stream = io.BytesIO(buffer[start : start + min(len(buffer) - start, _MAX_PICKLE_BYTES)])
    machine = _Machine(seen)
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if count > _MAX_OPCODES:
                raise _Refused("it is too long")
            if opcode.name == "STOP":
                return machine.pop(), start + stream.tell()
            machine.step(opcode.name, argument)
    except _Refused as error:
        raise ModelFormatError(
            path, f"the pickle in it asks for what a model does not need: {error}", advice="It is not opened."
        ) from None
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise _fail(path, f"the pickle in it is damaged: {str(error)[:100]}") from None
    raise _fail(path, "the pickle in it does not end")


class _Machine:
    """The stack machine of a pickle, for dictionaries of tensors. Nothing is called, compared or hashed but text."""

    def __init__(self, seen: Callable[[_Storage], object]) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._seen = seen

    def pop(self) -> Any:
        return self._stack.pop()

    def step(self, name: str, argument: Any) -> None:
        stack = self._stack
        if name in ("PROTO", "FRAME"):
            return
        if name in _CONSTANTS:
            stack.append(_CONSTANTS[name]())
        elif name in _LITERALS:
            stack.append(argument)
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self._memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self._memo[argument])
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            self._global(argument if name == "GLOBAL" else None)
        elif name.startswith("TUPLE"):
            count = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}.get(name)
            values = self._group() if count is None else [stack.pop() for _ in range(count)][::-1]
            stack.append(tuple(values))
        elif name in ("SETITEM", "SETITEMS"):
            values = self._group() if name == "SETITEMS" else [stack.pop() for _ in range(2)][::-1]
            self._set(values)
        elif name in ("APPEND", "APPENDS"):
            values = self._group() if name == "APPENDS" else [stack.pop()]
            if type(stack[-1]) is not list:
                raise _Refused("to append to something that is no list")
            stack[-1].extend(values)
        elif name == "BINPERSID":
            stack.append(self._persistent(stack.pop()))
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            stack.append(_made(function, arguments))
        elif name == "BUILD":
            stack.pop()  # the metadata of a state dictionary
            if type(stack[-1]) is not dict:
                raise _Refused("to set the state of an object")
        else:
            raise _Refused(f"opcode {name}")

    def _group(self) -> list[Any]:
        values = []
        while not isinstance(value := self._stack.pop(), _Mark):
            values.append(value)
        return values[::-1]

    def _global(self, argument: str | None) -> None:
        if argument is None:
            name, module = self._stack.pop(), self._stack.pop()
            argument = f"{module} {name}" if isinstance(name, str) and isinstance(module, str) else "?"
        known = argument in _FUNCTIONS or (argument.startswith("torch ") and argument[6:] in _KINDS)
        if not known:
            raise _Refused(f"to use {argument[:80]!r}")
        self._stack.append(_Name(argument))

    def _set(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not dict or len(values) % 2:
            raise _Refused("to set items of something that is no dictionary")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if type(key) not in (str, int):
                raise _Refused("a key that is no text")
            target[key] = value

    def _persistent(self, value: Any) -> _Storage:
        """``("storage", kind, key, location, count)``, in old files with a view's data behind."""
        if type(value) is not tuple or len(value) < 5 or value[0] != "storage" or not isinstance(value[1], _Name):
            raise _Refused("an object from elsewhere")
        kind = value[1].text.removeprefix("torch ")
        if kind not in _KINDS or not isinstance(value[2], str) or (len(value) > 5 and value[5] is not None):
            raise _Refused("a storage of an unknown kind")
        storage = _Storage(kind, value[2])
        self._seen(storage)
        return storage


_FUNCTIONS = frozenset(
    [
        "collections OrderedDict",
        "torch._utils _rebuild_tensor",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
    ]
)
_CONSTANTS: Mapping[str, Callable[[], Any]] = {
    "MARK": _Mark,
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_LITERALS = frozenset(
    ["BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"]
)


def _made(function: Any, arguments: Any) -> Any:
    """What a known function makes of its arguments."""
    if not isinstance(function, _Name) or type(arguments) is not tuple:
        raise _Refused("to call something that is no known function")
    if function.text == "collections OrderedDict":
        if arguments not in ((), ([],)):
            raise _Refused("a dictionary made of other things")
        return {}
    if function.text == "torch._utils _rebuild_parameter":
        if not arguments or not isinstance(arguments[0], _Tensor):
            raise _Refused("a parameter that is no tensor")
        return arguments[0]
    if function.text.startswith("torch._utils _rebuild_tensor") and len(arguments) >= 4:
        storage, offset, shape, strides = arguments[:4]
        numbers = (offset, *shape, *strides) if type(shape) is tuple and type(strides) is tuple else (-1,)
        sound = len(numbers) <= 1 + 2 * _MAX_RANK and all(type(one) is int and 0 <= one < 1 << 40 for one in numbers)
        if isinstance(storage, _Storage) and sound and len(shape) == len(strides):
            return _Tensor(storage, offset, shape, strides)
    raise _Refused("a tensor of an impossible form")
