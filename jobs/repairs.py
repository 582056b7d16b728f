"""What DBOS 3.4 does otherwise than we need it: each with its reason, all put in place by `apply`."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from dbos import DBOS
from dbos import _dbos as dbos_instance
from dbos import _serialization as dbos_serialization
from dbos import _sys_db as dbos_sys_db
from dbos import _workflow_commands as dbos_commands
from dbos._schemas import SCHEMA_PLACEHOLDER

from core.postgres import is_away

INTERNAL_QUEUE = "_dbos_internal_queue"
_AT_ONCE = 500
_SELDOM = 60.0
_usual_interval: float = dbos_commands._BACKGROUND_JOBS_INTERVAL_SEC


def apply() -> None:
    """Before each launch."""
    _let_log()
    dbos_serialization.DefaultSerializer.deserialize = _refuse_pickle  # type: ignore[method-assign]
    dbos_sys_db.retriable_postgres_exception = also_retriable  # type: ignore[attr-defined,assignment]
    dbos_instance.startup_recovery_thread = recover_at_once  # type: ignore[attr-defined,assignment]
    dbos_sys_db.SystemDatabase._execute_prepared = _execute_prepared  # type: ignore[method-assign,assignment]
    dbos_sys_db.SystemDatabase.get_queue_partitions = _partitions  # type: ignore[method-assign,assignment]


def rest(dbos: DBOS, *, alone: bool) -> None:
    """Before its launch: look once a minute for what no run of ours ever is, where DBOS does each second.

    In its internal queue, delayed, out of time. On Postgres it holds a transaction open between two looks for the last
    two: there they stay as they are.
    """
    dbos._registry.get_internal_queue()._polling_interval_sec = _SELDOM
    dbos_commands._BACKGROUND_JOBS_INTERVAL_SEC = _SELDOM if alone else _usual_interval


def _let_log() -> None:
    """Let the engine's lines go where ours go, masked as ours: by default it takes the stderr of its first launch."""
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [logging.NullHandler()]  # with any handler at all it makes none of its own
    logger.propagate = True


def _refuse_pickle(*_arguments: object, **_options: object) -> Any:
    raise ValueError("pickled workflow data is refused")


_retriable: Callable[[Exception], bool] = dbos_sys_db.retriable_postgres_exception  # type: ignore[attr-defined]


def also_retriable(error: Exception) -> bool:
    """DBOS 3.4 knows a lost connection by its words, and misses those of a unix socket and of a failing DNS.

    It knows nothing of an embedded database whose disk is full: its runs would end there, and be stranded.
    """
    return is_away(error) or _retriable(error)


_recover_each: Callable[..., None] = dbos_instance.startup_recovery_thread  # type: ignore[attr-defined]


def recover_at_once(dbos: DBOS, pending: Sequence[Any]) -> None:
    """Queue again what this executor was working on: DBOS does it in a transaction for each, which takes seconds."""
    mine = [dbos_instance.GlobalParams.executor_id]  # type: ignore[attr-defined]
    for start in range(0, len(pending), _AT_ONCE):
        some = pending[start : start + _AT_ONCE]
        try:
            requeue(dbos, [each.workflow_id for each in some], mine)
        except sa.exc.SQLAlchemyError:  # DBOS's own way tries again for as long as the database is away
            _recover_each(dbos, some)


def requeue(dbos: DBOS, workflows: Sequence[str], executors: Sequence[str]) -> None:
    """As DBOS's `reenqueue_for_recovery`, of many."""
    table = dbos._sys_db.tables.workflow_status
    mine = (table.c.workflow_uuid.in_(workflows), table.c.status == "PENDING", table.c.executor_id.in_(executors))
    queue = sa.func.coalesce(table.c.queue_name, INTERNAL_QUEUE)
    now = dbos._sys_db._now_ms_sql()
    values = {"status": "ENQUEUED", "owner_xid": None, "started_at_epoch_ms": None, "updated_at": now}
    with dbos._sys_db.engine.begin() as connection:
        connection.execute(sa.update(table).where(*mine).values(**values, queue_name=queue))


_partitions_each: Callable[..., list[str]] = dbos_sys_db.SystemDatabase.get_queue_partitions
_QUEUED = (
    "SELECT 1 FROM workflow_status"
    " WHERE queue_name = ? AND status = 'ENQUEUED' AND status IN ('ENQUEUED', 'PENDING') LIMIT 1"
)
"""Twice the status: only with the second, the words of DBOS's partial index, does SQLite take that."""


def _partitions(system: dbos_sys_db.SystemDatabase, queue_name: str) -> list[str]:
    """Whose runs are queued. DBOS builds a long statement for it at each look; that there are none is told cheaply."""
    if system._is_sqlite:
        with system.engine.begin() as connection:
            if connection.exec_driver_sql(_QUEUED, (queue_name,)).first() is None:
                return []
    return _partitions_each(system, queue_name)


_Compiled = tuple[str, list[tuple[str, Callable[[Any], Any]]], dict[str, Any]]
"""SQL, its parameters in order, each with what brings its values into the driver's form, and values of its own."""
_compiled: dict[tuple[str, tuple[str, ...]], _Compiled] = {}
_execute_each: Callable[..., Any] = dbos_sys_db.SystemDatabase._execute_prepared


def _execute_prepared(
    system: dbos_sys_db.SystemDatabase,
    connection: sa.Connection,
    name: str,
    values: dict[str, Any],
    build: Callable[[], Any],
    *,
    insert_columns: bool = True,
) -> Any:
    """DBOS compiles the statements that each clip needs once, but on SQLite anew for every clip."""
    if not system._is_sqlite or not isinstance(connection, sa.Connection):
        return _execute_each(system, connection, name, values, build, insert_columns=insert_columns)
    key = (name, tuple(values))
    if key not in _compiled:
        _compiled[key] = _compile(build(), connection.dialect, list(values) if insert_columns else None)
    sql, binds, constants = _compiled[key]
    given = constants | values
    return connection.exec_driver_sql(sql, tuple(process(given[bind]) for bind, process in binds))


def _compile(statement: Any, dialect: sa.Dialect, columns: list[str] | None) -> _Compiled:
    made = statement.compile(
        dialect=dialect,
        column_keys=columns,
        schema_translate_map={SCHEMA_PLACEHOLDER: None},
        render_schema_translate=True,
    )
    kinds = {bind: made.binds[bind].type.dialect_impl(dialect) for bind in made.positiontup}
    binds = [(bind, kinds[bind].bind_processor(dialect) or _as_it_is) for bind in made.positiontup]
    return str(made), binds, {bind: parameter.value for bind, parameter in made.binds.items()}


def _as_it_is(value: object) -> object:
    return value
