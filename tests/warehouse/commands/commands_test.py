"""`tables`, `ddl` and `export` of a program on tables with everything in them, and what DuckDB, PostgreSQL, Glue (moto) and csv make of
what they print. Tables are landed by warehouse_land_rows; only the export of a topic needs Kafka."""

import argparse
import base64
import contextlib
import csv
import datetime
import decimal
import io
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

import boto3
import duckdb
import moto
import psycopg2

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(SOURCE / "tests/support"))
import duck  # noqa: E402
from local_servers import S3, script  # noqa: E402

BIN = PROTOC = POSTGRES = None
SERVERS = contextlib.ExitStack()

PROTO = '''
syntax = "proto3";
package odd;
import "google/protobuf/timestamp.proto";

message Thing {
  // It's "the" key;
  // of \\ all.
  int64 id = 1;
  string note = 2;  // What people wrote.
  optional string maybe = 3;
  int64 cents = 4;
  bytes blob = 5;
  double ratio = 6;
  google.protobuf.Timestamp at = 7;
  repeated Part parts = 8;
  map<string, int32> counts = 9;
  bool flag = 10;
}
message Part {
  string name = 1;
  optional int32 size = 2;
}
'''
SETTINGS = {"columns.cents.decimal": "18,2", "columns.cents.name": 'the "amount"', "columns.day.date.from": "at",
            "time.zone": "Europe/Berlin"}
NAMESPACE, TABLE = "shop", "odd things"
DOCS = {"id": '''It's "the" key; of \\ all.''', "note": "What people wrote."}
# 2024-10-03T21:30:00Z is 23:30 in Berlin.
THIRD = 1727991000


def row(number, note, at, **more):
    text = f"id: {number} note: {json.dumps(note)} at {{ seconds: {at} }} " + " ".join(f"{key} {value}" for key, value in more.items())
    return [at * 1000, text]


ROWS = [row(1, "plain", THIRD, cents=": -5", ratio=": -0.1", counts="{ key: 'a' value: 1 }", flag=": true"),
        row(2, '=cmd|"x", and\nmore', THIRD + 1, maybe=": ''", blob=r': "\377\001"', parts="{ name: 'p' size: 3 } parts { name: '-' }"),
        row(3, "", THIRD + 2, maybe=": '-1'", cents=": 123456789012345678")]


def run(*command, check=True, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}")
    return done


class Place:
    """A warehouse with tables."""

    def __init__(self, folder, settings, environment=None):
        self.folder, self.settings = folder, settings
        self.environment = {**os.environ, **(environment or {})}
        folder.mkdir(exist_ok=True)
        self.descriptors = folder / "descriptors"
        (folder / "odd.proto").write_text(PROTO)
        run(PROTOC, "--include_imports", "--include_source_info", f"--descriptor_set_out={self.descriptors}", "-I", folder, "odd.proto")

    def land(self, rows, table=TABLE, settings=SETTINGS):
        what = {"warehouse": {"catalog": "fs", **self.settings, "spool.dir": str(self.folder / "spool")}, "descriptors": str(self.descriptors),
                "application": "app", "topic": "things", "message": "odd.Thing", "namespace": NAMESPACE, "table": table, "settings": settings}
        run(f"{BIN}/warehouse_land_rows", json.dumps(what), input="".join(json.dumps(one) + "\n" for one in rows).encode(),
            env=self.environment)

    def command(self, *arguments, **more):
        settings = [f"--set=warehouse.{name}={value}" for name, value in self.settings.items()]
        return run(f"{BIN}/tshirt", arguments[0], *settings, "--set=warehouse.namespace=shop",
                   f"--set=warehouse.descriptors={self.descriptors}", *arguments[1:], env=self.environment, **more)

    def output(self, *arguments):
        return self.command(*arguments).stdout.decode()

    def table(self, name=TABLE):
        return json.loads(self.output("tables", f"{NAMESPACE}.{name}", "--json"))[0]


def statements(text):
    """Of a script in SQL: those that end at the end of a line, without comments."""
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("--"))
    return [one for one in text.split(";\n") if one.strip()]


def duckdb_with(text):
    connection = duckdb.connect()
    for statement in statements(text):
        if statement.startswith("INSTALL"):
            # From the wheels instead of the network.
            duck.load(connection, *{"iceberg": ["avro", "iceberg"]}[statement.split()[1]])
        elif not statement.startswith("LOAD"):
            connection.execute(statement)
    return connection


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(SERVERS.enter_context(tempfile.TemporaryDirectory(prefix="millrace-commands-")))
        cls.local = Place(cls.folder / "local", {"uri": f"file://{cls.folder}/local/warehouse"})
        cls.local.land(ROWS)

    def place(self, settings=None):
        """A warehouse of the test's own."""
        folder = self.folder / self.id().rpartition(".")[2]
        return Place(folder, {"uri": f"file://{folder}/warehouse", **(settings or {})})

    def export(self, place, *arguments):
        return list(csv.reader(io.StringIO(place.command("export", *arguments).stdout.decode(), newline="")))

    def compare(self, connection, name):
        found = connection.execute(f'select id, note, maybe, "the ""amount""", day from {name} order by id').fetchall()
        day = datetime.date(2024, 10, 3)
        self.assertEqual(found, [(1, "plain", None, decimal.Decimal("-0.05"), day), (2, '=cmd|"x", and\nmore', "", decimal.Decimal(0), day),
                                 (3, "", "-1", decimal.Decimal("1234567890123456.78"), day)])


class Tables(Commands):
    def test_lists_and_describes_tables_without_a_broker(self):
        text = self.local.output("tables")
        self.assertRegex(text, r"TABLE +ROWS +FILES +SIZE +SNAPSHOTS +LAST COMMIT +VALID THROUGH\n")
        self.assertRegex(text, r"shop\.odd things +3 +1 +\S+ KiB +1 +20\d\d-.*Z \(\d+ \w+ ago\) +2024-10-03T21:30:02Z \(\d+ d ago\)\n")
        text = self.local.output("tables", TABLE)
        self.assertIn(f"location        file://{self.folder}/local/warehouse/shop/odd things\n", text)
        self.assertIn("partitioned by  day(_timestamp)\n", text)
        self.assertIn("time zone       Europe/Berlin\n", text)
        self.assertRegex(text, r'the "amount" +decimal\(18,2\) +required')
        self.assertRegex(text, r"landed by app from topic things\n  partition +next offset +stream time\n  0 +3 +2024-10-03T21:30:02Z")
        described = self.local.table()
        self.assertEqual((described["rows"], described["data_files"], described["snapshots"]), (3, 1, 1))
        self.assertEqual({column["name"]: column["doc"] for column in described["columns"] if column["name"] in DOCS}, DOCS)

    def test_says_what_is_not_there(self):
        done = self.local.command("tables", "nothing", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"has no table nothing; it has shop.odd things", done.stderr)
        done = run(f"{BIN}/tshirt", "tables", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"warehouse.uri is not set", done.stderr)

    def test_writes_nothing(self):
        before = sorted(self.folder.joinpath("local").rglob("*"))
        self.local.output("tables")
        self.local.command("export", "--table", TABLE)
        self.assertEqual(sorted(self.folder.joinpath("local").rglob("*")), before)


class Ddl(Commands):
    def check_duckdb(self, place):
        connection = duckdb_with(place.output("ddl", "--engine", "duckdb"))
        self.compare(connection, 'shop."odd things"')
        comments = connection.execute("select column_name, comment from duckdb_columns() where table_name = 'odd things' and comment is not null")
        self.assertEqual({name: text for name, text in comments.fetchall() if name in DOCS}, DOCS)
        return connection

    def test_duckdb_sees_tables_of_a_folder_and_their_next_commits(self):
        place = self.place()
        place.land(ROWS)
        connection = self.check_duckdb(place)
        place.land([row(4, "later", THIRD)])
        self.assertEqual(connection.execute('select count(*) from shop."odd things"').fetchone(), (4,))

    def test_duckdb_sees_tables_of_a_catalog_in_postgres(self):
        place = self.place({"catalog": "sql", "catalog.uri": f"postgresql://millrace@127.0.0.1:{POSTGRES}/millrace", "catalog.name": "duck"})
        place.land(ROWS)
        connection = self.check_duckdb(place)
        place.land([row(4, "later", THIRD)])
        self.assertEqual(connection.execute('select count(*) from shop."odd things"').fetchone(), (3,))
        for statement in statements(place.output("ddl", "--engine", "duckdb"))[2:]:
            connection.execute(statement)
        self.assertEqual(connection.execute('select count(*) from shop."odd things"').fetchone(), (4,))

    def test_postgres_gets_tables_that_take_the_rows(self):
        connection = psycopg2.connect(host="127.0.0.1", port=POSTGRES, user="millrace", dbname="millrace")
        cursor = connection.cursor()
        cursor.execute(self.local.output("ddl", "--engine", "postgres"))
        cursor.execute("""select column_name, data_type, is_nullable, col_description('shop."odd things"'::regclass, ordinal_position)
                          from information_schema.columns where table_schema = 'shop' and table_name = 'odd things' order by ordinal_position""")
        columns = {name: rest for name, *rest in cursor.fetchall()}
        self.assertEqual({name: columns[name][2] for name in DOCS}, DOCS)
        self.assertEqual(columns['the "amount"'][:2], ["numeric", "NO"])
        self.assertEqual(columns["at"][:2], ["timestamp with time zone", "YES"])
        self.assertEqual([columns[name][0] for name in ("id", "blob", "ratio", "parts", "counts", "flag", "day")],
                         ["bigint", "bytea", "double precision", "jsonb", "jsonb", "boolean", "date"])
        rows = self.export(self.local, "--table", TABLE, "--raw", "--columns", "id,note,maybe,at,parts,counts,flag,day")
        for one in rows[1:]:
            cursor.execute(f'''insert into shop."odd things" (blob, ratio, "the ""amount""", _topic, _topic_partition, _offset, _timestamp, {",".join(rows[0])})
                               values ('', 0, 0, 't', 0, 0, now(), {",".join(["%s"] * len(one))})''', one)
        cursor.execute('''select parts, counts, at = '2024-10-03T21:30:00Z' from shop."odd things" where id = 1''')
        self.assertEqual(cursor.fetchone(), ([], {"a": 1}, True))
        connection.close()

    def test_glue_takes_the_registration_for_athena(self):
        s3 = S3()
        SERVERS.callback(s3.stop)
        place = Place(self.folder / "glue", {"uri": "s3://warehouse/glue", **s3.settings}, s3.environment)
        place.land(ROWS)
        text = place.output("ddl", "--engine", "athena")
        commands = shlex.split(text, comments=True)
        self.assertEqual(commands[:4], ["aws", "glue", "create-database", "--database-input"])
        self.assertEqual(commands[5:9], ["aws", "glue", "create-table", "--cli-input-json"])
        with moto.mock_aws():
            glue = boto3.client("glue", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
            glue.create_database(DatabaseInput=json.loads(commands[4]))
            glue.create_table(**json.loads(commands[9]))
            table = glue.get_table(DatabaseName="shop", Name=TABLE)["Table"]
        self.assertEqual(table["Parameters"], {"table_type": "ICEBERG", "metadata_location": place.table()["metadata_file"]})
        columns = {column["Name"]: column for column in table["StorageDescriptor"]["Columns"]}
        self.assertEqual({name: columns[name]["Comment"] for name in DOCS}, DOCS)
        self.assertEqual(columns["parts"]["Type"], "array<struct<name:string,size:int>>")
        done = self.local.command("ddl", "--engine", "athena", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"Athena reads S3 only", done.stderr)


class Export(Commands):
    def test_a_table_is_what_other_readers_see(self):
        rows = self.export(self.local, "--table", TABLE)
        self.assertEqual(rows[0], [column["name"] for column in self.local.table()["columns"]])
        by_id = {one["id"]: one for one in (dict(zip(rows[0], row)) for row in rows[1:])}
        first, second, third = (by_id[number] for number in "123")
        self.assertEqual((first["note"], second["note"], third["note"]), ("plain", '\'=cmd|"x", and\nmore', ""))
        self.assertEqual((second["maybe"], third["maybe"]), ("", "'-1"))
        self.assertEqual((first['the "amount"'], third['the "amount"']), ("-0.05", "1234567890123456.78"))
        self.assertEqual(first["ratio"], "-0.1")
        self.assertEqual(base64.b64decode(second["blob"]), b"\xff\x01")
        self.assertEqual((first["at"], first["day"]), ("2024-10-03T21:30:00.000000Z", "2024-10-03"))
        self.assertEqual(json.loads(second["parts"]), [{"name": "p", "size": 3}, {"name": "-"}])
        self.assertEqual(json.loads(first["counts"]), {"a": 1})
        self.assertEqual((first["flag"], first["_topic"], first["_topic_partition"], first["_offset"]), ("true", "things", "0", "0"))

    def test_the_bytes_are_those_of_the_standard(self):
        done = self.local.command("export", "--table", TABLE, "--columns", "id,maybe,note", "--bom")
        self.assertEqual(done.stdout, b'\xef\xbb\xbfid,maybe,note\r\n1,,plain\r\n2,"","\'=cmd|""x"", and\nmore"\r\n3,\'-1,""\r\n')
        self.assertEqual(done.stderr, b"3 rows\n")
        self.assertEqual(self.local.command("export", "--table", TABLE, "--columns", "maybe", "--raw").stdout, b'maybe\r\n\r\n""\r\n-1\r\n')

    def test_duckdb_reads_the_file_as_it_reads_the_table(self):
        file = self.folder / "for-duckdb.csv"
        self.local.command("export", "--table", TABLE, "--raw", "--output", file)
        connection = duckdb.connect()
        connection.execute(f"""create view exported as select * from read_csv('{file}', header = true, all_varchar = true, nullstr = '',
                               allow_quoted_nulls = false)""")
        found = connection.execute('select id::bigint, note, maybe, "the ""amount"""::decimal(18,2), day::date from exported order by id').fetchall()
        connection.execute("create table typed (id bigint, note varchar, maybe varchar, \"the \"\"amount\"\"\" decimal(18,2), day date)")
        connection.executemany("insert into typed values (?, ?, ?, ?, ?)", found)
        self.compare(connection, "typed")

    def test_an_old_snapshot_is_what_it_was(self):
        place = self.place()
        place.land(ROWS[:1])
        first = place.table()["snapshot"]
        place.land(ROWS[1:])
        self.assertEqual(self.export(place, "--table", TABLE, "--snapshot", first, "--columns", "id"), [["id"], ["1"]])
        self.assertEqual(len(self.export(place, "--table", TABLE)), 4)

    def test_a_day_and_daily_files(self):
        place = self.place()
        hour = 3600
        # The 3rd ends at 22:00Z in Berlin.
        place.land([*ROWS, row(4, "next day", THIRD + hour), row(5, "and on", THIRD + 23 * hour)])
        self.assertEqual([one[0] for one in self.export(place, "--table", TABLE, "--columns", "id", "--day", "day=2024-10-04")], ["id", "4", "5"])
        folder = place.folder / "daily"
        daily = ["export", "--table", TABLE, "--daily", "day", "--dir", folder, "--columns", "id"]
        self.assertIn(f"{folder}/odd things-2024-10-03.csv: 3 rows\n", place.output(*daily))
        self.assertEqual([file.name for file in folder.iterdir()], ["odd things-2024-10-03.csv"])
        self.assertEqual(place.output(*daily), "")
        place.land([row(6, "late", THIRD), row(7, "end", THIRD + 25 * hour)])
        done = place.command(*daily, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"has 3 rows, the table has 4 of its day now; write it again with --rewrite\n", done.stdout)
        self.assertEqual((folder / "odd things-2024-10-04.csv").read_bytes(), b"id\r\n4\r\n5\r\n")
        self.assertIn("4 rows, written again", place.output(*daily, "--rewrite"))
        self.assertEqual(sorted((folder / "odd things-2024-10-03.csv").read_text().split()), ["1", "2", "3", "6", "id"])

    def test_wrong_flags_are_errors_of_usage(self):
        for flags in (["--topic", "a", "--table", "b"], [], ["--table", TABLE, "--daily", "day"], ["--table", TABLE, "--day", "day=soon"],
                      ["--table", TABLE, "--message", "M"], ["--table", TABLE, "--rewrite"]):
            self.assertEqual(self.local.command("export", *flags, check=False).returncode, 2, flags)

    def test_a_topic_has_the_rows_of_its_table(self):
        folder = self.folder / "kafka"
        SERVERS.callback(script, "kafka", "stop", "--dir", str(folder))
        kafka = script("kafka", "start", "--dir", str(folder))
        run(f"{BIN}/tshirt", "generate", "--bootstrap-servers", kafka, "--users", "200", "--partitions", "2")
        export = [f"{BIN}/tshirt", "export", "--bootstrap-servers", kafka, "--topic", "payments"]
        rows = list(csv.DictReader(io.StringIO(run(*export, "--message", "millrace.tshirt.v1.Payment").stdout.decode(), newline="")))
        self.assertGreater(len(rows), 50)
        self.assertEqual(len({(row["_topic_partition"], row["_offset"]) for row in rows}), len(rows))
        self.assertEqual([row["currency"] for row in rows if not re.fullmatch("[A-Z]{3}", row["currency"])], [])
        file = self.folder / "payments.csv"
        run(*export, "--set=warehouse.table.payments=payments millrace.tshirt.v1.Payment",
            "--set=warehouse.table.payments.columns.amount_cents.decimal=18,4", "--columns", "_offset,amount", "--output", file)
        with open(file, newline="") as lines:
            amounts = list(csv.DictReader(lines))
        # Four digits of the same integer instead of the shop's two.
        self.assertEqual([(row["_offset"], f"{decimal.Decimal(row['amount']) / 100:.4f}") for row in rows],
                         [(row["_offset"], row["amount"]) for row in amounts])
        done = run(*export, "--message", "millrace.tshirt.v1.Nothing", check=False)
        self.assertIn(b"there is no protobuf message millrace.tshirt.v1.Nothing", done.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--protoc", required=True)
    known, rest = parser.parse_known_args()
    BIN, PROTOC = known.bin, known.protoc
    with SERVERS:
        servers = SERVERS.enter_context(tempfile.TemporaryDirectory(prefix="millrace-commands-"))
        os.chmod(servers, 0o755)
        SERVERS.callback(script, "postgres", "stop", "--dir", f"{servers}/postgres")
        POSTGRES = script("postgres", "start", "--dir", f"{servers}/postgres").removeprefix("port=")
        unittest.main(argv=["commands_test", *rest])
