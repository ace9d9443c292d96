from deeplog_ops.db import engine as database
from deeplog_ops.db import migrate


def test_a_second_migration_does_nothing(empty_database: str) -> None:
    engine = database.connect(empty_database)
    first = migrate.migrate(engine)
    assert first[0] == "0001_sources_and_files"
    assert migrate.migrate(engine) == []
    assert migrate.status(engine).current
    engine.dispose()
