#!/usr/bin/env python3
"""PostgreSQL, Debezium, Kafka, Millrace and a table of the warehouse, all real: rows are changed by SQL, Connect is killed and started again, and
what comes out must be what the database holds, each fact once.

  debezium.py --bin FOLDER    with the programs in FOLDER
"""

import argparse
import concurrent.futures
import datetime
import decimal
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import psycopg2
import pyiceberg.table

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(SOURCE / "tests/support"))
import duck  # noqa: E402
import local_servers  # noqa: E402

DEADLINE_S = 90
OWNER = "of-the-owner"
TABLE = "public.orders"

SCHEMA = """
create type order_status as enum ('open', 'paid');
create table orders (
  id bigint primary key, customer text not null, status order_status not null default 'open', amount numeric(12, 2) not null,
  discount numeric(12, 4), weight_kg numeric, ordered_at timestamptz not null, local_time timestamp, deliver_on date, note text,
  tags text[] not null default '{}', internal_code int);
create table secrets (id int primary key, secret text);
alter table orders replica identity full;
insert into secrets values (1, 'not for Kafka');
insert into orders values
  (1, 'Åsa "q" \\', 'open', 12.30, 0.0005, 1.250, '2026-11-30 08:09:10.123456+01', '2026-11-30 08:09:10', '2026-12-24', null, '{a,"b c"}', 7),
  (2, 'Bob', 'paid', 99999999.99, null, null, '2026-11-30 23:59:59.999999+00', null, null, '', '{}', null),
  (3, 'Eve', 'open', -0.01, -2.5, 1e-7, '1969-12-31 23:59:59.5+00', '1583-01-01 00:00:00.000001', '1900-01-01', 'x', '{}', null);
insert into orders (id, customer, amount, ordered_at) values (4, 'to go', 1, '2026-01-01');
insert into orders (id, customer, amount, ordered_at, note) select i, 'many', i, '2026-01-01', repeat('n', 30) from generate_series(1000, 1199) i;
"""
# Each is a transaction.
BEFORE_THE_KILL = [
    "update orders set status = 'paid', amount = 10.05, note = 'now' where id = 1",
    "delete from orders where id = 4",
    "update orders set id = 30 where id = 3",
    "insert into orders (id, customer, amount, ordered_at, note) values (5, 'Ida', 5.5, '2026-02-28 23:00+00', repeat('large ', 20000))",
    "update orders set status = 'paid' where id between 1000 and 1099",
]
WHILE_IT_IS_DOWN = [
    "update orders set status = 'paid' where id = 5",
    "update orders set status = 'open', customer = 'Bobby' where id = 2",
    "insert into orders (id, customer, status, amount, ordered_at) values (4, 'came back', 'paid', 4, '2026-03-01')",
    "delete from orders where id between 1150 and 1199",
]
AFTER_IT = [
    "update orders set status = 'paid' where id = 2",
    "update orders set status = 'paid', discount = null where id = 30",
    "insert into orders (id, customer, amount, ordered_at) values (6, 'last', 6, '2026-03-02')",
]


def script(name, *arguments):
    return local_servers.script(name, *arguments, DEBEZIUM_PASSWORD="of the \\ role", PGPASSWORD=OWNER)


class Run:
    def __init__(self, bin_folder, folder):
        self.program, self.folder = bin_folder / "debezium_app", folder
        self.processes, self.started = [], time.monotonic()

    def start_servers(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            kafka = pool.submit(script, "kafka", "start", "--dir", str(self.folder / "kafka"))
            port = pool.submit(script, "postgres", "start", "--dir", str(self.folder / "postgres"), "--password", OWNER)
            self.brokers, port = kafka.result(), port.result()
        self.database = f"postgresql://millrace@127.0.0.1:{port}/millrace"
        self.connection = psycopg2.connect(self.database, password=OWNER)
        self.connection.autocommit = True
        self.sql(SCHEMA)
        script("debezium", "prepare", "--database", self.database, "--tables", TABLE)

    def sql(self, statement):
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def start_debezium(self):
        # Seldom enough that changes can be made between two writes of the offsets.
        script("debezium", "start", "--dir", str(self.folder / "debezium"), "--bootstrap-servers", self.brokers, "--database", self.database,
               "--tables", TABLE, "--partitions", "2", "--set-connect", "offset.flush.interval.ms=10000")

    def command(self, *arguments):
        done = subprocess.run([self.program, *arguments, "--bootstrap-servers", self.brokers], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def start(self, command, *settings):
        log = open(self.folder / f"{command}.log", "w")
        given = [flag for setting in settings for flag in ("--set", setting)]
        process = subprocess.Popen([self.program, command, "--bootstrap-servers", self.brokers, "--set", f"state.dir={self.folder / 'state'}", *given],
                                   stdout=log, stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process

    def dump(self, topic, message):
        return [json.loads(line) for line in self.command("dump", topic, message).splitlines()]

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for name in ("debezium", "kafka", "postgres"):
            if (self.folder / name).exists():
                script(name, "stop", "--dir", str(self.folder / name), *(["--immediate"] if name != "kafka" else []))

    def expect(self, what, seen, expected):
        """Until they are equal; both are asked again and again."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            for process in self.processes:
                if process.poll() is not None:
                    raise RuntimeError(f"a program ended with {process.returncode}")
            a, b = seen(), expected()
            if a == b:
                print(f"{time.monotonic() - self.started:5.1f} s {what}: {len(a)} as expected", flush=True)
                return
            if time.monotonic() > deadline:
                different = {k: (a.get(k), b.get(k)) for k in a.keys() | b.keys() if a.get(k) != b.get(k)}
                raise AssertionError(f"{what}: seen, expected: {dict(list(different.items())[:10])}")
            time.sleep(0.3)


def kill_debezium(run):
    """Between a change in Kafka and the offset that says so, so that the change is written again."""
    offsets = run.folder / "debezium" / "offsets"
    deadline = time.monotonic() + DEADLINE_S
    # Without any offset Debezium would take its snapshot again, which does not tell of rows deleted before.
    while not offsets.exists():
        assert time.monotonic() < deadline, "Connect wrote no offsets"
        time.sleep(0.1)
    while True:
        written = offsets.stat().st_mtime_ns
        run.sql("update orders set note = coalesce(note, '') || '.' where id in (1, 5)")
        run.expect("rows before the kill", lambda: last_of_each(run), lambda: row_of_database(run))
        if offsets.stat().st_mtime_ns == written:
            script("debezium", "stop", "--dir", str(run.folder / "debezium"), "--immediate")
            if offsets.stat().st_mtime_ns == written:
                return
            run.start_debezium()
        assert time.monotonic() < deadline, "each change was followed by a write of the offsets"


def time_text(value):
    """As protobuf writes a Timestamp in JSON."""
    if value is None:
        return None
    if value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc)
    text = value.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    if value.microsecond:
        text += f".{value.microsecond:06d}" if value.microsecond % 1000 else f".{value.microsecond // 1000:03d}"
    return text + "Z"


def row_of_database(run):
    """{id: what the message of the row says}, from PostgreSQL."""
    rows = {}
    for id_, customer, status, amount, discount, weight, ordered, local, deliver, note, tags in run.sql(
            "select id, customer, status, amount, discount, weight_kg::text, ordered_at, local_time, deliver_on, note, tags from orders"):
        rows[str(id_)] = {
            "customer": customer, "status": status, "cents": int(amount * 100), "discount": discount, "weight": weight or "",
            "ordered_at": time_text(ordered), "local_time": time_text(local), "deliver_on": deliver, "note": note, "tags": tags}
    return rows


def money(value):
    return None if value is None else decimal.Decimal(value.get("units", "0")) + decimal.Decimal(value.get("nanos", 0)) / 10**9


def date(value):
    return None if value is None else datetime.date(value["year"], value["month"], value["day"])


def last_of_each(run):
    """{id: what the last message says}, from the result topic."""
    rows = {}
    for record in run.dump("order-rows", "Order"):
        if record["value"] is None:
            rows.pop(record["key"], None)
            continue
        value = record["value"]
        assert value["id"] == record["key"], record
        rows[record["key"]] = {
            "customer": value["customer"], "status": {"ORDER_STATUS_OPEN": "open", "ORDER_STATUS_PAID": "paid"}[value["status"]],
            "cents": int(value.get("amountCents", "0")), "discount": money(value.get("discount")), "weight": value.get("weightKg", ""),
            "ordered_at": value["orderedAt"], "local_time": value.get("localTime"), "deliver_on": date(value.get("deliverOn")),
            "note": value.get("note"), "tags": value.get("tags", [])}
    return rows


def times_paid(run):
    """{id: how often the result topic says that it was paid}"""
    times = {}
    for record in run.dump("paid-orders", "PaidOrder"):
        times[record["key"]] = times.get(record["key"], 0) + 1
    return times


def expect_repetition(run):
    """Debezium must have written changes again, or the rest proves little."""
    positions = {}
    for record in run.dump("shop.public.orders", "raw"):
        if record["value"] is not None:
            change = (record["key"], record["value"]["op"], record["value"]["source"]["txId"], record["value"]["source"]["lsn"])
            positions[change] = positions.get(change, 0) + 1
    repeated = sum(1 for times in positions.values() if times > 1)
    print(f"changes written by Debezium: {sum(positions.values())}, of which {repeated} came more than once", flush=True)
    assert repeated > 0, "no change was written again: the kill did nothing"


def check_tables(run, paid):
    """pyiceberg and DuckDB see each fact of the topic once."""
    folder = run.folder / "warehouse" / "shop" / "paid_orders"
    names = "order_id, customer, amount_cents, ordered_at, deliver_on"

    def rows():
        hint = folder / "metadata" / "version-hint.text"
        if not hint.exists():
            return {}
        version = int(hint.read_text())
        while (folder / "metadata" / f"v{version + 1}.metadata.json").exists():
            version += 1
        metadata = folder / "metadata" / f"v{version}.metadata.json"
        arrow = pyiceberg.table.StaticTable.from_metadata(str(metadata)).scan().to_arrow()
        by_pyiceberg = sorted(tuple(row[name] for name in names.split(", ")) for row in arrow.to_pylist())
        connection = duck.iceberg()
        connection.execute("set TimeZone = 'UTC'")
        by_duckdb = sorted(connection.execute(f"select {names} from iceberg_scan('{metadata}')").fetchall())
        assert by_pyiceberg == by_duckdb, (by_pyiceberg, by_duckdb)
        times = {}
        for row in by_duckdb:
            times[str(row[0])] = times.get(str(row[0]), 0) + 1
        return times

    run.expect("rows of the table in the warehouse", rows, lambda: {order: 1 for order in paid})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="millrace-debezium-") as folder:
        # PostgreSQL's processes may be nobody's.
        pathlib.Path(folder).chmod(0o755)
        run = Run(arguments.bin.resolve(), pathlib.Path(folder))
        try:
            run.start_servers()
            run.start_debezium()
            for topic in ("order-rows", "paid-orders"):
                run.command("create", topic)
            run.start("run", "processing.guarantee=exactly_once_v2")
            run.start("land", "warehouse.uri=file://" + str(run.folder / "warehouse"), "warehouse.namespace=shop",
                      "warehouse.commit.interval.ms=1000", "warehouse.table.paid_orders=paid-orders millrace.test.PaidOrder")
            run.expect("rows after the snapshot", lambda: last_of_each(run), lambda: row_of_database(run))
            for statement in BEFORE_THE_KILL:
                run.sql(statement)
            run.expect("rows after changes", lambda: last_of_each(run), lambda: row_of_database(run))
            kill_debezium(run)
            for statement in WHILE_IT_IS_DOWN:
                run.sql(statement)
            run.start_debezium()
            for statement in AFTER_IT:
                run.sql(statement)
            run.expect("rows after the restart", lambda: last_of_each(run), lambda: row_of_database(run))
            expect_repetition(run)
            # All that were ever paid, whatever became of them.
            paid = {"1", "2", "4", "5", "30"} | {str(i) for i in range(1000, 1100)}
            run.expect("facts in the topic", lambda: times_paid(run), lambda: {order: 1 for order in paid})
            check_tables(run, paid)
            for process in run.processes:
                process.send_signal(signal.SIGTERM)
            codes = [process.wait(timeout=60) for process in run.processes]
            assert codes == [0, 0], f"the programs ended with {codes}"
            script("debezium", "stop", "--dir", str(run.folder / "debezium"))
            script("debezium", "drop", "--database", run.database)
            left = run.sql("select slot_name from pg_replication_slots union select pubname from pg_publication "
                           "union select rolname from pg_roles where rolname = 'debezium'")
            assert left == [], left
        except BaseException:
            for log in sorted(run.folder.glob("*.log")):
                print(f"---- {log.name}\n{log.read_text(errors='replace')[-3000:]}", file=sys.stderr)
            raise
        finally:
            run.stop()
    print(f"ok, {time.monotonic() - run.started:.0f} s")


if __name__ == "__main__":
    main()
