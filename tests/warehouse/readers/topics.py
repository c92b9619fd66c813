"""What the tables must say, from the topics: read by another Kafka client, with the messages' descriptors as protoc makes them."""

import collections
import datetime
import decimal
import pathlib
import subprocess
import tempfile
import zoneinfo

from confluent_kafka import Consumer, TopicPartition
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SOURCE = pathlib.Path(__file__).resolve().parents[3]
DEADLINE_S = 300
UNIX_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

Record = collections.namedtuple("Record", "topic partition offset timestamp_ms key value")


def read(servers, topic):
    """All records that are committed, in the order of their partitions."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "readers-test", "isolation.level": "read_committed",
                         "enable.auto.commit": False, "enable.partition.eof": True, "fetch.wait.max.ms": 50})
    try:
        left = set(consumer.list_topics(topic, timeout=DEADLINE_S).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in left])
        records = []
        while left:
            message = consumer.poll(DEADLINE_S)
            if message is None:
                raise RuntimeError(f"topic {topic}: nothing came for {DEADLINE_S} s from partitions {sorted(left)}")
            if message.error():
                left.discard(message.partition())
            else:
                records.append(Record(topic, message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value()))
        return sorted(records, key=lambda record: (record.partition, record.offset))
    finally:
        consumer.close()


def message_classes():
    """{full name: class} of the shop's messages."""
    with tempfile.NamedTemporaryFile() as file:
        folder = SOURCE / "topologies/tshirt"
        subprocess.run(["protoc", f"-I{folder}", "--include_imports", f"--descriptor_set_out={file.name}", "tshirt.proto"], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for entry in files.file:
        pool.Add(entry)
    return message_factory.GetMessageClassesForFiles([entry.name for entry in files.file], pool)


def micros(stamp):
    return stamp.seconds * 1_000_000 + stamp.nanos // 1000


def instant(micros_since_epoch):
    return UNIX_EPOCH + datetime.timedelta(microseconds=micros_since_epoch)


class Table:
    """A line warehouse.table.<name>=<topic> <message> with its settings, and what they make of a record."""

    def __init__(self, name, line, settings, classes):
        self.name = name
        self.topic, message = line.split()
        self.message_class = classes[message]
        self.settings = settings
        self.zone = zoneinfo.ZoneInfo(settings.get("time.zone", "UTC"))
        self.dates = {key.split(".")[1]: source for key, source in settings.items() if key.endswith(".date.from")}

    def columns(self):
        fields = [self.settings.get(f"columns.{field.name}.name", field.name) for field in self.message_class.DESCRIPTOR.fields]
        return [*fields, *self.dates, "_topic", "_topic_partition", "_offset", "_timestamp"]

    def row(self, record):
        """As rows.plain makes them of what engines return."""
        message = self.message_class.FromString(record.value)
        values = [self.value(message, field) for field in message.DESCRIPTOR.fields]
        for source in self.dates.values():
            stamp = record.timestamp_ms * 1000 if source == "_timestamp" else micros(getattr(message, source))
            values.append(instant(stamp).astimezone(self.zone).date().isoformat())
        return (*values, record.topic, record.partition, record.offset, record.timestamp_ms * 1000)

    def value(self, message, field):
        value = getattr(message, field.name)
        if field.message_type is not None:
            return micros(value) if message.HasField(field.name) else None
        if scale := self.settings.get(f"columns.{field.name}.decimal"):
            return str(decimal.Decimal(value).scaleb(-int(scale.split(",")[1])))
        return value


def tables(properties):
    """The tables of a landing's configuration."""
    classes = message_classes()
    prefix = "warehouse.table."
    lines = {key.removeprefix(prefix): value for key, value in properties.items() if key.startswith(prefix)}
    return {name: Table(name, line, {key.removeprefix(f"{name}."): value for key, value in lines.items() if key.startswith(f"{name}.")},
                        classes)
            for name, line in lines.items() if "." not in name}
