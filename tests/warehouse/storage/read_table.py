"""Reads a table by pyiceberg and prints what the test compares, as JSON.

read_table.py static LOCATION_OR_METADATA_FILE [KEY=VALUE]...      by its files
read_table.py sql URI CATALOG NAME.TABLE [append]                  by the catalog in PostgreSQL; append: with one more row
"""

import datetime
import decimal
import json
import sys

import pyarrow
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import StaticTable

kind, arguments = sys.argv[1], sys.argv[2:]
if kind == "static":
    table = StaticTable.from_metadata(arguments[0], dict(a.split("=", 1) for a in arguments[1:]))
else:
    catalog = SqlCatalog(arguments[1], uri=arguments[0])
    table = catalog.load_table(arguments[2])
    if arguments[3:] == ["append"]:
        table.append(pyarrow.table(
            {"id": [7], "amount": [decimal.Decimal("12.50")], "ts": [datetime.datetime(2026, 11, 30, tzinfo=datetime.timezone.utc)]},
            schema=table.schema().as_arrow()))
print(json.dumps({
    "rows": table.scan().to_arrow().num_rows,
    "columns": [field.name for field in table.schema().fields],
    "spec": [field.name for field in table.spec().fields],
    "properties": table.properties,
    "snapshots": [snapshot.summary.additional_properties.get("test", "") for snapshot in table.metadata.snapshots],
}))
