"""SQL over an archive: DuckDB, in memory, over the parts as they are, read-only.

Each line is read as one column and taken apart by its JSON. DuckDB's own `read_ndjson` is not used: it stops at a
legal entry with half a surrogate pair, or turns it into NULLs where it is told to ignore errors.
"""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from mulesoft_audit.errors import ArchiveError, UsageError
from mulesoft_audit.ledger.batch import LINE_LIMIT
from mulesoft_audit.times import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mulesoft_audit.ledger.names import Names
    from mulesoft_audit.ledger.registry import Known

T = TypeVar("T")

MEMORY = "1GB"
TO_STOP = 2.0  #: seconds that a call of DuckDB gets to end after Ctrl-C
#: The only kinds of node a statement may have. A WITH may also hold a COPY, INSERT or DELETE (DuckDB 2.0).
READING = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})

# An escape of half a surrogate pair is legal JSON and no text: it is left out. What precedes it in the pattern is kept:
# an escaped backslash, and a whole pair. Control characters between tokens are blanks to JSON; in texts, too, here.
_HALF = r"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
#: What the views read of an entry, in the order of the list `fields`; then what they read of its parts.
_FIELDS = (
    *("timestamp", "platform", "action", "subaction", "userName", "userId", "clientName", "clientId", "failed"),
    *("anypointTransactionId", "environmentName", "environmentId"),
)
_BELOW = ("payload", "objects", "properties", "objectType", "objectName", "objectId", "parentId")
_PATHS = ", ".join(f"'$.{name}'" for name in _FIELDS)
_TWICE = "|".join(f",{name},.*,{name}," for name in (*_FIELDS, *_BELOW))

# Of a name given twice the last counts; DuckDB takes the first. To look through all names of an entry costs more than
# all else, so that what the views read is asked for alone, and the rest where `entry` itself is.
_MACROS = rf"""
create macro readable(line) as case when json_valid(line) then line
    else regexp_replace(regexp_replace(line, '{_HALF}', '\1', 'g'), '[\x00-\x1f]', ' ', 'g') end;
create macro last_counts(j) as case when len(json_keys(j)) = len(list_distinct(json_keys(j))) then j else
    ('{{' || array_to_string(list_transform(list_distinct(json_keys(j)), lambda name: to_json(name)::varchar || ':' ||
        list_reverse(json_extract(j, '$.*'))[list_position(list_reverse(json_keys(j)), name)]::varchar), ',')
    || '}}')::json end;
create macro sound(j) as case
    when regexp_matches(',' || array_to_string(json_keys(j), ',,') || ',', '{_TWICE}', 's')
    then last_counts(j::json)::varchar else j end;
create macro as_list(j) as case json_type(j) when 'ARRAY' then json_extract(j, '$[*]')
    when 'OBJECT' then [j] else [] end;
create macro things_of(j) as list_transform(
    list_filter(as_list(j), lambda one: json_type(one) = 'OBJECT'), lambda one: sound(one)::json);
create macro place_of(name, id) as coalesce(nullif(name, ''), nullif(id, ''));
create macro thing_place(j) as place_of(j->>'$.environmentName', j->>'$.environmentId');
create macro time_of(stamp, day) as case
    when try(epoch_ms(try_cast(try_cast(stamp as double) as bigint))) between day and day + interval 1 day
        then epoch_ms(try_cast(try_cast(stamp as double) as bigint))
    when try_cast(stamp as timestamp) between day and day + interval 1 day then try_cast(stamp as timestamp)
    else day end;
"""


def _field(name: str) -> str:
    return f"fields[{_FIELDS.index(name) + 1}]"


_PLACE = r"/([^/]+)/(\d{4})/(\d{2})/(\d{2})/[^/]+$"
_VIEWS = rf"""
create view parsed as select
    regexp_extract(filename, '{_PLACE}', 1) as organization,
    make_timestamp(regexp_extract(filename, '{_PLACE}', 2)::bigint, regexp_extract(filename, '{_PLACE}', 3)::bigint,
        regexp_extract(filename, '{_PLACE}', 4)::bigint, 0, 0, 0) as day,
    readable(line) as line from lines;
create view sounded as select organization, day, line, sound(line) as text from parsed;
create view named as select organization, day, line, json_extract_string(text, [{_PATHS}]) as fields,
    json_extract(text, ['$.payload', '$.objects']) as below from sounded;
create view timed as select time_of({_field("timestamp")}, day) as time, *,
    sound(below[1]) as payload, things_of(below[2]) as things from named;
create view whole as select
    time, organization, organizations.name as organization_name,
    {_field("platform")} as platform,
    {_field("action")} as action,
    coalesce(nullif(payload->>'$.subaction', ''), {_field("subaction")}) as subaction,
    {_field("userName")} as user_name,
    {_field("userId")} as user_id,
    {_field("clientName")} as client_name,
    {_field("clientId")} as client_id,
    things[1]->>'$.objectType' as object_type,
    things[1]->>'$.objectName' as object_name,
    things[1]->>'$.objectId' as object_id,
    coalesce(list_filter(list_transform(things, lambda one: thing_place(one)), lambda one: one is not null)[1],
        place_of({_field("environmentName")}, {_field("environmentId")})) as environment,
    coalesce(lower({_field("failed")}) = 'true', false) or coalesce(lower(coalesce(nullif(payload->>'$.subaction', ''),
        {_field("subaction")})) like '%failure', false) as failed,
    payload->>'$.properties.clientIP' as ip,
    {_field("anypointTransactionId")} as transaction,
    last_counts(line::json) as entry,
    things
    from timed left join organizations on organization = organizations.id
    where time >= since() and time < until();
create view entries as select * exclude (things) from whole;
create view objects as select time, organization, organization_name, platform, action, subaction, user_name,
    client_name, failed, thing->>'$.objectType' as object_type, thing->>'$.objectName' as object_name,
    thing->>'$.objectId' as object_id, thing->>'$.parentId' as parent_id,
    thing_place(thing) as environment, entry from (select *, unnest(things) as thing from whole);
"""  # noqa: S608 - made of constants


@contextmanager
def connected(
    files: Sequence[tuple[Path, int]], since: int, until: int, organizations: dict[str, Known], names: Names
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database with the views `entries` and `objects` and the table `organizations`.

    Nothing but the files can be reached from it, and no setting changed.

    Args:
        files: parts, each with the length of its longest line if that is beyond a part's limit.
        since: Unix ms.
        until: Unix ms.
        organizations: of the archive, by id.
        names: what they are called.
    """
    with tempfile.TemporaryDirectory(prefix="mulesoft-audit-") as folder, _database() as connection:
        made = [
            (one, names.of(one), known.parent or None, _timestamp(known.since)) for one, known in organizations.items()
        ]
        longest = max((size for _, size in files), default=0)
        paths = _reachable([path for path, _ in files], Path(folder))
        views = _MACROS + _lines(paths, max(longest, LINE_LIMIT) + 2) + _VIEWS

        def prepare() -> None:
            connection.execute(f"set memory_limit = '{MEMORY}'; set preserve_insertion_order = false")
            connection.execute(f"set temp_directory = {_quoted(folder)}")
            connection.execute("create table organizations (id varchar, name varchar, parent varchar, since timestamp)")
            connection.executemany("insert into organizations values (?, ?, ?, ?)", made)
            connection.execute(f"create macro since() as {_moment(since)}; create macro until() as {_moment(until)}")
            connection.execute(views)
            connection.execute(f"set allowed_paths = [{', '.join(map(_quoted, paths))}]")
            connection.execute("set enable_external_access = false; set lock_configuration = true")

        interruptible(connection, prepare)
        yield connection


@contextmanager
def _database() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    try:
        yield connection
    finally:
        connection.interrupt()  # rows that nobody fetched may still be in the making: closing waits for them
        with suppress(duckdb.Error):  # it is still at work, and ends with this process
            connection.close()


def _lines(paths: list[str], longest: int) -> str:
    if not paths:
        return "create view lines as select '' as line, '' as filename where false;"
    return f"""create view lines as select line, filename from read_csv([{", ".join(map(_quoted, paths))}],
        columns = {{'line': 'varchar'}}, delim = '\x01', quote = '', escape = '', comment = '', header = false,
        auto_detect = false, filename = true, compression = 'gzip', max_line_size = {longest},
        buffer_size = {4 * longest});"""  # noqa: S608 - the paths are quoted


def _reachable(paths: list[Path], folder: Path) -> list[str]:
    """Return the paths as DuckDB takes them: none with a character that it takes for a pattern."""
    if not any(set("*?[") & set(str(path)) for path in paths):
        return [str(path.absolute()) for path in paths]
    link = folder / "archive"
    root = paths[0].parents[5]
    link.symlink_to(root.absolute())
    return [str(link / path.relative_to(root)) for path in paths]


def _quoted(text: str | Path) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _moment(milliseconds: int) -> str:
    return f"timestamp '{iso(milliseconds)[:-1]}'"


def _timestamp(milliseconds: int) -> str | None:
    return iso(milliseconds)[:-1] if milliseconds else None


def run(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
    """Run one SELECT; its rows are to be fetched from what is returned.

    Raises:
        UsageError: it is no SELECT, or DuckDB does not understand it.
        ArchiveError: a part cannot be read.
    """
    with failures():
        parse = "select json_serialize_sql(?::varchar)"
        said = json.loads(interruptible(connection, lambda: _first(connection.execute(parse, [sql]))))
        if said.get("error"):
            raise _not_a_select(said["error_message"] if said.get("error_type") == "parser" else "")
        nodes = {kind for kind in _kinds(said) if kind.endswith("_NODE")}
        if len(said["statements"]) != 1 or not nodes <= READING:
            raise _not_a_select("")
        return interruptible(connection, lambda: connection.execute(sql))


def interruptible(connection: duckdb.DuckDBPyConnection, call: Callable[[], T]) -> T:
    """Return what a call of DuckDB returns; Ctrl-C ends it at once.

    In the main thread DuckDB would look for signals between its own steps, of which one may last for ever.
    """
    pool = ThreadPoolExecutor(1)
    found = pool.submit(call)
    try:
        return found.result()
    except KeyboardInterrupt:
        connection.interrupt()
        wait([found], TO_STOP)
        raise
    finally:
        pool.shutdown(wait=False)


def _not_a_select(reason: str) -> UsageError:
    return UsageError(
        f"The SQL cannot be run: {reason or 'it is not one SELECT'}.".replace("..", "."),
        "It reads the views entries and objects; `mulesoft-audit query` shows their columns.",
    )


def _first(result: Any) -> str:  # noqa: ANN401 - DuckDB's
    return str(result.fetchone()[0])


def _kinds(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        kind = node.get("type")
        if isinstance(kind, str):
            yield kind
        for value in node.values():
            yield from _kinds(value)
    elif isinstance(node, list):
        for value in node:
            yield from _kinds(value)


@contextmanager
def failures() -> Iterator[None]:
    """Say in this package's words what DuckDB refuses.

    Raises:
        UsageError: the SQL is at fault.
        ArchiveError: a part is, or memory.
    """
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise ArchiveError(
            f"The query could not be run to its end: {_brief(error)}",
            f"It may use {MEMORY} of memory and the folder for temporary files; --since and --org make it smaller.",
        ) from None
    except duckdb.Error as error:
        raise UsageError(
            f"The SQL cannot be run: {_brief(error)}",
            "It reads the views entries and objects; `mulesoft-audit query` shows their columns.",
        ) from None


def _brief(error: Exception) -> str:
    said = str(error).split("\n\nLINE", 1)[0].strip().rstrip(".")
    return said if said.endswith(("?", "!")) else f"{said}."
