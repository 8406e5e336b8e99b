"""A pickle taken apart without running it: which names it asks for, and what stands at its top.

The opcodes (https://docs.python.org/3/library/pickletools.html, https://peps.python.org/pep-0574/) are followed as an
unpickler would, but nothing is imported and nothing called: a call becomes a `Made`, a name a `Named`. joblib lays an
array's raw bytes behind the wrapper that describes it, and an array of objects as a pickle of its own
(https://github.com/joblib/joblib/blob/1.4.2/joblib/numpy_pickle.py); both are passed over by their size.

Memory and time are bounded: long texts and bytes are skipped, only so many items are kept, and after so many opcodes
the rest is left unread, which is said (`end`), never taken for fine.
"""

from __future__ import annotations

import io
import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Final, Literal

MAX_OPCODES: Final = 2_000_000  # some seconds
MAX_KEPT: Final = 200_000  # items of lists, sets and dicts, all together
MAX_TEXT_BYTES: Final = 4096  # of one text; a longer one is no name and no column
MAX_LINE_BYTES: Final = 2**20
MAX_NESTED: Final = 20  # pickles in pickles
CHUNK_BYTES: Final = 2**20
OPAQUE: Final[Any] = type("Opaque", (), {"__repr__": lambda _: "OPAQUE"})()  # a value that was not kept
MARK: Final[Any] = object()

End = Literal["whole", "cut off", "damaged", "unread"]
# What Python 2 called them (https://docs.python.org/3/library/pickle.html, fix_imports).
RENAMED: Final = {"copy_reg": "copyreg", "__builtin__": "builtins", "exceptions": "builtins"}


class UnreadError(Exception):
    """The rest is not looked at: too much of it, or laid out in a way that is not known here."""


@dataclass(frozen=True)
class Named:
    """A class or function by its name."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Made:
    """What a call would give: of a class (or function) with arguments, and the state set afterwards."""

    callee: Any
    args: Any = ()
    state: Any = None


@dataclass(frozen=True, eq=False)
class Array:
    """A numpy array: its shape, the code of its dtype ("f8", "O8"), and its values where they are Python objects."""

    shape: tuple[Any, ...]
    dtype: str
    values: Any = OPAQUE


@dataclass(frozen=True)
class Pickled:
    """What was found: how far it could be read, the object at its top, every name it asks for in order of appearance,
    and whether it needs something beside itself (persistent ids, buffers)."""

    end: End
    top: Any
    names: tuple[Named, ...]
    position: int
    external: bool = False


class Stream:
    """Bytes in order, with a count; `limit` ends it early with UnreadError. Raises: EOFError where they end."""

    def __init__(self, file: IO[bytes], size: int | None = None, limit: int | None = None) -> None:
        self._file, self._size, self._limit = file, size, limit
        self.position = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._count(len(data))
        if len(data) < size:
            raise EOFError
        return data

    def readline(self) -> bytes:
        """A line with its end."""
        line = self._file.readline(MAX_LINE_BYTES)
        self._count(len(line))
        if not line.endswith(b"\n"):
            raise UnreadError if len(line) == MAX_LINE_BYTES else EOFError
        return line

    def skip(self, size: int) -> None:
        """Pass over `size` bytes; where the file's size is known, without reading them."""
        if self._size is None:
            while size > 0:
                size -= len(self.read(min(size, CHUNK_BYTES)))
            return
        if self.position + size > self._size:
            raise EOFError
        self._file.seek(size, io.SEEK_CUR)
        self._count(size)

    def _count(self, size: int) -> None:
        self.position += size
        if self._limit is not None and self.position > self._limit:
            raise UnreadError


def take_apart(stream: Stream) -> Pickled:
    """Read the pickle that begins here, to its STOP or as far as it can be read."""
    shared = _Shared(stream)
    top: Any = OPAQUE
    end: End = "whole"
    try:
        top = _Machine(shared).run()
    except UnreadError:
        end = "unread"
    except EOFError:
        end = "cut off"
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, struct.error):
        end = "damaged"
    return Pickled(end, top, tuple(shared.names), stream.position, shared.external)


class _Shared:
    """What a pickle and the pickles inside it have in common."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.names: dict[Named, None] = {}
        self.opcodes, self.kept, self.nested = 0, 0, 0
        self.external = False


class _Machine:
    """An unpickler's stack and memo, holding descriptions."""

    def __init__(self, shared: _Shared) -> None:
        self.shared, self.stream = shared, shared.stream
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.protocol = 0

    def run(self) -> Any:
        while True:
            code = self.stream.read(1)
            self.shared.opcodes += 1
            if self.shared.opcodes > MAX_OPCODES:
                raise UnreadError
            opcode = _OPCODES[code]
            argument = self._argument(opcode)
            if opcode.name == "STOP":
                return self.stack.pop()
            _ACTIONS[opcode.name](self, argument)

    def _argument(self, opcode: Any) -> Any:
        if opcode.arg is None:
            return None
        if opcode.arg.n >= 0 or opcode.name in ("GLOBAL", "INST"):
            return opcode.arg.reader(self.stream)
        if opcode.arg.n == pickletools.UP_TO_NEWLINE:
            return opcode.arg.reader(io.BytesIO(self.stream.readline()))
        width, form = _LENGTHS[opcode.arg.n]
        (size,) = struct.unpack(form, self.stream.read(width))
        if size > MAX_TEXT_BYTES:
            self.stream.skip(size)
            return OPAQUE
        return opcode.arg.reader(io.BytesIO(struct.pack(form, size) + self.stream.read(size)))

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def marked(self) -> list[Any]:
        """Everything above the last mark, which goes too."""
        at = len(self.stack) - 1
        while self.stack[at] is not MARK:
            at -= 1
            if at < 0:
                raise ValueError("no mark")
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def keep(self, items: int) -> bool:
        self.shared.kept += items
        return self.shared.kept <= MAX_KEPT

    def name(self, module: Any, name: Any) -> Named:
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("a name is a text")
        named = Named(RENAMED.get(module, module) if self.protocol < 3 else module, name)
        self.shared.names[named] = None
        return named

    def build(self, _: Any) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if isinstance(made, Made):
            made.state = state
            if made.callee == _RAW or (isinstance(made.args, tuple) and made.args[:1] == (_RAW,)):
                self.stack[-1] = self._laid_array(state)
            elif isinstance(made.callee, Named) and made.callee.name == "_reconstruct":
                self.stack[-1] = _plain_array(state) or made

    def _laid_array(self, state: Any) -> Array:
        """The array whose bytes follow here."""
        code, item_bytes, objects = _dtype(state["dtype"])
        shape = tuple(int(size) for size in state["shape"])
        if objects:
            return self._array_of_objects(shape, code)
        if state.get("numpy_array_alignment_bytes") is not None:
            self.stream.skip(self.stream.read(1)[0])
        count = 1
        for size in shape:
            count *= size
        self.stream.skip(count * item_bytes)
        return Array(shape, code)

    def _array_of_objects(self, shape: tuple[int, ...], code: str) -> Array:
        self.shared.nested += 1
        if self.shared.nested > MAX_NESTED:
            raise UnreadError
        inner = _Machine(self.shared).run()
        self.shared.nested -= 1
        return inner if isinstance(inner, Array) else Array(shape, code)


_RAW: Final = Named("joblib.numpy_pickle", "NumpyArrayWrapper")


def _plain_array(state: Any) -> Array | None:
    """An array from its state in a pickle: version, shape, dtype, order, data."""
    if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[1], tuple):
        return None
    code, _, objects = _dtype(state[2])
    return Array(state[1], code, state[4] if objects else OPAQUE)


def _dtype(described: Any) -> tuple[str, int, bool]:
    """A dtype's code, the bytes of one item, and whether items are Python objects."""
    if not isinstance(described, Made) or not isinstance(described.args, tuple) or not described.args:
        raise UnreadError
    code, state = described.args[0], described.state
    if not isinstance(code, str):
        raise UnreadError
    stated = state[5] if isinstance(state, tuple) and len(state) > 5 else -1
    flags = state[7] if isinstance(state, tuple) and len(state) > 7 else 0
    item_bytes = stated if isinstance(stated, int) and stated > 0 else int(code[1:] or 1)
    return code, item_bytes, code[0] == "O" or bool(flags & 1)  # NPY_ITEM_HASOBJECT


Action = Callable[[_Machine, Any], None]
_OPCODES: Final = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}
_LENGTHS: Final = {
    pickletools.TAKEN_FROM_ARGUMENT1: (1, "<B"),
    pickletools.TAKEN_FROM_ARGUMENT4: (4, "<i"),
    pickletools.TAKEN_FROM_ARGUMENT4U: (4, "<I"),
    pickletools.TAKEN_FROM_ARGUMENT8U: (8, "<Q"),
}


def _constant(make: Callable[[], Any]) -> Action:
    return lambda machine, _: machine.push(make())


def _protocol(machine: _Machine, version: int) -> None:
    if version > 5:
        raise ValueError("no such protocol")
    machine.protocol = version


def _outside(machine: _Machine, _: Any) -> None:
    machine.shared.external = True
    machine.push(OPAQUE)


def _append(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if isinstance(target, list) and machine.keep(len(items)):
        target.extend(items)


def _set(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if isinstance(target, dict) and machine.keep(len(items) // 2):
        target.update(_dict_of(items))


def _pop(machine: _Machine, _: Any) -> None:
    machine.stack.pop()


def _tuple(size: int) -> Action:
    def action(machine: _Machine, _: Any) -> None:
        items = machine.stack[len(machine.stack) - size :]
        del machine.stack[len(machine.stack) - size :]
        machine.push(tuple(items))

    return action


def _memoize(machine: _Machine, _: Any) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _put(machine: _Machine, index: int) -> None:
    machine.memo[index] = machine.stack[-1]


def _call(machine: _Machine, _: Any) -> None:
    args, callee = machine.stack.pop(), machine.stack.pop()
    if isinstance(callee, Named) and callee.name == "_frombuffer" and isinstance(args, tuple) and len(args) > 2:
        machine.push(Array(args[2], _dtype(args[1])[0]))  # numpy's way since protocol 5
    else:
        machine.push(Made(callee, args))


def _call_keyed(machine: _Machine, _: Any) -> None:
    machine.stack.pop()
    _call(machine, None)


def _dict_of(items: list[Any]) -> dict[Any, Any]:
    pairs = zip(items[::2], items[1::2], strict=True)
    return {key: value for key, value in pairs if isinstance(key, str | int | float | bytes)}


def _instance(machine: _Machine, argument: str) -> None:
    args = machine.marked()
    machine.push(Made(machine.name(*argument.split(" ", 1)), tuple(args)))


def _object(machine: _Machine, _: Any) -> None:
    callee, *args = machine.marked()
    machine.push(Made(callee, tuple(args)))


def _stack_name(machine: _Machine, _: Any) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.push(machine.name(module, name))


# Those that push their argument; GET, GLOBAL, PERSID and EXT look like them and come after.
_VALUES: Final = [o.name for o in pickletools.opcodes if o.arg is not None and not o.stack_before and o.stack_after]
_ACTIONS: Final[dict[str, Action]] = {
    **{name: lambda machine, value: machine.push(value) for name in _VALUES},
    **{name: _put for name in ("PUT", "BINPUT", "LONG_BINPUT")},
    **{name: lambda machine, index: machine.push(machine.memo[index]) for name in ("GET", "BINGET", "LONG_BINGET")},
    **{name: _constant(lambda: OPAQUE) for name in ("EXT1", "EXT2", "EXT4")},
    "NONE": _constant(lambda: None),
    "NEWTRUE": _constant(lambda: True),
    "NEWFALSE": _constant(lambda: False),
    "EMPTY_LIST": _constant(list),
    "EMPTY_TUPLE": _constant(tuple),
    "EMPTY_DICT": _constant(dict),
    "EMPTY_SET": _constant(list),
    "MARK": _constant(lambda: MARK),
    "LIST": lambda machine, _: machine.push(machine.marked()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.marked())),
    "FROZENSET": lambda machine, _: machine.push(machine.marked()),
    "DICT": lambda machine, _: machine.push(_dict_of(machine.marked())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "APPEND": lambda machine, _: _append(machine, [machine.stack.pop()]),
    "APPENDS": lambda machine, _: _append(machine, machine.marked()),
    "ADDITEMS": lambda machine, _: _append(machine, machine.marked()),
    "SETITEM": lambda machine, _: _set(machine, [machine.stack.pop(), machine.stack.pop()][::-1]),
    "SETITEMS": lambda machine, _: _set(machine, machine.marked()),
    "POP": _pop,
    "POP_MARK": lambda machine, _: machine.marked().clear(),
    "DUP": lambda machine, _: machine.push(machine.stack[-1]),
    "MEMOIZE": _memoize,
    "GLOBAL": lambda machine, argument: machine.push(machine.name(*argument.split(" ", 1))),
    "STACK_GLOBAL": _stack_name,
    "REDUCE": _call,
    "NEWOBJ": _call,
    "NEWOBJ_EX": _call_keyed,
    "INST": _instance,
    "OBJ": _object,
    "BUILD": _Machine.build,
    "PROTO": _protocol,
    "FRAME": lambda _machine, _argument: None,
    "PERSID": _outside,
    "BINPERSID": lambda machine, _: _outside(machine, machine.stack.pop()),
    "NEXT_BUFFER": _outside,
    "READONLY_BUFFER": lambda _machine, _argument: None,
}
