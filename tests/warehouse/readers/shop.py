"""The shop on a real Kafka, landed by the program in each kind of place: local files and S3, with the catalogs fs and sql."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import psycopg2

import page

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(SOURCE / "tests/support"))
from local_servers import S3, output_of, script  # noqa: E402

DEADLINE_S = 900
PLACES = ["local", "s3", "sql", "sql-s3"]


class Place:
    """What the page's addresses mean here, and the configuration of the landing."""

    def __init__(self, name, servers, blocks):
        self.name = name
        self.s3 = name in ("s3", "sql-s3")
        self.sql = name in ("sql", "sql-s3")
        self.folder = servers.folder / name
        database = name.replace("-", "_")
        self.substitutes = {
            "s3.example:9000/company/warehouse": f"127.0.0.1:{servers.s3.port}/warehouse/{name}",
            "/data/warehouse": str(self.folder / "warehouse"), "s3://company/warehouse": f"s3://warehouse/{name}",
            "s3.example:9000": f"127.0.0.1:{servers.s3.port}", "ACCESS_KEY": servers.s3.access_key, "SECRET_KEY": servers.s3.secret_key,
            "postgres.example:5432/catalog": f"127.0.0.1:{servers.postgres_port}/{database}",
            "host=postgres.example port=5432 dbname=catalog": f"host=127.0.0.1 port={servers.postgres_port} dbname={database}"}
        self.properties = page.properties(self.fill(blocks["tables"]))
        for block in (["sql"] if self.sql else []) + (["s3"] if self.s3 else [] if self.sql else ["local"]):
            self.properties |= page.properties(self.fill(blocks[block]))
        if self.sql:
            servers.create_database(database)
        self.folder.mkdir()
        self.environment = {**os.environ, **servers.s3.environment}

    def fill(self, code):
        return page.fill(code, self.substitutes)

    def location(self, table):
        return f"{self.properties['warehouse.uri']}/shop/{table}"


class Servers:
    """Kafka, PostgreSQL and S3, until the with-block ends."""

    def __init__(self, folder):
        self.folder = folder
        self.ends = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as begun:
            begun.callback(script, "kafka", "stop", "--dir", str(self.folder / "kafka"))
            self.kafka = script("kafka", "start", "--dir", str(self.folder / "kafka"))
            begun.callback(script, "postgres", "stop", "--dir", str(self.folder / "postgres"))
            self.postgres_port = script("postgres", "start", "--dir", str(self.folder / "postgres"))
            self.s3 = S3()
            begun.callback(self.s3.stop)
            self.ends = begun.pop_all()
        return self

    def __exit__(self, *error):
        self.ends.close()

    def create_database(self, name):
        connection = psycopg2.connect(host="127.0.0.1", port=self.postgres_port, dbname="millrace", user="millrace")
        connection.autocommit = True
        connection.cursor().execute(f"create database {name}")
        connection.close()


class Shop:
    def __init__(self, program, servers):
        self.program, self.servers = program, servers
        self.bootstrap = ["--bootstrap-servers", servers.kafka]

    def open(self, users):
        """Thirty days that end now: the topics and the facts, which the program has checked itself."""
        folder = self.servers.folder / "demo"
        return output_of(self.program, "demo", "--kafka", self.servers.kafka, "--users", str(users), "--partitions", "3", "--dir", str(folder))

    def go_on(self, users, seed):
        output_of(self.program, "generate", *self.bootstrap, "--users", str(users), "--seed", str(seed), "--ending-now")

    @contextlib.contextmanager
    def landing(self, place):
        """`land` runs until the with-block ends, by SIGTERM. Yields a function that waits until count_rows(table) says as many as
        expected[table] for each."""
        config = place.folder / "landing.properties"
        config.write_text("".join(f"{key}={value}\n" for key, value in {
            "application.id": f"shop-{place.name}", "state.dir": place.folder / "state",
            "warehouse.commit.interval.ms": 1000, **place.properties}.items()))
        log_file = place.folder / "landing.log"
        with open(log_file, "a") as log:
            process = subprocess.Popen([self.program, "land", *self.bootstrap, "--config", str(config)], stdout=log, stderr=log,
                                       env=place.environment)

        def wait(count_rows, expected):
            began = time.monotonic()
            while any(count_rows(table) < rows for table, rows in expected.items()):
                if process.poll() is not None or time.monotonic() - began > DEADLINE_S:
                    raise RuntimeError(f"{place.name}: landing {'ended' if process.poll() is not None else 'takes too long'}\n"
                                       f"{log_file.read_text()[-4000:]}")
                time.sleep(0.5)

        try:
            yield wait
            process.send_signal(signal.SIGTERM)
            if process.wait(120) != 0:
                raise RuntimeError(f"{place.name}: the landing ended with {process.returncode}\n{log_file.read_text()[-4000:]}")
        finally:
            process.kill()
