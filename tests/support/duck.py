"""DuckDB with the extensions that were installed beside it as Python packages; nothing is downloaded."""

import pathlib

import duckdb
import pytz  # noqa: F401 - duckdb wants it for instants


def load(connection, *extensions):
    for name in extensions:
        folder = pathlib.Path(duckdb.__file__).parents[1] / f"duckdb_extension_{name}" / "extensions"
        connection.load_extension(str(folder / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"))
    return connection


def iceberg():
    """A connection that reads Iceberg tables."""
    return load(duckdb.connect(), "avro", "iceberg")
