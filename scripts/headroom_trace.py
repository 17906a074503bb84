#!/usr/bin/python3
"""Reads traces of headroom: every table as a NumPy structured array, and what people compute first.

    import headroom_trace
    trace = headroom_trace.open_trace("demo.h5")
    tokens = trace.table("tokens")                    # columns as in src/trace/README.md, which has
    print(trace.units("tokens")["end"])               # their meaning; times are virtual nanoseconds
    late = trace.latency()                            # time per sampled token
    frame = trace.frame("intervals")                  # a pandas DataFrame, if pandas is there

Reads traces of schema versions 3 and 4, of runs that go on, were killed or have ended. Only rows that
the last commit covers are given: a run that goes on grows, so all tables of one Trace are of the moment
when it was opened. Debian: python3-h5py python3-numpy (frames: python3-pandas).

usage: headroom_trace.py TRACE              tables and their rows
       headroom_trace.py TRACE scenario     the resolved scenario, as TOML
       headroom_trace.py TRACE TABLE        one table, with tabs between its columns
"""
import ctypes
import fcntl
import os
import struct
import sys
import tomllib
from functools import cached_property

try:
    import h5py
    import numpy as np
except ImportError as missing:
    raise ImportError(f"headroom_trace needs h5py and numpy, and {sys.executable} has no {missing.name}; on Debian "
                      "install python3-h5py and python3-numpy, and use /usr/bin/python3") from None

OLDEST_VERSION, NEWEST_VERSION = 3, 4
NEVER = 2**63 - 1  # "never" or "unlimited" in integer columns
STATIC = ("devices", "links", "blocks", "model", "layers", "prompts", "input_files")
GROWING = ("resources", "link_state", "migrations", "turns", "tokens", "requests", "ops", "messages",
           "events")


class TraceError(Exception):
    """A file that cannot be read as a trace; the message says which, why, and what to do."""


def is_being_written(path) -> bool:
    """Whether a live run holds its lock on the file (Linux; False where locks are unknown)."""
    with open(path, "rb") as file:
        asked = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 1, 0)
        try:
            told = fcntl.fcntl(file, getattr(fcntl, "F_OFD_GETLK", 36), asked)
        except OSError:
            return False
    return struct.unpack("hhqqi4x", told)[0] == fcntl.F_WRLCK


def _check_signature(path) -> None:
    try:
        with open(path, "rb") as file:
            start = file.read(8)
    except OSError as error:
        raise TraceError(f"{path}: cannot be opened: {error.strerror}") from None
    if not start:
        raise TraceError(f"{path}: is empty; expected a trace that headroom has written")
    if start != b"\x89HDF\r\n\x1a\n":
        raise TraceError(f"{path}: is not an HDF5 file; expected a trace that headroom has written")


def _opened(path: str) -> h5py.File:
    """For reading beside a writer. HDF5 then reads what is damaged a hundred times, each after twice the wait, which is
    for ever; 27 times take a tenth of a second, and a writer that lives is faster. h5py has no word for that limit,
    but the library below it has."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_LATEST, h5py.h5f.LIBVER_LATEST)
    try:
        limit = ctypes.CDLL(h5py.h5p.__file__).H5Pset_metadata_read_attempts
        limit(ctypes.c_int64(access.id), ctypes.c_uint(27))
    except (AttributeError, OSError):
        pass  # a library that hides its functions: what is whole can be read all the same
    flags = h5py.h5f.ACC_RDONLY | h5py.h5f.ACC_SWMR_READ
    return h5py.File(h5py.h5f.open(os.fsencode(path), flags, fapl=access))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


class Trace:
    """One trace, read when asked. Ids are row numbers of the static tables; -1 is none.

    path; attributes: those of the file (text or int); schema_version; completion: how the run ended
    ("running": it goes on, or was killed), see `status`; scenario_text; names: tables that the file has.
    """

    def __init__(self, path):
        self.path = str(path)
        _check_signature(self.path)
        try:
            self._file = _opened(self.path)
        except (OSError, RuntimeError, KeyError) as error:
            if "unable to lock" in str(error):
                raise TraceError(f"{self.path}: HDF5 cannot lock it ({error}): a run may just be beginning it, so try "
                                 "again; on a file system without locks set HDF5_USE_FILE_LOCKING=FALSE") from None
            raise TraceError(f"{self.path}: is a truncated or damaged HDF5 file ({error})") from None
        try:
            self._begin()
        except BaseException:
            self._file.close()
            raise

    def _begin(self) -> None:
        try:
            attributes = dict(self._file.attrs)
        except (OSError, RuntimeError, KeyError) as error:
            raise TraceError(f"{self.path}: is a truncated or damaged HDF5 file ({error})") from None
        self.attributes = {key: _text(value) if isinstance(value, bytes) else value.item()
                           if hasattr(value, "item") else value for key, value in attributes.items()}
        self.schema_version = self.attributes.get("schema_version")
        if self.schema_version is None:
            raise TraceError(f"{self.path}: is an HDF5 file, but not a trace of headroom: it has no "
                             "schema_version")
        if not OLDEST_VERSION <= self.schema_version <= NEWEST_VERSION:
            raise TraceError(f"{self.path}: has schema version {self.schema_version}; this module reads "
                             f"versions {OLDEST_VERSION} to {NEWEST_VERSION}")
        self._tables = {}
        self._commits = self._committed()  # before all else: the other tables only grow
        self.completion = self.codes("complete")[int(self._read("complete")[0])]
        self.scenario_text = _text(self._read("scenario").tobytes())
        try:
            self.names = tuple(n for n in STATIC + ("intervals",) + GROWING if n in self._file)
        except (KeyError, OSError, RuntimeError) as error:
            raise TraceError(f"{self.path}: is damaged ({error})") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    # Tables

    def _dataset(self, name: str):
        try:
            return self._file[name]
        except (KeyError, OSError, RuntimeError) as error:
            # Without a list of what is there: asked for one of a damaged file, HDF5 1.10 may end the program.
            raise TraceError(f"{self.path}: is damaged: /{name} cannot be opened ({error})") from None

    def _read(self, name: str, rows: int | None = None):
        try:
            dataset = self._dataset(name)
            dataset.refresh()  # HDF5 may know the file from another Trace, as it was then
            data = dataset[:] if rows is None else dataset[:rows]
        except (OSError, RuntimeError) as error:
            raise TraceError(f"{self.path}: damaged at /{name} ({error})") from None
        if rows is not None and len(data) < rows:
            raise TraceError(f"{self.path}: damaged: /{name} has {len(data)} rows, {rows} are promised")
        return data

    def _committed(self) -> np.ndarray:
        rows = self._read("intervals")
        whole = rows["rows_placements"] == np.arange(1, len(rows) + 1)
        return rows[:len(rows) if whole.all() else int(np.argmin(whole))]

    def _promised(self, name: str) -> int:
        return int(self._commits[-1]["rows_" + name]) if len(self._commits) else 0

    def table(self, name: str) -> np.ndarray:
        """All committed rows, shape (rows,). Names are str; a table whose rows point into a pool of texts
        has these as columns more (requests and events: text; input_files: path, contents), as str."""
        if name not in self._tables:
            if name not in self.names:
                raise TraceError(f"{self.path}: has no table {name!r}; it has {', '.join(self.names)}")
            if name == "intervals":
                rows = self._commits
            else:
                rows = self._read(name, None if name in STATIC else self._promised(name))
            self._tables[name] = self._with_texts(name, rows)
        return self._tables[name]

    @cached_property
    def _text_pool(self) -> bytes:
        return self._read("text_pool", self._promised("text_pool")).tobytes()

    @cached_property
    def _input_pool(self) -> bytes:
        return self._read("input_pool").tobytes()

    def _with_texts(self, name: str, rows: np.ndarray) -> np.ndarray:
        pooled = [c[:-7] for c in rows.dtype.names if c.endswith("_offset")]
        kinds = [(c, f"U{kind.itemsize}" if kind.kind == "S" else kind)
                 for c, (kind, *_) in ((c, rows.dtype.fields[c]) for c in rows.dtype.names)]
        result = np.zeros(len(rows), kinds + [(c, object) for c in pooled])
        for column in rows.dtype.names:
            fixed = rows.dtype[column].kind == "S"
            result[column] = [_text(v) for v in rows[column]] if fixed else rows[column]
        pool = (self._input_pool if name == "input_files" else self._text_pool) if pooled else b""
        for column in pooled:
            places = zip(rows[column + "_offset"].tolist(), rows[column + "_length"].tolist())
            result[column] = [_text(pool[offset:offset + length]) for offset, length in places]
        return result

    def units(self, name: str) -> dict[str, str]:
        """Column -> unit: ns, s, B, B/s, FLOP/s, 1, id, code, hash, text."""
        dataset = self._dataset(name)
        columns = dataset.dtype.names or (name,)
        return dict(zip(columns, (_text(unit) for unit in dataset.attrs["units"])))

    def description(self, name: str) -> str:
        """One sentence on what a row is."""
        value = self._dataset(name).attrs["description"]
        return _text(value) if isinstance(value, bytes) else str(value)

    def codes(self, name: str, column: str | None = None) -> list[str]:
        """The names behind a column of unit code; the code is the index. Empty: the file has none."""
        attribute = "codes" if column is None else f"{column}_codes"
        return [_text(value) for value in self._dataset(name).attrs.get(attribute, ())]

    def named(self, name: str, column: str) -> np.ndarray:
        """A column of codes as their names (str; the number itself where there is no name)."""
        names, values = self.codes(name, column), self.table(name)[column].tolist()
        return np.array([names[v] if 0 <= v < len(names) else str(v) for v in values], dtype=object)

    def frame(self, name: str):
        """The table as a pandas DataFrame, code columns as names."""
        try:
            import pandas  # optional: only this function needs it
        except ImportError:
            raise TraceError("frame() needs pandas (Debian: python3-pandas); table() does not") from None
        rows = self.table(name)
        coded = {c for c, unit in self.units(name).items() if unit == "code"}
        return pandas.DataFrame({c: self.named(name, c) if c in coded else rows[c]
                                 for c in rows.dtype.names})

    def rows_of(self, name: str, interval: int) -> np.ndarray:
        """The rows of a growing table that belong to one interval, 0 ≤ interval < len(self)."""
        if not 0 <= interval < len(self):
            raise IndexError(f"interval {interval} of {len(self)}")
        ends = self._commits["rows_" + name]
        return self.table(name)[int(ends[interval - 1]) if interval else 0:int(ends[interval])]

    # What people compute first

    def __len__(self) -> int:
        """How many intervals, each with a decision, are committed."""
        return len(self._commits)

    @cached_property
    def status(self) -> str:
        """`completion`, but a run that ended without a word was "killed"."""
        dead = self.completion == "running" and not is_being_written(self.path)
        return "killed" if dead else self.completion

    @cached_property
    def scenario(self) -> dict:
        """The resolved scenario, parsed."""
        return tomllib.loads(self.scenario_text)

    @property
    def input_files(self) -> dict[str, str]:
        """Path -> contents of every input file but the weights."""
        rows = self.table("input_files")
        return dict(zip(rows["path"], rows["contents"]))

    @property
    def device_names(self) -> list[str]:
        return self.table("devices")["name"].tolist()

    @property
    def block_names(self) -> list[str]:
        return self.table("blocks")["name"].tolist()

    def placement(self) -> np.ndarray:
        """Device of each block, shape (intervals, blocks), int32."""
        return self._read("placements", self._promised("placements"))

    def device_of(self, block: str) -> list[str]:
        """Names of the devices that held a block, one per interval."""
        names, index = self.device_names, self.block_names.index(block)
        return [names[device] for device in self.placement()[:, index].tolist()]

    def sequences(self) -> list[int]:
        """Numbers of the sequences that have tokens."""
        return np.unique(self.table("tokens")["sequence"]).tolist()

    def tokens_of(self, sequence: int, prompt: bool = False) -> np.ndarray:
        """Rows of /tokens of one sequence, in order: the sampled ones, or those of its prompt."""
        rows = self.table("tokens")
        return rows[(rows["sequence"] == sequence) & (rows["is_prompt"] == int(prompt))]

    def text_bytes(self, sequence: int) -> tuple[bytes, bytes] | None:
        """Prompt and continuation as they are; None before the sequence has ended. Empty if simulated."""
        rows = self.table("requests")
        for row in rows[rows["sequence"] == sequence]:
            start, split = int(row["text_offset"]), int(row["prompt_bytes"])
            text = self._text_pool[start:start + int(row["text_length"])]
            return text[:split], text[split:]
        return None

    def text(self, sequence: int) -> tuple[str, str] | None:
        """The same as str; what is not UTF-8 is replaced."""
        parts = self.text_bytes(sequence)
        return None if parts is None else (_text(parts[0]), _text(parts[1]))

    def latency(self) -> np.ndarray:
        """A row per sampled token, in the order of /tokens: sequence, position, end (ns), step_ns (the step
        that yielded it), latency_ns (since the sequence's token before, migrations included; -1 for its
        first), interval (id)."""
        rows = self.table("tokens")
        intervals = np.searchsorted(self._commits["rows_tokens"], np.arange(len(rows)), side="right")
        chosen = rows["is_prompt"] == 0
        sampled = rows[chosen]
        result = np.zeros(len(sampled), [(c, "i8") for c in (
            "sequence", "position", "end", "step_ns", "latency_ns", "interval")])
        for column in ("sequence", "position", "end"):
            result[column] = sampled[column]
        result["step_ns"] = sampled["end"] - sampled["start"]
        result["interval"] = intervals[chosen]
        result["latency_ns"] = -1
        for sequence in np.unique(sampled["sequence"]):
            own = np.flatnonzero(sampled["sequence"] == sequence)
            result["latency_ns"][own[1:]] = np.diff(sampled["end"][own])
        return result

    def by_device(self, column: str) -> np.ndarray:
        """A column of /resources as shape (intervals, devices); 0 where there is no row."""
        rows = self.table("resources")
        result = np.zeros((len(self), len(self.table("devices"))), rows.dtype[column])
        result[rows["interval"], rows["device"]] = rows[column]
        return result

    def memory(self) -> dict[str, np.ndarray]:
        """B, each of shape (intervals, devices): `used` at the interval's end, `peak` within, `budget`."""
        return {name: self.by_device(f"memory_{name}_bytes") for name in ("used", "peak", "budget")}


def open_trace(path) -> Trace:
    """Raises TraceError, with the file's name and what to do, if it is no trace that can be read."""
    return Trace(path)


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2) or arguments[0].startswith("-"):
        print(__doc__.strip(), file=sys.stdout if arguments[:1] == ["--help"] else sys.stderr)
        return 0 if arguments[:1] == ["--help"] else 2
    try:
        trace = open_trace(arguments[0])
        if len(arguments) == 1:
            for name in trace.names:
                print(f"{name:<12}{len(trace.table(name)):>9}  {trace.description(name)}")
        elif arguments[1] == "scenario":
            sys.stdout.write(trace.scenario_text)
        else:
            rows = trace.table(arguments[1])
            print("\t".join(f"{c} [{u}]" for c, u in trace.units(arguments[1]).items()))
            columns = list(trace.units(arguments[1]))
            for row in rows:
                print("\t".join(str(row[c]) for c in columns))
    except TraceError as error:
        print(f"headroom_trace: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
