"""Topics whose messages stand in a real Schema Registry, landed by `millrace land`: one written by Confluent's own client, whose schema changes
while it is landed, and one whose .proto files were registered as texts. Each record must be one row, as DuckDB reads it."""

import argparse
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path += [str(SOURCE / "tests/integration"), str(SOURCE / "tests/support")]
import duck  # noqa: E402
from local_servers import script  # noqa: E402
from workers import Worker  # noqa: E402

DEADLINE_S = 60
BIN: pathlib.Path
MONEY = 'syntax = "proto3"; package shop; message Money { int64 cents = 1; string currency = 2; }'
ORDER = '''syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto"; import "money.proto";
message Line { string sku = 1; int32 count = 2; }
message Order { int64 order_id = 1; Money price = 2; repeated Line lines = 3; google.protobuf.Timestamp ordered_at = 4; %s }'''
NOTE = "optional string note = 5;"


def messages(folder, order):
    """{full name: class} of one version of the files, in a pool of its own."""
    folder.mkdir()
    (folder / "money.proto").write_text(MONEY)
    (folder / "order.proto").write_text(order)
    subprocess.run(["protoc", f"-I{folder}", "--include_imports", f"--descriptor_set_out={folder}/set", "order.proto"], check=True)
    files = descriptor_pb2.FileDescriptorSet.FromString((folder / "set").read_bytes()).file
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    return message_factory.GetMessageClassesForFiles([file.name for file in files], pool)


class RegistryTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="millrace-registry-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.addCleanup(script, "kafka", "stop", "--dir", str(self.folder / "kafka"))
        self.servers = script("kafka", "start", "--dir", str(self.folder / "kafka"))
        self.addCleanup(script, "schema_registry", "stop", "--dir", str(self.folder / "registry"))
        self.registry = script("schema_registry", "start", "--dir", str(self.folder / "registry"))
        admin = AdminClient({"bootstrap.servers": self.servers})
        topics = [NewTopic(topic, num_partitions=1, replication_factor=1) for topic in ("orders", "lines")]
        for created in admin.create_topics(topics).values():
            created.result()
        self.producer = Producer({"bootstrap.servers": self.servers})

    def register(self, subject, text, references):
        body = json.dumps({"schemaType": "PROTOBUF", "schema": text, "references": references}).encode()
        request = urllib.request.Request(f"{self.registry}/subjects/{subject}/versions", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["id"]

    def send_orders(self, classes, numbers, **more):
        serializer = ProtobufSerializer(classes["shop.Order"], SchemaRegistryClient({"url": self.registry}), {"use.deprecated.format": False})
        for number in numbers:
            order = classes["shop.Order"](order_id=number, price={"cents": 100 * number, "currency": "EUR"},
                                          lines=[{"sku": f"sku-{number}", "count": 2}], ordered_at={"seconds": 1790000000 + number}, **more)
            self.producer.produce("orders", serializer(order, SerializationContext("orders", MessageField.VALUE)), key=str(number))
        self.assertEqual(self.producer.flush(DEADLINE_S), 0)

    def rows(self, table, columns):
        location = self.folder / "warehouse/default" / table
        if not (location / "metadata/version-hint.text").exists():
            return []
        try:
            return duck.iceberg().execute(f"select {columns} from iceberg_scan(?) order by _offset", [str(location)]).fetchall()
        except duck.duckdb.BinderException:  # a column that is not there yet
            return []

    def until_rows(self, table, columns, wanted):
        deadline = time.monotonic() + DEADLINE_S
        while len(self.rows(table, columns)) < len(wanted) and time.monotonic() < deadline and self.land.process.poll() is None:
            time.sleep(0.2)
        self.assertEqual(self.rows(table, columns), wanted, self.land.text()[-3000:])

    def test_each_record_is_a_row_by_the_schema_that_it_was_written_with(self):
        first = messages(self.folder / "first", ORDER % "")
        self.send_orders(first, range(1, 51))
        money = self.register("money", MONEY, [])
        self.assertGreater(money, 0)
        schema = self.register("lines-value", ORDER % "", [{"name": "money.proto", "subject": "money", "version": 1}])
        # The way to the first message of a file is written as a single zero.
        self.producer.produce("lines", b"\0" + schema.to_bytes(4, "big") + b"\0" + first["shop.Line"](sku="a", count=3).SerializeToString())
        self.producer.produce("lines", b"no header")
        self.assertEqual(self.producer.flush(DEADLINE_S), 0)
        self.land = Worker("land", [f"{BIN}/millrace", "land", "--bootstrap-servers", self.servers, "--set", "application.id=registry",
                                    "--set", f"warehouse.uri=file://{self.folder}/warehouse", "--set", "warehouse.commit.interval.ms=300",
                                    "--set", f"warehouse.schema.registry.url={self.registry}", "--set", "warehouse.table.orders=orders registry:shop.Order",
                                    "--set", "warehouse.table.lines=lines registry", "--set", "warehouse.table.lines.errors=dead-letter"], self.folder)
        self.addCleanup(self.land.process.kill)
        plain = "order_id, price.cents, lines[1].sku, epoch(ordered_at)::bigint"
        self.until_rows("orders", plain, [(n, 100 * n, f"sku-{n}", 1790000000 + n) for n in range(1, 51)])
        self.until_rows("lines", "sku, count", [("a", 3)])
        self.until_rows("lines_dead_letters", "_offset", [(1,)])

        # Records by both schemas in turn, as while a service is rolled out.
        second = messages(self.folder / "second", ORDER % NOTE)
        self.send_orders(second, range(51, 61), note="by the new one")
        self.send_orders(first, range(61, 71))
        self.send_orders(second, range(71, 81), note="again")
        notes = {**dict.fromkeys(range(51, 61), "by the new one"), **dict.fromkeys(range(71, 81), "again")}
        self.until_rows("orders", f"{plain}, note", [(n, 100 * n, f"sku-{n}", 1790000000 + n, notes.get(n)) for n in range(1, 81)])
        self.assertEqual(self.land.end(signal.SIGTERM)[0], 0, self.land.text())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    options, rest = parser.parse_known_args()
    BIN = options.bin
    unittest.main(argv=[sys.argv[0], *rest])
