"""Reads what warehouse_write_rows wrote with pyarrow and with DuckDB and compares it, value by value, with what protobuf says.

Usage: read_back_test.py --writer PROGRAM [--rows N] [--seed S]
"""

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

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

FOLDER: pathlib.Path
ROWS: int
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MESSAGES = ["every_type.Scalars", "every_type.OptionalScalars", "every_type.RepeatedScalars", "every_type.WellKnown",
            "every_type.Everything", "legacy.Legacy"]


def plain(value, kind):
    """A value as a reader gives it, in the form of the expected ones."""
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {kind.field(i).name: plain(value[kind.field(i).name], kind.field(i).type) for i in range(kind.num_fields)}
    if pa.types.is_map(kind):
        pairs = value.items() if isinstance(value, dict) else value
        return sorted([[plain(k, kind.key_type), plain(v, kind.item_type)] for k, v in pairs],
                      key=lambda pair: json.dumps(pair[0], ensure_ascii=False))
    if pa.types.is_list(kind):
        return [plain(element, kind.value_type) for element in value]
    if pa.types.is_timestamp(kind):
        return (value - EPOCH) // datetime.timedelta(microseconds=1)
    if pa.types.is_date(kind):
        return (value - EPOCH.date()).days
    if pa.types.is_decimal(kind):
        sign, digits, exponent = value.as_tuple()
        assert exponent == -kind.scale, value
        return int(decimal.Decimal((sign, digits, 0)))
    if pa.types.is_floating(kind):
        return "nan" if value != value else struct.pack(">d", value).hex()
    if pa.types.is_binary(kind):
        return bytes(value).hex()
    return value


def same(got, wanted):
    """Equal; texts of JSON may have their members in another order."""
    if got == wanted:
        return True
    if isinstance(got, str) and isinstance(wanted, str) and got[:1] in "{[" and got[:1]:
        return json.loads(got) == json.loads(wanted)
    if isinstance(got, dict) and isinstance(wanted, dict):
        return got.keys() == wanted.keys() and all(same(got[name], wanted[name]) for name in got)
    if isinstance(got, list) and isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(same, got, wanted))
    return False


def by_duckdb(path):
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    result = connection.execute(f"select * from read_parquet('{path}')")
    names = [column[0] for column in result.description]
    while rows := result.fetchmany(1000):
        for row in rows:
            yield dict(zip(names, row))


def by_pyarrow(path):
    for batch in pq.ParquetFile(path).iter_batches(1000):
        yield from batch.to_pylist()


def field_ids(kind, path=""):
    """Of all fields below a type, by their path."""
    found = {}
    for i in range(kind.num_fields):
        field = kind.field(i)
        name = f"{path}.{field.name}"
        if field.metadata is not None:  # the group around keys and values has none
            found[name] = int(field.metadata[b"PARQUET:field_id"])
        found.update(field_ids(field.type, name))
    return found


class ReadBack(unittest.TestCase):
    maxDiff = None

    def compare(self, message, reader):
        path = FOLDER / f"{message}.parquet"
        kinds = {field.name: field.type for field in pq.read_schema(path)}
        count = 0
        with open(FOLDER / f"{message}.jsonl", encoding="utf-8") as lines:
            for line, row in zip(lines, reader(path), strict=True):
                self.assertEqual(row["_topic"], "fuzz")
                self.assertEqual(row["_offset"], count)
                self.assertEqual(bytes(row["_key"]), str(count).encode())
                self.assertEqual(plain(row["_timestamp"], kinds["_timestamp"]), count * 1000)
                got = {name: plain(value, kinds[name]) for name, value in row.items() if not name.startswith("_")}
                wanted = json.loads(line)
                self.assertEqual(got.keys(), wanted.keys())
                for name in wanted:
                    if not same(got[name], wanted[name]):
                        self.assertEqual(got[name], wanted[name], f"{message} row {count} column {name}")
                count += 1
        self.assertEqual(count, ROWS)

    def test_pyarrow_reads_what_protobuf_says(self):
        for message in MESSAGES:
            with self.subTest(message):
                self.compare(message, by_pyarrow)

    def test_duckdb_reads_what_protobuf_says(self):
        for message in MESSAGES:
            with self.subTest(message):
                self.compare(message, by_duckdb)

    def test_the_comparison_can_fail(self):
        rows = list(by_pyarrow(FOLDER / "every_type.Scalars.parquet"))
        rows[-1]["f_int64"] = rows[-1]["f_int64"] ^ 1
        with self.assertRaises(AssertionError):
            self.compare("every_type.Scalars", lambda path: iter(rows))

    def test_all_fields_have_ids_of_their_own(self):
        for message in MESSAGES:
            ids = field_ids(pa.struct(list(pq.read_schema(FOLDER / f"{message}.parquet"))))
            self.assertEqual(sorted(ids.values()), list(range(1, len(ids) + 1)), message)


class Evolution(unittest.TestCase):
    """Files of before and after, read by field ids with the columns of after."""

    def test_changes_are_named(self):
        changes = (FOLDER / "evolution_changes.txt").read_text().splitlines()
        self.assertEqual(changes, [
            "widen id from int to long", "describe id anew", "describe customer anew", "widen score from float to double",
            "describe score anew", "drop gone", "describe address.city anew", "rename address.city to town", "add address.zip",
            "rename customer to payer", "add code_v2", "add tags", "add note"])

    WANTED = [
        {"id": 1, "payer": "anna", "score": 0.5, "address": {"street": "s", "town": "c", "zip": None}, "code": 7, "tags": None, "note": None,
         "code_v2": None},
        {"id": 5000000000, "payer": "berta", "score": 0.1, "address": {"street": "t", "town": "d", "zip": "z"}, "code": None,
         "tags": ["u", "v"], "note": "", "code_v2": "k"},
    ]

    def project(self, value, have, want):
        """A value of a file as a reader sees it that knows fields by their ids."""
        if value is None or not pa.types.is_struct(want):
            return value
        ids = {int(have.field(i).metadata[b"PARQUET:field_id"]): have.field(i) for i in range(have.num_fields)}
        result = {}
        for i in range(want.num_fields):
            field = want.field(i)
            source = ids.get(int(field.metadata[b"PARQUET:field_id"]))
            result[field.name] = None if source is None else self.project(value[source.name], source.type, field.type)
        return result

    def test_pyarrow_reads_old_rows_with_new_columns(self):
        want = pa.struct(list(pq.read_schema(FOLDER / "evolution_2.parquet")))
        for number, expected in enumerate(self.WANTED, 1):
            table = pq.read_table(FOLDER / f"evolution_{number}.parquet")
            row = self.project(table.to_pylist()[0], pa.struct(list(table.schema)), want)
            self.assertEqual({name: value for name, value in row.items() if not name.startswith("_")}, expected)

    def test_duckdb_reads_old_rows_with_new_columns(self):
        kinds = {"id": "BIGINT", "payer": "VARCHAR", "score": "DOUBLE", "code": "INTEGER", "note": "VARCHAR", "code_v2": "VARCHAR"}
        schema = pq.read_schema(FOLDER / "evolution_2.parquet")
        entries = ", ".join(
            f"{int(schema.field(name).metadata[b'PARQUET:field_id'])}: {{name: '{name}', type: '{kind}', default_value: NULL}}"
            for name, kind in kinds.items())
        rows = duckdb.connect().execute(
            f"select * from read_parquet('{FOLDER}/evolution_*.parquet', schema = MAP {{{entries}}}) order by id").fetchall()
        self.assertEqual([dict(zip(kinds, row)) for row in rows], [{name: row[name] for name in kinds} for row in self.WANTED])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--writer", required=True)
    parser.add_argument("--rows", type=int, default=500, help="of each of the six types")
    parser.add_argument("--seed", type=int, default=1)
    arguments, rest = parser.parse_known_args()
    ROWS = arguments.rows
    with tempfile.TemporaryDirectory(prefix="read_back_") as folder:
        FOLDER = pathlib.Path(folder)
        subprocess.run([arguments.writer, folder, str(ROWS), str(arguments.seed)], check=True)
        sys.exit(not unittest.main(argv=["read_back_test", *rest], exit=False).result.wasSuccessful())
