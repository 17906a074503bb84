#!/usr/bin/python3
"""Reads traces of headroom: every table as a NumPy structured array, and figures that are often needed.

    import headroom_trace
    trace = headroom_trace.open_trace("demo.h5")
    tokens = trace.table("tokens")                    # docs/reference/trace.md describes the columns;
    print(trace.units("tokens")["end"])               # times are virtual nanoseconds
    latencies = trace.latency()                       # time per sampled token
    frame = trace.frame("intervals")                  # a pandas DataFrame, if pandas is installed

Reads traces of schema versions 3 to 5, of runs that are still running, were killed or have ended. A Trace
contains the rows that were committed when it was opened, even if the run adds rows later.
Debian packages: python3-h5py python3-numpy (for frames also python3-pandas).

usage: headroom_trace.py TRACE              the tables and their numbers of rows
       headroom_trace.py TRACE scenario     the resolved scenario, as TOML
       headroom_trace.py TRACE TABLE        one table, with tabs between its columns
exit codes: 0 success, 2 bad input, 3 environment
"""
import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys
import time
import tomllib
from functools import cached_property

try:
    import h5py
    import numpy as np
except ImportError as missing:
    raise ImportError(f"headroom_trace needs h5py and numpy, and {sys.executable} has no {missing.name}; on Debian "
                      "install python3-h5py and python3-numpy, and use /usr/bin/python3") from None

OLDEST_VERSION, NEWEST_VERSION = 3, 5
NEVER = 2**63 - 1  # "never" or "unlimited" in integer columns
STATIC = ("devices", "links", "blocks", "model", "layers", "prompts", "input_files")
GROWING = ("resources", "link_state", "migrations", "turns", "tokens", "requests", "ops", "messages",
           "events")
POOLS = ("scenario", "input_pool", "text_pool")
WITH_OPS, SINCE_VERSION_4 = ("ops", "messages"), ("model", "layers", "prompts")
# COLUMNS lists the columns that the functions below and scripts/report read. All have integers except these:
TEXTS, REALS = {"name"}, {"paper_delay_s", "paper_migration_s"}
COLUMNS = {
    "devices": "name compute_flop_per_s memory_bytes memory_bandwidth_bytes_per_s storage_bandwidth_bytes_per_s "
               "buffer_bytes is_source",
    "links": "from to bandwidth_bytes_per_s latency_ns",
    "blocks": "name kind layer group weight_bytes",
    "model": "layers heads kv_heads width ffn_width vocabulary context",
    "layers": "q k v o gate up down",
    "prompts": "prompt position id",
    "input_files": "path_offset path_length contents_offset contents_length",
    "intervals": "epoch sequence first_token t_dec t_switch t_resume t_end tokens predicted_inference_ns "
                 "measured_inference_ns predicted_migration_ns measured_migration_ns in_flight waiting batch "
                 "predicted_round_ns kept_inference_ns paper_delay_s paper_migration_s decision_wall_ns moves feasible "
                 "policy reason rows_placements rows_text_pool " + " ".join("rows_" + name for name in GROWING),
    "resources": "interval device compute_flop_per_s memory_budget_bytes memory_used_bytes memory_peak_bytes busy_ns "
                 "paged_bytes",
    "link_state": "interval from to bandwidth_bytes_per_s latency_ns bytes",
    "migrations": "interval block from to bytes loaded_bytes start end",
    "turns": "turn epoch sequence slot round batch first tokens samples seen_tokens start end",
    "tokens": "sequence position id start end is_prompt",
    "requests": "sequence slot arrival begin first_token end prompt_tokens sampled_tokens prompt_bytes text_offset "
                "text_length",
    "ops": "turn device block start end",
    "messages": "turn from to kind layer bytes begin arrival",
    "events": "at kind device value text_offset text_length",
}
# Columns of ids -> the table that they refer to. -1 means none; it is not allowed for `interval`.
ID_TARGETS = {"device": "devices", "from": "devices", "to": "devices", "block": "blocks", "interval": "intervals"}
FILTERS = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
MAX_DATASET_BYTES = 1 << 30  # a run of days has less
# The exceptions that h5py raises for damaged files, and Python for damaged values.
FAULTS = (OSError, RuntimeError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)


class TraceError(Exception):
    """A file that cannot be read as a trace. The message names the file, the reason and a remedy. `code` is the exit
    code: 2 if the file is wrong, 3 if the machine lacks something, such as memory."""

    def __init__(self, text: str, code: int = 2):
        super().__init__(text)
        self.code = code


def _code(error) -> int:
    return 3 if getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE, errno.ENOMEM) else 2


def is_being_written(path) -> bool:
    """Whether a running program writes the file: it holds a lock or, if there are no locks, is alive (Linux)."""
    with open(path, "rb") as file:
        request = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 1, 0)
        try:
            answer = fcntl.fcntl(file, getattr(fcntl, "F_OFD_GETLK", 36), request)
            if struct.unpack("hhqqi4x", answer)[0] == fcntl.F_WRLCK:
                return True
        except OSError:
            pass  # this file system has no locks
    return _writer_lives(path)


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().rstrip("\n")
    except OSError:
        return ""


def _writer_lives(path) -> bool:
    """Whether the writer that the file PATH.writer names is alive. A writer without a lock makes this file with its
    host, the host's boot id, the process namespace, the process id and its start time. A writer on another host is
    alive if the trace grows within 5 s."""
    try:
        with open(f"{path}.writer", encoding="utf-8", errors="replace") as file:
            title, *lines = file.read(1024).split("\n")
    except OSError:
        return False
    if not title.startswith("headroom writes the trace") or len(lines) < 5:
        return False
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = "?"
    if lines[:3] == [socket.gethostname(), _first_line("/proc/sys/kernel/random/boot_id"), namespace]:
        fields = _first_line(f"/proc/{lines[3]}/stat").rpartition(")")[2].split()
        return len(fields) > 19 and fields[0] not in "ZX" and fields[19] == lines[4]

    def state():
        try:
            with open(path, "rb") as file:
                status = os.fstat(file.fileno())
                return status.st_size, status.st_mtime_ns
        except OSError:
            return None
    before, end = state(), time.monotonic() + 5
    while time.monotonic() < end:
        time.sleep(0.1)
        if state() != before:
            return True
    return False


def _check_signature(path) -> None:
    try:
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
            raise TraceError(f"{path}: is no ordinary file; expected a trace that headroom has written")
        with open(path, "rb") as file:
            start = file.read(8)
    except (OSError, ValueError) as error:
        raise TraceError(f"{path}: cannot be opened: {getattr(error, 'strerror', None) or error}",
                         _code(error)) from None
    if not start:
        raise TraceError(f"{path}: is empty; expected a trace that headroom has written")
    if start != b"\x89HDF\r\n\x1a\n":
        raise TraceError(f"{path}: is not an HDF5 file; expected a trace that headroom has written")


def _opened(path: str) -> h5py.File:
    """Opens a file that another program may be writing. By default HDF5 tries to read damaged metadata a hundred times
    and doubles the wait each time, so it never ends. 27 attempts take a tenth of a second; a live writer needs less.
    h5py cannot set this limit, but the HDF5 library can."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_LATEST, h5py.h5f.LIBVER_LATEST)
    try:
        limit = ctypes.CDLL(h5py.h5p.__file__).H5Pset_metadata_read_attempts
        limit(ctypes.c_int64(access.id), ctypes.c_uint(27))
    except (AttributeError, OSError):
        pass  # the library hides its functions; undamaged files can still be read
    flags = h5py.h5f.ACC_RDONLY | h5py.h5f.ACC_SWMR_READ
    try:
        return h5py.File(h5py.h5f.open(os.fsencode(path), flags, fapl=access))
    except OSError as error:
        # Go on only if the file system has no locks, not if another program holds a lock.
        unlockable = "unable to lock" in str(error) and error.errno not in (errno.EAGAIN, errno.EACCES)
        if not unlockable or not hasattr(access, "set_file_locking"):
            raise
    access.set_file_locking(False, True)
    return h5py.File(h5py.h5f.open(os.fsencode(path), flags, fapl=access))


def _plain(value):
    """The value of an attribute as text, number, or a list of these."""
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, str):  # replaces bytes that are not UTF-8
        return _text(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, np.ndarray):
        return [_plain(part) for part in value.ravel().tolist()]
    return value.item() if hasattr(value, "item") else value


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


class Trace:
    """One trace; tables are read when they are first used. Ids are row numbers of the static tables; -1 is none.

    Members: path; attributes of the file (text or int); schema_version; completion, which says how the run
    ended ("running" also after a kill, see `status`); scenario_text; names, the tables in the file.
    """

    def __init__(self, path):
        self.path = str(path)
        _check_signature(self.path)
        try:
            self._file = _opened(self.path)
        except FAULTS as error:
            if "unable to lock" in str(error):
                raise TraceError(f"{self.path}: HDF5 cannot lock it ({error}): a run may just be beginning it, so try "
                                 "again; on a file system without locks set HDF5_USE_FILE_LOCKING=FALSE") from None
            raise TraceError(f"{self.path}: is a truncated or damaged HDF5 file ({error})", _code(error)) from None
        try:
            self._begin()
        except BaseException:
            self._file.close()
            raise

    def _damaged(self, what: str) -> TraceError:
        return TraceError(f"{self.path}: is damaged: {what}; copy it again, or run again")

    def _begin(self) -> None:
        try:
            self.attributes = {key: _plain(value) for key, value in self._file.attrs.items()}
        except FAULTS as error:
            raise TraceError(f"{self.path}: is a truncated or damaged HDF5 file ({error})", _code(error)) from None
        self.schema_version = self.attributes.get("schema_version")
        if not isinstance(self.schema_version, int):
            raise TraceError(f"{self.path}: is an HDF5 file, but not a trace of headroom: it has no "
                             "schema_version")
        if not OLDEST_VERSION <= self.schema_version <= NEWEST_VERSION:
            raise TraceError(f"{self.path}: has schema version {self.schema_version}; this module reads "
                             f"versions {OLDEST_VERSION} to {NEWEST_VERSION}")
        self._tables, self._checked = {}, {}
        self._commits = self._committed()  # read first, because the other tables may grow meanwhile
        names, code = self.codes("complete"), self._read("complete", 1)[0]
        if not 0 <= code < len(names):
            raise self._damaged(f"/complete has the unknown code {code}")
        self.completion = names[int(code)]
        self.scenario_text = _text(self._read("scenario").tobytes())
        self.names = tuple(n for n in STATIC + ("intervals",) + GROWING if self._has(n))

    def _has(self, name: str) -> bool:
        """Whether the file has the table. Raises TraceError if a table is missing that every trace has."""
        optional = name in WITH_OPS or (name in SINCE_VERSION_4 and self.schema_version < 4)
        try:
            expected = name in self._file or not optional
        except FAULTS as error:
            raise self._damaged(str(error)) from None
        if expected:
            self._dataset(name)
        return expected

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    # Tables

    def _dataset(self, name: str):
        """The dataset, after checks: its rows lie in this file, it has the form that the writer gives it, and it is not
        larger than the file allows."""
        if name in self._checked:
            return self._checked[name]
        try:
            # Do not list the datasets of the file: for a damaged file HDF5 1.10 may then end the program.
            link = self._file.get(name, getlink=True)
            if link is None:
                raise self._damaged(f"it has no /{name}")
            if not isinstance(link, h5py.HardLink):
                raise self._damaged(f"/{name} is a link, expected a dataset")
            dataset = self._file[name]
            if not isinstance(dataset, h5py.Dataset):
                raise self._damaged(f"/{name} is no dataset")
            self._check_storage(name, dataset)
            self._check_form(name, dataset)
        except FAULTS as error:
            raise self._damaged(f"/{name} cannot be opened ({error})") from None
        self._checked[name] = dataset
        return dataset

    def _check_storage(self, name: str, dataset) -> None:
        plan = dataset.id.get_create_plist()
        if plan.get_layout() not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED) \
                or plan.get_external_count():
            raise self._damaged(f"/{name} is stored in another file, expected it in this file")
        filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
        if any(kind not in FILTERS for kind in filters):
            raise self._damaged(f"/{name} has a compression filter that no trace has")
        limit = MAX_DATASET_BYTES if filters else max(os.path.getsize(self.path), 1 << 20)
        if dataset.size * dataset.dtype.itemsize > min(limit, MAX_DATASET_BYTES):
            raise self._damaged(f"/{name} claims to be larger than the file")

    def _check_form(self, name: str, dataset) -> None:
        kind, rank = dataset.dtype, 2 if name == "placements" else 1
        if dataset.shape is None or len(dataset.shape) != rank:
            raise self._damaged(f"/{name} has no {'rows and columns' if rank == 2 else 'rows'}")
        if name in POOLS:
            if kind != np.uint8:
                raise self._damaged(f"/{name} is no text but {kind}")
        elif name not in COLUMNS:
            if kind.kind != "i":
                raise self._damaged(f"/{name} has {kind}, expected integers")
        else:
            for column in COLUMNS[name].split():
                wanted = "S" if column in TEXTS else "f" if column in REALS else "iu"
                found = kind[column] if column in (kind.names or ()) else None
                if found is None or found.kind not in wanted:
                    raise self._damaged(f"/{name} has no column {column} of the right type")
            if any(kind[column].kind not in "iufS" for column in kind.names):
                raise self._damaged(f"/{name} has columns of types that no trace has")

    def _read(self, name: str, rows: int | None = None):
        dataset = self._dataset(name)
        try:
            dataset.refresh()  # HDF5 may have cached an older state of the file for another Trace
            data = dataset[:] if rows is None else dataset[:rows]
        except MemoryError:
            raise TraceError(f"{self.path}: this computer has not enough memory for /{name}", 3) from None
        except FAULTS as error:
            raise self._damaged(f"/{name} cannot be read ({error})") from None
        if rows is not None and len(data) < rows:
            raise self._damaged(f"/{name} has {len(data)} rows, but {rows} are committed")
        return data

    def _committed(self) -> np.ndarray:
        """The rows of /intervals that were committed."""
        rows = self._read("intervals")
        complete = rows["rows_placements"] == np.arange(1, len(rows) + 1)
        rows = rows[:len(rows) if complete.all() else int(np.argmin(complete))]
        for column in ("rows_" + name for name in GROWING + ("text_pool",)):
            counts = rows[column].astype("i8")
            if len(counts) and (counts[0] < 0 or (counts[1:] < counts[:-1]).any()):
                raise self._damaged(f"{column} of /intervals does not grow")
        return rows

    def _committed_rows(self, name: str) -> int:
        return int(self._commits[-1]["rows_" + name]) if len(self._commits) else 0

    def table(self, name: str) -> np.ndarray:
        """All committed rows, shape (rows,). Names are str. If rows refer to texts in a pool, the texts are additional
        columns of str (requests and events: text; input_files: path, contents)."""
        if name not in self._tables:
            if name not in self.names:
                raise TraceError(f"{self.path}: has no table {name!r}; it has {', '.join(self.names)}")
            if name == "intervals":
                rows = self._commits
            else:
                rows = self._read(name, None if name in STATIC else self._committed_rows(name))
            self._check_ids(name, rows)
            self._tables[name] = self._with_texts(name, rows)
        return self._tables[name]

    def _check_ids(self, name: str, rows: np.ndarray) -> None:
        for column, target in ID_TARGETS.items():
            if column not in rows.dtype.names or name == target:
                continue
            count = len(self._commits) if target == "intervals" else len(self._dataset(target))
            values = rows[column].astype("i8")
            if len(values) and (values.min() < (0 if target == "intervals" else -1) or values.max() >= count):
                wrong = values[(values < -1) | (values >= count) | ((values < 0) & (target == "intervals"))][0]
                raise self._damaged(f"/{name} names {column} {wrong}, and there are {count}")

    @cached_property
    def _text_pool(self) -> bytes:
        return self._read("text_pool", self._committed_rows("text_pool")).tobytes()

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
            spans = list(zip(rows[column + "_offset"].tolist(), rows[column + "_length"].tolist()))
            if any(offset < 0 or length < 0 or offset + length > len(pool) for offset, length in spans):
                raise self._damaged(f"texts of /{name} lie outside of the pool")
            result[column] = [_text(pool[offset:offset + length]) for offset, length in spans]
        return result

    def units(self, name: str) -> dict[str, str]:
        """The unit of each column: ns, s, B, B/s, FLOP/s, 1, id, code, hash or text."""
        columns = self._dataset(name).dtype.names or (name,)
        units = self._attribute(name, "units")
        if not isinstance(units, list) or len(units) != len(columns):
            raise self._damaged(f"/{name} has no unit for each column")
        return dict(zip(columns, units))

    def _attribute(self, name: str, attribute: str, otherwise=None):
        try:
            attributes = self._dataset(name).attrs
            return _plain(attributes[attribute]) if attribute in attributes else otherwise
        except FAULTS as error:
            raise self._damaged(f"the attribute {attribute} of /{name} cannot be read ({error})") from None

    def description(self, name: str) -> str:
        """One sentence that says what a row of the table is."""
        return str(self._attribute(name, "description", ""))

    def codes(self, name: str, column: str | None = None) -> list[str]:
        """The names of the codes of a column of unit code; the code is the index. Empty if the file has none."""
        names = self._attribute(name, "codes" if column is None else f"{column}_codes", [])
        if not isinstance(names, list) or not all(isinstance(text, str) for text in names):
            raise self._damaged(f"the codes of /{name} have no names")
        return names

    def named(self, name: str, column: str) -> np.ndarray:
        """The values of a column of codes as names (str); a code without a name is given as its number."""
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

    # Figures that are often needed

    def __len__(self) -> int:
        """The number of committed intervals, each of which has one decision."""
        return len(self._commits)

    def policy_versions(self) -> list[str]:
        """For each interval, the version of the policy that decided. Each part of a resumed run has its own. Programs
        that did not record versions had version 1 of every policy."""
        part, versions = 1, []
        for interval, reason in enumerate(self.named("intervals", "reason")):
            part += interval > 0 and reason == "resumed"
            name = "policy_version" if part == 1 else f"part_{part}_policy_version"
            versions.append(str(self.attributes.get(name, "1")))
        return versions

    @cached_property
    def status(self) -> str:
        """As `completion`, but "killed" for a run that ended without closing its trace."""
        dead = self.completion == "running" and not is_being_written(self.path)
        return "killed" if dead else self.completion

    @cached_property
    def scenario(self) -> dict:
        """The resolved scenario, parsed."""
        try:
            return tomllib.loads(self.scenario_text)
        except (ValueError, RecursionError) as error:
            raise self._damaged(f"its scenario is no TOML ({error})") from None

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
        rows = self._read("placements", self._committed_rows("placements"))
        blocks, devices = len(self._dataset("blocks")), len(self._dataset("devices"))
        if rows.shape[1] != max(blocks, 1):
            raise self._damaged("/placements has not one column per block")
        if rows.size and blocks and (rows.min() < -1 or rows.max() >= devices):
            raise self._damaged("/placements names devices that there are not")
        return rows

    def device_of(self, block: str) -> list[str]:
        """The name of the device that held the block in each interval."""
        names, index = self.device_names, self.block_names.index(block)
        return [names[device] for device in self.placement()[:, index].tolist()]

    def sequences(self) -> list[int]:
        """The ids of the sequences that have tokens."""
        return np.unique(self.table("tokens")["sequence"]).tolist()

    def tokens_of(self, sequence: int, prompt: bool = False) -> np.ndarray:
        """The rows of /tokens of one sequence in order: its sampled tokens, or those of its prompt."""
        rows = self.table("tokens")
        return rows[(rows["sequence"] == sequence) & (rows["is_prompt"] == int(prompt))]

    def text_bytes(self, sequence: int) -> tuple[bytes, bytes] | None:
        """The bytes of prompt and continuation. None before the sequence has ended; empty in a simulated trace."""
        rows = self.table("requests")
        for row in rows[rows["sequence"] == sequence]:
            start, split = int(row["text_offset"]), int(row["prompt_bytes"])
            text = self._text_pool[start:start + int(row["text_length"])]
            return text[:split], text[split:]
        return None

    def text(self, sequence: int) -> tuple[str, str] | None:
        """As text_bytes(), but as str; bytes that are not UTF-8 are replaced."""
        parts = self.text_bytes(sequence)
        return None if parts is None else (_text(parts[0]), _text(parts[1]))

    def latency(self) -> np.ndarray:
        """One row for each sampled token, in the order of /tokens: sequence, position, end (ns), step_ns (time of the
        step that yielded the token), latency_ns (time since the previous token of the sequence, migrations included;
        -1 for its first token), interval (id)."""
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
        """A column of /resources as an array of shape (intervals, devices); 0 where there is no row."""
        rows = self.table("resources")
        result = np.zeros((len(self), len(self.table("devices"))), rows.dtype[column])
        result[rows["interval"], rows["device"]] = rows[column]
        return result

    def busy(self) -> np.ndarray:
        """The time in ns that each device computed between an interval's decision and its end, shape (intervals,
        devices); never more than the interval's time. `busy_ns` counts an operation in the interval in which the
        device reported it, though the operation may have run in another one. With /ops, operations are divided at the
        borders of intervals. Without /ops, time that exceeds its interval is moved to the next interval with free
        time, and at the end of the run to the last one."""
        begin, end = self._commits["t_dec"], self._commits["t_end"]
        if "ops" in self.names:
            return self._busy_from_operations(begin, end)
        busy = self.by_device("busy_ns")
        available = np.maximum(end - begin - (self._commits["t_resume"] - self._commits["t_switch"]), 0)
        excess = np.zeros(busy.shape[1], busy.dtype)
        for i in [*range(len(busy)), *reversed(range(len(busy)))]:
            total = busy[i] + excess
            busy[i] = np.minimum(total, available[i])
            excess = total - busy[i]
        return busy

    def _busy_from_operations(self, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        ops, devices = self.table("ops"), len(self.table("devices"))
        busy = np.zeros((len(self), devices), np.int64)
        first = np.searchsorted(end, ops["start"], side="right")
        last = np.searchsorted(begin, ops["end"], side="left")  # exclusive
        longest = int((last - first).max(initial=0))
        for step in range(longest):  # most operations lie within one interval
            chosen = first + step < last
            i, part = first[chosen] + step, ops[chosen]
            within = np.minimum(part["end"], end[i]) - np.maximum(part["start"], begin[i])
            np.add.at(busy, (i, part["device"]), np.maximum(within, 0))
        return busy

    def memory(self) -> dict[str, np.ndarray]:
        """Bytes, each of shape (intervals, devices): `used` at the interval's end, `peak` within it, `budget`."""
        return {name: self.by_device(f"memory_{name}_bytes") for name in ("used", "peak", "budget")}


def visible(text: str, stream) -> str:
    """The text for a stream. For a terminal, control characters and changes of the writing direction are escaped, as
    headroom does it; for files and pipes the text is unchanged."""
    if not stream.isatty():
        return text
    def shown(character: str) -> str:
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
            return f"\\x{code - 0xDC00:02x}"
        if code < 0x20 and character not in "\n\t":
            return f"\\x{code:02x}"
        changes_direction = 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
        return f"\\u{code:04x}" if 0x7F <= code < 0xA0 or changes_direction else character
    return "".join(map(shown, text))


def open_trace(path) -> Trace:
    """Opens a trace. Raises TraceError, which names the file and a remedy, if it cannot be read as a trace."""
    return Trace(path)


def _show(arguments: list[str]) -> None:
    trace = open_trace(arguments[0])
    if len(arguments) == 1:
        for name in trace.names:
            print(visible(f"{name:<12}{len(trace.table(name)):>9}  {trace.description(name)}", sys.stdout))
    elif arguments[1] == "scenario":
        sys.stdout.write(visible(trace.scenario_text, sys.stdout))
    else:
        rows = trace.table(arguments[1])
        units = trace.units(arguments[1])
        print(visible("\t".join(f"{c} [{u}]" for c, u in units.items()), sys.stdout))
        for row in rows:
            print(visible("\t".join(str(row[c]) for c in units), sys.stdout))
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2) or arguments[0].startswith("-"):
        print(__doc__.strip(), file=sys.stdout if arguments[:1] == ["--help"] else sys.stderr)
        return 0 if arguments[:1] == ["--help"] else 2
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "it is closed")
        _show(arguments)
    except TraceError as error:
        print(visible(f"headroom_trace: error: {error}", sys.stderr), file=sys.stderr)
        return error.code
    except MemoryError:
        print(visible(f"headroom_trace: error: {arguments[0]}: this computer has not enough memory to show it",
                      sys.stderr), file=sys.stderr)
        return 3
    except OSError as error:
        drop_output()
        if error.errno == errno.EPIPE:
            return 0  # the reader has closed the pipe
        print(f"headroom_trace: error: standard output could not be written: {error.strerror}", file=sys.stderr)
        return 3
    return 0


def drop_output() -> None:
    """Redirects standard output to /dev/null, so that Python does not try to write the rest when it exits."""
    if sys.stdout is not None:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
