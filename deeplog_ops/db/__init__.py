"""The platform's database: engine, migrations, writers and readers. The SQL of schema and views lies in sql/."""
