"""The connection to the database, SQL for both databases, the schema and its migrations."""
