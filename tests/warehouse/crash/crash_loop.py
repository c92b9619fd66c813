"""Two processes land one topic, both all of its partitions, and are killed by SIGKILL over and over: after a random time, and at each
point of a commit. Then each record of the topic must be one row of the table.

  warehouse_crash [--kills N] [--catalog fs|sql] [--storage local|s3|hdfs|postgres] [--upkeep on|off] [--upsert] [--offsets-outside] [--seed S]

With --storage postgres the table is one of PostgreSQL, with a row for each record, and every kill comes at a random time.
Both also keep the table small, as often as they can: they compact each other's files, forget snapshots, delete files. --upkeep off leaves that out.
--upsert lands with mode=upsert records of a few hundred keys: then each record must be one row of the table of changes, and the other table
must have the latest row of each key.

--offsets-outside keeps the positions in a file beside the table, as landings do that commit offsets to Kafka: rows come twice then. Prints what
it did and saw; the last line is `N kills, R rows, D distinct, L in the topic: ok` or `: WRONG`; exit code 1 if wrong.
"""

import argparse
import contextlib
import io
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import duckdb
import fastavro
import psycopg2
import pyarrow
import pyarrow.parquet
import pyiceberg.catalog.sql
import pyiceberg.io
import pyiceberg.table

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(SOURCE / "tests/support"))
from local_servers import S3, script  # noqa: E402

PARTITIONS = 3
# Some hundred records, so that a landing has many commits.
SMALL_COMMIT_BYTES = 20000
POINTS = [f"{when}-{what}" for what in ("upload", "manifest", "list", "swap", "hint", "delete") for when in ("before", "after")]
# As often as it can be, so that it meets commits and kills.
UPKEEP = {"compaction.min-input-files": 2, "compaction.idle-ms": 0, "commit.manifest.min-count-to-merge": 4, "expire.interval-ms": 0,
          "history.expire.max-snapshot-age-ms": 3000, "history.expire.min-snapshots-to-keep": 5, "sweep.interval-ms": 0}
TOPIC = "payments"
KEYS = 500


class Place:
    """Where the table is: servers, settings, and how a reader comes to it."""

    def __init__(self, arguments, folder):
        self.folder, self.ends = folder, []
        self.log = "payments_changes" if arguments.upsert else "payments"  # in which each record is a row
        self.settings = {"catalog": arguments.catalog, "uri": f"file://{folder}/warehouse"}
        self.reading = {}
        self.serving = None
        self.environment = {}
        getattr(self, f"start_{arguments.storage}")()
        if arguments.catalog == "sql":
            port = self.start_server()
            self.settings["catalog.uri"] = f"postgresql://millrace@127.0.0.1:{port}/millrace"
            self.sql = f"postgresql+psycopg2://millrace@127.0.0.1:{port}/millrace"

    def start_server(self):
        port = script("postgres", "start", "--dir", str(self.folder / "postgres"))
        self.ends.append(lambda: script("postgres", "stop", "--dir", str(self.folder / "postgres")))
        return port

    def start_local(self):
        pass

    def start_postgres(self):
        address = f"postgresql://millrace@127.0.0.1:{self.start_server()}/millrace"
        self.settings |= {"uri": address, "table.mode": "append"}
        self.serving = address

    def start_s3(self):
        server = S3()
        self.ends.append(server.stop)
        self.environment = server.environment
        self.settings |= {"uri": "s3://warehouse/crash-loop", **server.settings}
        self.reading = server.reading

    def start_hdfs(self):
        self.hdfs = script("hdfs", "start", "--dir", str(self.folder / "hdfs"))
        self.ends.append(lambda: script("hdfs", "stop", "--dir", str(self.folder / "hdfs")))
        self.settings["uri"] = f"hdfs://{self.hdfs}/warehouse"

    def read_hdfs(self, path):
        """None if there is no such file."""
        path = path.removeprefix(f"hdfs://{self.hdfs}")
        try:
            with urllib.request.urlopen(f"http://{self.hdfs}/webhdfs/v1{urllib.parse.quote(path)}?op=OPEN", timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def rows_of_hdfs(self, name, columns):
        """By WebHDFS, for which pyiceberg has no client."""
        folder = f"{self.settings['uri']}/crash/{name}/metadata"
        version = int(self.read_hdfs(f"{folder}/version-hint.text"))
        while self.read_hdfs(f"{folder}/v{version + 1}.metadata.json") is not None:
            version += 1
        metadata = json.loads(self.read_hdfs(f"{folder}/v{version}.metadata.json"))
        snapshot = next(s for s in metadata["snapshots"] if s["snapshot-id"] == metadata["current-snapshot-id"])
        avro = lambda path: fastavro.reader(io.BytesIO(self.read_hdfs(path)))  # noqa: E731
        files = [entry["data_file"]["file_path"] for manifest in avro(snapshot["manifest-list"])
                 for entry in avro(manifest["manifest_path"]) if entry["status"] != 2]
        return pyarrow.concat_tables([pyarrow.parquet.read_table(io.BytesIO(self.read_hdfs(path)), columns=list(columns))
                                      for path in files])

    def rows(self, name, columns):
        """An Arrow table."""
        if self.settings["uri"].startswith("hdfs:"):
            return self.rows_of_hdfs(name, columns)
        return self.table(name).scan(selected_fields=columns).to_arrow()

    def table(self, name):
        if self.settings["catalog"] == "sql":
            catalog = pyiceberg.catalog.sql.SqlCatalog("millrace", uri=self.sql, **self.reading)
            return catalog.load_table(("crash", name))
        folder = f"{self.settings['uri']}/crash/{name}/metadata"
        files = pyiceberg.io.load_file_io(self.reading, folder)
        # The hint may lag behind; what follows it says so by being there.
        version = int(files.new_input(f"{folder}/version-hint.text").open().read())
        while files.new_input(f"{folder}/v{version + 1}.metadata.json").exists():
            version += 1
        return pyiceberg.table.StaticTable.from_metadata(f"{folder}/v{version}.metadata.json", self.reading)

    def stop(self):
        for end in reversed(self.ends):
            end()


class Lander:
    """One of the two: runs, is killed, runs again."""

    def __init__(self, number, arguments, place, servers, stop):
        self.number, self.arguments, self.place, self.servers, self.stop = number, arguments, place, servers, stop
        self.random = random.Random(arguments.seed * 10 + number)
        self.kills, self.points, self.failures = 0, {}, []
        # There is no hint where a catalog knows the newest state.
        self.kill_points = [point for point in POINTS if arguments.catalog == "fs" or not point.endswith("-hint")]
        self.log = open(place.folder / f"lander-{number}.log", "w")
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def start(self, point=None, commit_bytes=SMALL_COMMIT_BYTES):
        environment = {**os.environ, **self.place.environment, "MILLRACE_WAREHOUSE_MODULE": f"{self.arguments.bin}/libkilling_warehouse.so"}
        if self.arguments.offsets_outside:
            environment["WAREHOUSE_OFFSETS_FILE"] = str(self.place.folder / "offsets")
        if point:
            environment["WAREHOUSE_KILL_AT"] = f"{point}:{self.random.randint(1, 8)}"
        settings = {**self.place.settings, "spool.dir": f"{self.place.folder}/spool-{self.number}"}
        if self.arguments.upkeep == "on":
            settings |= {f"table.{name}": value for name, value in UPKEEP.items()}
        else:
            settings["table.upkeep"] = "off"
        if self.arguments.upsert:
            settings |= {"table.mode": "upsert", "table.columns._key": "string"}
        return subprocess.Popen([f"{self.arguments.bin}/warehouse_lander", "land", self.servers, TOPIC, str(commit_bytes),
                                 *(f"{name}={value}" for name, value in settings.items())],
                                stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)

    def run(self):
        while not self.stop.is_set():
            # Every other time at a point, in turn.
            point = self.kill_points[self.kills // 2 % len(self.kill_points)] if self.kills % 2 and not self.place.serving else None
            process = self.start(point)
            process.stdout.readline()
            try:
                process.wait(20 if point else self.random.uniform(0.005, 0.5))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                point = None
            if process.returncode != -signal.SIGKILL:
                self.log.flush()
                said = pathlib.Path(self.log.name).read_text(errors="replace").splitlines()[-3:]
                self.failures.append(f"lander {self.number} ended with {process.returncode}: {said}")
                return
            self.kills += 1
            if point:
                self.points[point] = self.points.get(point, 0) + 1


def land_the_rest(arguments, place, servers, records):
    """Both once more, in peace, until all is landed."""
    stop = threading.Event()
    stop.set()
    landers = [Lander(number, arguments, place, servers, stop) for number in (1, 2)]
    processes = [lander.start(commit_bytes=100 * SMALL_COMMIT_BYTES) for lander in landers]
    deadline = time.monotonic() + 120
    rows = -1
    while time.monotonic() < deadline:
        time.sleep(1)
        now = count(place)
        if now[1] >= records and now == rows and wrong_latest(arguments, place) == 0:
            break
        rows = now
    for process in processes:
        process.terminate()
        out = process.communicate(timeout=60)[0]
        print(f"at the end: {out.splitlines()[-1]}, exit code {process.returncode}", flush=True)
    return count(place)


def read(place, name, columns):
    for attempt in range(5):
        try:
            return place.rows(name, columns)
        except FileNotFoundError:
            # A snapshot that was forgotten meanwhile; the tables are kept so for three seconds only.
            if attempt == 4:
                raise


def count(place):
    if place.serving:
        with contextlib.closing(psycopg2.connect(place.serving)) as connection, connection.cursor() as cursor:
            cursor.execute("select to_regclass('crash.payments')")
            if cursor.fetchone()[0] is None:
                return 0, 0
            cursor.execute("select count(*), count(distinct (_topic_partition, _offset)) from crash.payments")
            return cursor.fetchone()
    landed = read(place, place.log, ("_topic_partition", "_offset"))  # noqa: F841 - read by the query
    return duckdb.sql("select count(*), count(distinct (_topic_partition, _offset)) from landed").fetchone()


def wrong_latest(arguments, place):
    """How many keys of the table of latest rows are not as the log says."""
    if not arguments.upsert:
        return 0
    columns = ("_topic_partition", "_offset", "_key", "payment_id")
    changes = read(place, "payments_changes", (*columns, "_op"))  # noqa: F841 - read by the query
    latest = read(place, "payments", columns)  # noqa: F841
    return duckdb.sql("""with right_ones as (
        select _topic_partition, _key, max(_offset) as _offset, arg_max(payment_id, _offset) as payment_id
        from changes group by all having arg_max(_op, _offset) = 'u')
        select (select count(*) from (select _topic_partition, _key, _offset, payment_id from latest except all select * from right_ones))
             + (select count(*) from (select * from right_ones except all select _topic_partition, _key, _offset, payment_id from latest))""").fetchone()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--catalog", choices=["fs", "sql"], default="fs")
    parser.add_argument("--storage", choices=["local", "s3", "hdfs", "postgres"], default="local")
    parser.add_argument("--upkeep", choices=["on", "off"], default="on")
    parser.add_argument("--upsert", action="store_true")
    parser.add_argument("--offsets-outside", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # So many that the killing ends before the landing does.
    records = 2000 * arguments.kills
    with tempfile.TemporaryDirectory(prefix="millrace-crash-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user
        servers = script("kafka", "start", "--dir", str(folder / "kafka"))
        place = None
        try:
            place = Place(arguments, folder)
            subprocess.run([f"{arguments.bin}/warehouse_lander", "fill", servers, TOPIC, str(PARTITIONS), str(records),
                            *([str(KEYS)] if arguments.upsert else [])], check=True)
            stop = threading.Event()
            began = time.monotonic()
            landers = [Lander(number, arguments, place, servers, stop) for number in (1, 2)]
            while sum(lander.kills for lander in landers) < arguments.kills and not any(lander.failures for lander in landers):
                time.sleep(0.05)
            stop.set()
            for lander in landers:
                lander.thread.join()
            kills = sum(lander.kills for lander in landers)
            failures = [failure for lander in landers for failure in lander.failures]
            points = {point: sum(lander.points.get(point, 0) for lander in landers) for point in POINTS}
            print(f"{kills} kills in {time.monotonic() - began:.0f} s; at points: {points}; landed meanwhile: {count(place)[1]}", flush=True)
            rows, distinct = land_the_rest(arguments, place, servers, records)
            wrong = wrong_latest(arguments, place)
            if arguments.storage in ("local", "s3"):  # which pyiceberg reads
                names = ["payments", "payments_changes"] if arguments.upsert else ["payments"]
                print(", ".join(f"{len(list(place.table(name).scan().plan_files()))} files of {name}" for name in names))
            print(f"wrong latest rows: {wrong}")
        finally:
            script("kafka", "stop", "--dir", str(folder / "kafka"))
            if place:
                place.stop()
        for failure in failures:
            print(failure)
        right = rows == distinct == records and not wrong and not failures
        print(f"{kills} kills, {rows} rows, {distinct} distinct, {records} in the topic: {'ok' if right else 'WRONG'}")
        return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
