"""Reads what warehouse_serving_land_random landed in PostgreSQL with psycopg2 and compares it, value by value, with what protobuf says.

Usage: read_back_test.py --program PROGRAM [--rows N] [--seed S]
"""

import argparse
import base64
import ctypes
import datetime
import decimal
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import psycopg2
import psycopg2.extras

SOURCE = pathlib.Path(__file__).resolve().parents[3]
FOLDER: pathlib.Path
ADDRESS: str
ROWS: int
MESSAGES = ["every_type.Scalars", "every_type.OptionalScalars", "every_type.RepeatedScalars", "every_type.WellKnown",
            "every_type.Everything", "legacy.Legacy"]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
# What the table of types in docs/serving.md says; nested ones are jsonb.
TYPES = {"boolean": "boolean", "int": "integer", "long": "bigint", "float": "real", "double": "double precision", "date": "date",
         "timestamptz": "timestamp with time zone", "string": "text", "binary": "bytea"}


def bits(value):
    return "nan" if value != value else struct.pack(">d", value).hex()


def instant(text):
    parsed = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (parsed - EPOCH) // datetime.timedelta(microseconds=1)


def day(value):
    return (value - EPOCH.date()).days


def unscaled(value, scale):
    return int((decimal.Decimal(value)).scaleb(scale).to_integral_exact())


def from_number(value, kind):
    """Digits, of which JSON and psycopg2 know no float: that or the double nearest to them."""
    return bits(ctypes.c_float(float(value)).value if kind == "float" else float(value))


def from_json(value, kind):
    """A value inside jsonb in the form of the expected ones. `kind` is a type as Iceberg writes it."""
    if value is None:
        return None
    if isinstance(kind, dict):
        if kind["type"] == "struct":
            return {field["name"]: from_json(value.get(field["name"]), field["type"]) for field in kind["fields"]}
        if kind["type"] == "list":
            return [from_json(element, kind["element"]) for element in value]
        pairs = [[key_from_json(k, kind["key"]), from_json(v, kind["value"])] for k, v in value.items()]
        return sorted(pairs, key=lambda pair: json.dumps(pair[0], ensure_ascii=False))
    if kind in ("int", "long"):
        return int(value)
    if kind in ("float", "double"):
        return from_number(value, kind)
    if kind.startswith("decimal"):
        return unscaled(value, int(kind.rstrip(")").split(",")[1]))
    if kind == "timestamptz":
        return instant(value)
    if kind == "date":
        return day(datetime.date.fromisoformat(value))
    if kind == "binary":
        return base64.b64decode(value, validate=True).hex()
    return value


def key_from_json(key, kind):
    return key == "true" if kind == "boolean" else from_json(key, kind)


def from_column(value, kind):
    if value is None or isinstance(kind, dict):
        return from_json(value, kind)
    if kind in ("float", "double"):
        return from_number(value, kind)
    if kind.startswith("decimal"):
        return unscaled(value, int(kind.rstrip(")").split(",")[1]))
    if kind == "timestamptz":
        return int(value)
    if kind == "date":
        return day(value)
    if kind == "binary":
        return bytes(value).hex()
    return value


def same(got, wanted):
    """Equal; texts of JSON may have their members in another order, and jsonb has no negative zero."""
    if got == wanted:
        return True
    if isinstance(wanted, str) and wanted == bits(-0.0):
        return got == bits(0.0)
    if isinstance(got, str) and isinstance(wanted, str) and got[:1] in ("{", "["):
        return same_json(json.loads(got), json.loads(wanted))
    if isinstance(got, dict) and isinstance(wanted, dict):
        return got.keys() == wanted.keys() and all(same(got[name], wanted[name]) for name in got)
    if isinstance(got, list) and isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(same, got, wanted))
    return False


def same_json(got, wanted):
    if isinstance(got, dict) and isinstance(wanted, dict):
        return got.keys() == wanted.keys() and all(same_json(got[name], wanted[name]) for name in got)
    if isinstance(got, list) and isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(same_json, got, wanted))
    if isinstance(got, decimal.Decimal):
        return float(got) == float(wanted)
    return got == wanted


class ReadBack(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.connection = psycopg2.connect(ADDRESS)
        self.cursor = self.connection.cursor()
        self.cursor.execute("set time zone 'UTC'")
        psycopg2.extras.register_default_jsonb(self.cursor, loads=lambda text: json.loads(text, parse_float=decimal.Decimal))

    def tearDown(self):
        self.connection.close()

    def kinds(self, message):
        self.cursor.execute("select schema_json from fuzz.millrace_tables where table_name = %s", (message,))
        return {field["name"]: field["type"] for field in json.loads(self.cursor.fetchone()[0])["fields"]}

    def rows(self, message, kinds):
        names = list(kinds)
        # Instants beyond Python's years 1 to 9999 do not come, but those of their last day would.
        columns = [f"(extract(epoch from \"{name}\") * 1000000)::bigint" if kinds[name] == "timestamptz" else f'"{name}"' for name in names]
        self.cursor.execute(f'select {", ".join(columns)} from fuzz."{message}" order by _offset')
        return [dict(zip(names, row)) for row in self.cursor]

    def types(self, message):
        self.cursor.execute("select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = %s::regclass "
                            "and attnum > 0", (f'fuzz."{message}"',))
        return dict(self.cursor.fetchall())

    def compare(self, message, rows, kinds):
        count = 0
        types = self.types(message)
        with open(FOLDER / f"{message}.jsonl", encoding="utf-8") as lines:
            for line, row in zip(lines, rows, strict=True):
                self.assertEqual((row["_topic"], row["_topic_partition"], row["_offset"], row["_timestamp"]), ("fuzz", 1, count, count * 1000))
                self.assertEqual(bytes(row["_key"]), str(count).encode())
                wanted = json.loads(line)
                got = {name: value for name, value in row.items() if not name.startswith("_")}
                self.assertEqual(got.keys(), wanted.keys())
                for name, expected in wanted.items():
                    plain = got[name] if kinds[name] == "string" else from_column(got[name], kinds[name])
                    if kinds[name] == "string" and types[name] == "jsonb" and expected is not None:
                        expected = json.loads(expected)
                        self.assertTrue(same_json(plain, expected), f"{message} row {count} column {name}: {plain} {expected}")
                    elif not same(plain, expected):
                        self.assertEqual(plain, expected, f"{message} row {count} column {name}")
                count += 1
        self.assertEqual(count, ROWS)

    def test_rows_are_what_protobuf_says(self):
        for message in MESSAGES:
            with self.subTest(message):
                kinds = self.kinds(message)
                self.compare(message, self.rows(message, kinds), kinds)

    def test_the_comparison_can_fail(self):
        kinds = self.kinds("every_type.Scalars")
        rows = self.rows("every_type.Scalars", kinds)
        rows[-1]["f_int64"] ^= 1
        with self.assertRaises(AssertionError):
            self.compare("every_type.Scalars", rows, kinds)

    def test_columns_have_the_documented_types(self):
        json_columns = {"structure", "value", "values", "any"}
        for message in MESSAGES:
            types = self.types(message)
            for name, kind in self.kinds(message).items():
                nested = isinstance(kind, dict) or (message.endswith("WellKnown") and name in json_columns)
                wanted = "jsonb" if nested else TYPES.get(kind) or kind.replace("decimal", "numeric").replace(" ", "")
                self.assertEqual(types[name], wanted, f"{message} {name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--rows", type=int, default=500, help="of each of the six types")
    parser.add_argument("--seed", type=int, default=1)
    arguments, rest = parser.parse_known_args()
    ROWS = arguments.rows
    with tempfile.TemporaryDirectory(prefix="serving_") as name:
        FOLDER = pathlib.Path(name)
        FOLDER.chmod(0o755)  # PostgreSQL runs as another user
        server = [str(SOURCE / "scripts/postgres"), "start", "--dir", str(FOLDER / "postgres")]
        port = subprocess.run(server, check=True, stdout=subprocess.PIPE, text=True).stdout.strip().splitlines()[-1].split("=")[1]
        ADDRESS = f"postgresql://millrace@127.0.0.1:{port}/millrace"
        try:
            subprocess.run([arguments.program, ADDRESS, name, str(ROWS), str(arguments.seed)], check=True)
            successful = unittest.main(argv=["read_back_test", *rest], exit=False).result.wasSuccessful()
        finally:
            subprocess.run([server[0], "stop", *server[2:], "--immediate"], check=True)
        sys.exit(not successful)
