"""Tables written by warehouse/table, read by pyiceberg, DuckDB and fastavro; and pyiceberg's tables, read and continued by it."""

import argparse
import datetime
import decimal
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema, assign_fresh_schema_ids
from pyiceberg.table import StaticTable
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import duck  # noqa: E402

STEP = ""
UTC = datetime.timezone.utc
ADDED, DELETED = 1, 2


def step(*arguments):
    text = [a if isinstance(a, str) else json.dumps(a) for a in arguments]
    result = subprocess.run([STEP, *text], capture_output=True, text=True)
    if result.returncode != 0:
        raise AssertionError(f"{text[0]}: {result.stderr}")
    return json.loads(result.stdout or "null")


def field(number, name, kind, required=False, **more):
    return {"id": number, "name": name, "required": required, "type": kind, **more}


# Ids as a program numbers its own fields: the table gives others.
LINE = {"type": "struct", "fields": [field(61, "sku", "string", True), field(62, "count", "int")]}
SCHEMA = {"type": "struct", "schema-id": 0, "fields": [
    field(10, "id", "long", True, doc="the order"),
    field(20, "country", "string"),
    field(30, "ts", "timestamptz", True),
    field(40, "price", "decimal(18,2)"),
    field(50, "quantity", "int"),
    field(60, "lines", {"type": "list", "element-id": 63, "element-required": True, "element": LINE}),
    field(70, "rates", {"type": "map", "key-id": 71, "key": "string", "value-id": 72, "value-required": False, "value": "double"}),
]}
SPEC = {"spec-id": 0, "fields": [
    {"source-id": 30, "field-id": 0, "name": "ts_day", "transform": "day"},
    {"source-id": 20, "field-id": 0, "name": "country", "transform": "identity"}]}


def with_id(name, kind, number, nullable=True):
    return pa.field(name, kind, nullable=nullable, metadata={"PARQUET:field_id": str(number)})


def arrow_schema(later=False):
    """With the ids of the table; `later`: after the evolution in the test."""
    line = pa.struct([with_id("sku", pa.string(), 9, False), with_id("count", pa.int32(), 10)])
    fields = [
        with_id("id", pa.int64(), 1, False), with_id("land" if later else "country", pa.string(), 2),
        with_id("ts", pa.timestamp("us", "UTC"), 3, False), with_id("price", pa.decimal128(18, 2), 4),
        with_id("quantity", pa.int64() if later else pa.int32(), 5),
        with_id("lines", pa.list_(with_id("element", line, 8, False)), 6),
        with_id("rates", pa.map_(with_id("key", pa.string(), 11, False), with_id("value", pa.float64(), 12)), 7)]
    return pa.schema(fields + ([with_id("note", pa.string(), 13)] if later else []))


def rows(first, count, day, country, later=False):
    made = []
    for n in range(first, first + count):
        row = {"id": n, "land" if later else "country": country,
               "ts": datetime.datetime.combine(day, datetime.time(n % 24, 0, 0, n), UTC),
               "price": decimal.Decimal(n) / 100, "quantity": n if n % 3 else None,
               "lines": None if n % 5 == 0 else [{"sku": f"s{i}", "count": i if i % 2 else None} for i in range(n % 3)],
               "rates": [("a", n / 2), ("b", None)] if n % 2 else []}
        if later:
            row["quantity"] = n + 2**40
            row["note"] = f"note {n}"
        made.append(row)
    return made


def evolved(made):
    """Rows of before as they look after the evolution."""
    return [{**{("land" if k == "country" else k): v for k, v in row.items()}, "note": row.get("note")} for row in made]


class Table:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.version = 0

    def metadata(self, version=None):
        return f"file://{self.folder}/metadata/v{version or self.version}.metadata.json"

    def next(self, what, *arguments):
        self.version += 1
        if what == "create":
            result = step("create", f"file://{self.folder}", *arguments, self.metadata())
        else:
            result = step(what, self.metadata(self.version - 1), self.metadata(), *arguments)
        (self.folder / "metadata" / "version-hint.text").write_text(str(self.version))
        return result

    def write(self, name, made, partition, directory, later=False):
        path = self.folder / "data" / directory / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(made, arrow_schema(later)), path)
        ids = [row["id"] for row in made]
        return {"path": f"file://{path}", "partition": partition, "rows": len(made), "bytes": path.stat().st_size,
                "value_counts": {"1": len(made)}, "null_value_counts": {"1": 0},
                "lower_bounds": {"1": struct.pack("<q", min(ids)).hex()}, "upper_bounds": {"1": struct.pack("<q", max(ids)).hex()}}


def by_pyiceberg(metadata, **scan):
    return StaticTable.from_metadata(metadata).scan(**scan).to_arrow().to_pylist()


def by_duckdb(folder, where="true"):
    connection = duck.iceberg()
    connection.execute("set TimeZone='UTC'")
    return connection.sql(f"select * from iceberg_scan('{folder}') where {where}").to_arrow_table().to_pylist()


def by_fastavro(metadata_file):
    """Paths and rows of live files, and the sequence numbers of the snapshot's manifests."""
    metadata = json.loads(pathlib.Path(metadata_file.removeprefix("file://")).read_text())
    snapshot = next(s for s in metadata["snapshots"] if s["snapshot-id"] == metadata["current-snapshot-id"])
    live = {}
    with open(snapshot["manifest-list"].removeprefix("file://"), "rb") as manifest_list:
        for manifest in fastavro.reader(manifest_list):
            path = pathlib.Path(manifest["manifest_path"].removeprefix("file://"))
            assert path.stat().st_size == manifest["manifest_length"], path
            assert 0 < manifest["min_sequence_number"] <= manifest["sequence_number"] <= metadata["last-sequence-number"]
            with open(path, "rb") as content:
                for entry in fastavro.reader(content):
                    assert (entry["sequence_number"] is None) == (entry["status"] == ADDED)
                    if entry["status"] != DELETED:
                        live[entry["data_file"]["file_path"]] = entry["data_file"]["record_count"]
    return live


def sorted_rows(made):
    return sorted(made, key=lambda row: row["id"])


def as_pyiceberg_reads(made):
    """It makes an empty list of a null one when it maps nested columns by their ids; DuckDB does not."""
    return [{**row, "lines": row["lines"] or []} for row in made]


class OwnTables(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.table = Table(temporary.name)

    def check(self, expected, files):
        expected = sorted_rows(expected)
        self.assertEqual(sorted_rows(by_pyiceberg(self.table.metadata())), as_pyiceberg_reads(expected))
        self.assertEqual(sorted_rows(by_duckdb(self.table.folder)), expected)
        live = by_fastavro(self.table.metadata())
        self.assertEqual(live, {f["path"]: f["rows"] for f in files})
        self.assertEqual({path: f["rows"] for path, f in step("live", self.table.metadata()).items()}, live)
        summary = StaticTable.from_metadata(self.table.metadata()).current_snapshot().summary
        self.assertEqual(int(summary["total-records"]), len(expected))
        self.assertEqual(int(summary["total-data-files"]), len(files))
        for row in (expected[0], expected[-1]):
            self.assertEqual(by_pyiceberg(self.table.metadata(), row_filter=f"id == {row['id']}"), as_pyiceberg_reads([row]))
            self.assertEqual(by_duckdb(self.table.folder, f"id = {row['id']}"), [row])

    def test_ids_are_those_of_engines(self):
        given = Schema.model_validate(SCHEMA)
        ours = Schema.model_validate(self.table.next("create", SCHEMA, SPEC))
        self.assertEqual(ours, assign_fresh_schema_ids(given))

    def test_empty_table(self):
        self.table.next("create", SCHEMA, SPEC)
        self.assertEqual(by_pyiceberg(self.table.metadata()), [])
        self.assertEqual(by_duckdb(self.table.folder), [])

    def test_life_of_a_table(self):
        table = self.table
        monday, tuesday = datetime.date(2026, 11, 30), datetime.date(2026, 12, 1)
        days = {day: (day - datetime.date(1970, 1, 1)).days for day in (monday, tuesday)}
        table.next("create", SCHEMA, SPEC)

        first, second, third = rows(0, 10, monday, "de"), rows(10, 7, monday, None), rows(17, 6, tuesday, "a b/\u00e4%")
        a = table.write("a", first, [days[monday], "de"], "ts_day=2026-11-30/country=de")
        b = table.write("b", second, [days[monday], None], "ts_day=2026-11-30/country=null")
        c = table.write("c", third, [days[tuesday], "a b/\u00e4%"], "ts_day=2026-12-01/country=a%20b%2F%C3%A4%25")
        table.next("append", [a, b])
        self.check(first + second, [a, b])
        table.next("append", [c])
        self.check(first + second + third, [a, b, c])
        then = StaticTable.from_metadata(table.metadata()).current_snapshot().snapshot_id
        self.assertEqual(step("live", table.metadata())[c["path"]]["partition"], "ts_day=2026-12-01/country=a%20b%2F%C3%A4%25")
        self.assertEqual(by_duckdb(table.folder, "country = 'a b/\u00e4%'"), third)
        self.assertEqual(sorted_rows(by_pyiceberg(table.metadata(), row_filter="ts >= '2026-12-01T00:00:00+00:00'")),
                         as_pyiceberg_reads(third))

        schema = json.loads(pathlib.Path(table.metadata().removeprefix("file://")).read_text())["schemas"][0]
        schema["fields"][1]["name"] = "land"
        schema["fields"][4]["type"] = "long"
        schema["fields"].append(field(13, "note", "string"))
        table.next("evolve", schema)
        self.check(evolved(first + second + third), [a, b, c])
        fourth = rows(23, 5, monday, "de", later=True)
        d = table.write("d", fourth, [days[monday], "de"], "ts_day=2026-11-30/country=de", later=True)
        table.next("append", [d])
        everything = evolved(first + second + third) + fourth
        self.check(everything, [a, b, c, d])

        e = table.write("e", evolved(first) + fourth, [days[monday], "de"], "ts_day=2026-11-30/country=de", later=True)
        table.next("replace", [e], [a["path"], d["path"]])
        self.check(everything, [b, c, e])
        self.assertEqual(sorted_rows(by_pyiceberg(table.metadata(), snapshot_id=then)), as_pyiceberg_reads(first + second + third))
        table.next("merge")
        self.check(everything, [b, c, e])
        deleted = table.next("expire", "1")["deleted"]
        self.check(everything, [b, c, e])
        self.assertTrue({a["path"], d["path"]} <= set(deleted))
        self.assertFalse({b["path"], c["path"], e["path"]} & set(deleted))
        self.assertEqual(sorted((table.folder / "data").rglob("*.parquet")),
                         sorted(pathlib.Path(f["path"].removeprefix("file://")) for f in (b, c, e)))
        self.assertEqual(len(list((table.folder / "metadata").glob("*.avro"))), 2)

    def test_tables_without_partitions(self):
        table = self.table
        table.next("create", SCHEMA, {"spec-id": 0, "fields": []})
        made = rows(0, 10, datetime.date(2026, 11, 30), "de")
        a = table.write("a", made, [], ".")
        table.next("append", [a])
        self.check(made, [a])
        table.next("append", [])
        self.check(made, [a])


class TablesOfPyiceberg(unittest.TestCase):
    SCHEMA = Schema(NestedField(1, "id", LongType(), required=False), NestedField(2, "country", StringType(), required=False),
                    NestedField(3, "ts", TimestamptzType(), required=False))
    SPEC = PartitionSpec(PartitionField(3, 1000, DayTransform(), "ts_day"), PartitionField(2, 1001, IdentityTransform(), "country"))
    ARROW = pa.schema([with_id("id", pa.int64(), 1), with_id("country", pa.string(), 2), with_id("ts", pa.timestamp("us", "UTC"), 3)])

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.catalog = SqlCatalog("test", uri=f"sqlite:///{self.folder}/catalog.db", warehouse=f"file://{self.folder}")
        self.catalog.create_namespace("shop")

    def create(self, spec, **properties):
        table = self.catalog.create_table("shop.orders", self.SCHEMA, partition_spec=spec, properties=properties)
        for first in (0, 10):
            table.append(pa.Table.from_pylist(self.rows(first, 10), self.ARROW))
        return table

    def rows(self, first, count):
        return [{"id": n, "country": ("de", "at", None)[n % 3], "ts": datetime.datetime(2026, 11, 30 - n % 2, n, 0, 0, 0, UTC)}
                for n in range(first, first + count)]

    def test_is_read_and_continued(self):
        for codec, name in (("gzip", "deflate"), ("zstd", "zstandard"), ("null", "null")):
            with self.subTest(codec=codec):
                table = self.create(self.SPEC, **{"write.avro.compression-codec": codec})
                manifest_list = table.current_snapshot().manifest_list.removeprefix("file://")
                with open(manifest_list, "rb") as content:
                    self.assertEqual(fastavro.reader(content).codec, name)
                self.continue_table(table)
                self.catalog.drop_table("shop.orders")

    def continue_table(self, table):
        table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, "audit").commit()
        table.delete("id == 3")
        expected = [row for row in self.rows(0, 20) if row["id"] != 3]
        live = step("live", table.metadata_location)
        inspected = table.inspect.files().to_pylist()
        self.assertEqual({path: f["rows"] for path, f in live.items()}, {f["file_path"]: f["record_count"] for f in inspected})
        self.assertEqual({f["partition"] for f in live.values()},
                         {f"ts_day=2026-11-{day}/country={land}" for day in (29, 30) for land in ("de", "at", "null")})

        added = self.rows(21, 1)
        path = self.folder / "added.parquet"
        pq.write_table(pa.Table.from_pylist(added, self.ARROW), path)
        day = (added[0]["ts"].date() - datetime.date(1970, 1, 1)).days
        file = {"path": f"file://{path}", "partition": [day, added[0]["country"]], "rows": 1, "bytes": path.stat().st_size,
                "value_counts": {}, "null_value_counts": {}, "lower_bounds": {}, "upper_bounds": {}}
        metadata = [table.metadata_location] + [f"file://{self.folder}/ours{n}.metadata.json" for n in range(4)]
        step("append", metadata[0], metadata[1], [file])
        step("merge", metadata[1], metadata[2])
        first = next(path for path, f in live.items() if f["partition"].endswith("29/country=de"))
        step("replace", metadata[2], metadata[3], [{**file, "path": first, "partition": [day, "de"], "rows": live[first]["rows"]}],
             [first])
        for name in metadata[1:4]:
            self.assertEqual(sorted_rows(by_pyiceberg(name)), sorted_rows(expected + added))
        self.assertEqual(len(step("live", metadata[2])), len(live) + 1)
        deleted = step("expire", metadata[3], metadata[4], "1")["deleted"]
        self.assertEqual(sorted_rows(by_pyiceberg(metadata[4])), sorted_rows(expected + added))
        tagged = StaticTable.from_metadata(metadata[4]).snapshot_by_name("audit").snapshot_id
        self.assertEqual(sorted_rows(by_pyiceberg(metadata[4], snapshot_id=tagged)), self.rows(0, 20))
        self.assertTrue(deleted)

    def test_partitions_that_are_not_known_are_refused_by_name(self):
        table = self.create(PartitionSpec(PartitionField(1, 1000, BucketTransform(4), "id_bucket")))
        with self.assertRaisesRegex(AssertionError, "bucket"):
            step("live", table.metadata_location)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    known, rest = parser.parse_known_args()
    STEP = known.bin
    unittest.main(argv=[sys.argv[0], *rest])
