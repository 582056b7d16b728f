"""The server as its next version could be: a clip has one more step, behind `patch`, and the schema is one further.

Run like `filmgate`. The step writes the clip's id into the file that UPGRADE_NOTES names.
"""

import os
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from dbos import DBOS
from dbos._dbos import _get_or_create_dbos_registry
from dbos._error import DBOSUnexpectedStepError

from jobs import engine, tables
from server import cli, schema

NEXT_HEAD = "9001"
PATCH = "inspect"
_MIGRATIONS = Path(__file__).parent / "migrations"
_configuration = schema.configuration


@DBOS.step(name="inspect")
async def _inspect(clip_id: str) -> str:
    with Path(os.environ["UPGRADE_NOTES"]).open("a", encoding="ascii") as notes:  # noqa: ASYNC230 - one line
        notes.write(f"{clip_id}\n")
    return clip_id


def _change_workflow() -> None:
    _get_or_create_dbos_registry().workflow_info_map.pop("clip")

    @DBOS.workflow(name="clip", max_recovery_attempts=None)
    async def _clip(clip_id: str) -> str:
        step = engine.FIRST_STEP
        try:
            if await DBOS.patch_async(PATCH):
                await _inspect(clip_id)
            while step in engine._DURABLE:
                step = await engine._DURABLE[step](clip_id)
        except DBOSUnexpectedStepError:
            return await engine.begin_anew(clip_id)
        return step


def _change_schema() -> None:
    def configuration(connection: sa.Connection) -> Config:
        config = _configuration(connection)
        folders = (schema._FOLDER / "versions", _MIGRATIONS)
        config.set_main_option("version_locations", os.pathsep.join(map(str, folders)))
        return config

    schema.configuration = configuration
    schema.HEAD = NEXT_HEAD
    tables.clips.append_column(sa.Column("mood", sa.Text, nullable=False, server_default="calm"))


if __name__ == "__main__":
    _change_workflow()
    _change_schema()
    cli.main()
