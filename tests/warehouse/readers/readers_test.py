"""The shop's topics as tables, read row by row by each engine as docs/reading-the-warehouse.md has it, on local files and S3 and with the
catalogs fs and sql; the shop's questions; and landing that goes on, also after Spark has written to the same tables.

  readers_test.py --program TSHIRT [--heavy FOLDER_OF_SCRIPTS_READERS] [--engines E...] [--users N]

Without --heavy: pyiceberg and DuckDB. Prints what each engine read and how long it took; exit code 1 if something differs.
"""

import argparse
import collections
import concurrent.futures
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import pyiceberg.catalog.sql
import pyiceberg.table

import model
import page
import shop
import topics
import trino_server

QUESTIONS = ["payments-by-date", "buyers-of-t-shirts", "sales-made", "people-registered", "deliveries-pending", "deliveries-executed-today"]
# What each engine cannot is not in its list: Trino has no catalog of the kind of fs, chdb none in PostgreSQL.
ENGINES = {"pyiceberg": ["local", "s3", "sql", "sql-s3"], "duckdb": ["local", "s3", "sql", "sql-s3"], "spark": ["local", "s3", "sql", "sql-s3"],
           "chdb": ["local", "s3"], "trino": ["sql", "sql-s3"]}
LIGHT = ["pyiceberg", "duckdb"]
# Without the heavy engines; what is landed later is read there from local files only.
LIGHT_PLACES = ["local", "s3", "sql"]
# chdb's SQL is another dialect.
ASKED = ["duckdb", "spark", "trino"]
BY_HAND = ("by-hand", 0, 0)


class Test:
    def __init__(self, arguments, servers):
        self.arguments, self.servers = arguments, servers
        self.blocks = page.read()
        self.used = {"tables", "local", "s3", "sql"}
        self.failures = []
        self.written = []  # places where Spark has
        self.places = {name: shop.Place(name, servers, {block: code for block, (_, code) in self.blocks.items()}) for name in shop.PLACES
                       if arguments.heavy or name in LIGHT_PLACES}
        self.tables = topics.tables(self.places["local"].properties)
        self.shop = shop.Shop(arguments.program, servers)
        self.engines = arguments.engines or (list(ENGINES) if arguments.heavy else LIGHT)

    def code(self, place, *names):
        self.used |= set(names)
        return "\n".join(place.fill(self.blocks[name][1]) for name in names)

    def check(self, what, condition, more=""):
        if not condition:
            self.failures.append(f"{what}: {more}")
            print(f"WRONG {what}: {more}", flush=True)

    # What there is.

    def read_topics(self):
        self.records = {name: topics.read(self.servers.kafka, table.topic) for name, table in self.tables.items()}
        self.expected = {name: collections.Counter(table.row(record) for record in self.records[name]) for name, table in self.tables.items()}
        print("topics:", {name: rows.total() for name, rows in self.expected.items()}, flush=True)

    def land(self):
        for place in self.places.values():
            began = time.monotonic()
            rows = self.wanted(place)
            with self.shop.landing(place) as wait:
                wait(lambda table, place=place: self.count(place, table), rows)
            print(f"landed in {place.name}: {sum(rows.values())} rows are there after {time.monotonic() - began:.1f} s", flush=True)

    def wanted(self, place):
        return {name: rows.total() + (1 if name == "orders" and place in self.written else 0) for name, rows in self.expected.items()}

    def write_by_spark(self, place):
        """While the shop goes on and is landed. One row is not from the topic then."""
        ended, seeds = threading.Event(), itertools.count(1000 * (1 + len(self.written)))

        def go_on():
            # Each makes a file for each of thirty days, and Spark opens them all.
            while not ended.wait(3):
                self.shop.go_on(self.arguments.users // 20, next(seeds))

        began = len(self.commits(place))
        with self.shop.landing(place) as wait, concurrent.futures.ThreadPoolExecutor() as threads:
            going_on = threads.submit(go_on)
            try:
                self.run_engine("spark", place, write=True)
            finally:
                ended.set()
            going_on.result()
            self.read_topics()
            self.written.append(place)
            wait(lambda table: self.count(place, table), self.wanted(place))
        commits = self.commits(place)[began:]
        print(f"{place.name}: commits of the table orders meanwhile: {commits}", flush=True)
        at = commits.index("replace of Spark") if "replace of Spark" in commits else len(commits)
        self.check(f"landing before and after Spark's rewrite in {place.name}", "append" in commits[:at] and "append" in commits[at:], str(commits))

    def commits(self, place):
        summaries = [snapshot.summary for snapshot in self.open(place, "orders").snapshots()]
        return [summary.operation.value + ("" if any(name.startswith("millrace.") for name in summary.additional_properties) else " of Spark")
                for summary in summaries]

    def open(self, place, table):
        reading = self.servers.s3.reading
        if place.sql:
            uri = place.properties["warehouse.catalog.uri"].replace("postgresql://", "postgresql+psycopg2://")
            return pyiceberg.catalog.sql.SqlCatalog("millrace", uri=uri, **reading).load_table(("shop", table))
        return pyiceberg.table.StaticTable.from_metadata(place.location(table), reading)

    def count(self, place, table):
        try:
            snapshot = self.open(place, table).current_snapshot()
        # Not made yet: each storage and catalog says so in its own way.
        except Exception:  # noqa: BLE001
            return -1
        return int(snapshot.summary["total-records"]) if snapshot else 0

    # What the engines see.

    def job(self, engine, place, questions, write):
        job = {"engine": engine, "tables": [] if write else list(self.tables), "queries": {}, "readers": str(self.arguments.heavy or "")}
        if engine in ASKED and questions:
            job["queries"] = {name: page.statements(self.code(place, name))[0] for name in QUESTIONS}
        setup = getattr(self, f"{engine}_code", None)
        job["code"] = setup(place) if setup else self.code(place, f"{engine}-{place.name}")
        if engine == "spark":
            job["write"] = page.statements(self.code(place, "spark-write")) if write else []
            job["programs"] = {"spark-ml": self.code(place, "spark-ml")} if questions and place.name == "local" else {}
        if engine == "chdb":
            # On S3 there is no folder to go to.
            job["setup"] = self.code(place, "chdb-setup") if not place.s3 else self.code(place, "chdb-setup").replace("os.chdir", "print")
        if engine == "trino":
            job["port"] = self.trino.port(place)
        return job

    def duckdb_code(self, place):
        blocks = [] if place.name != "sql-s3" else [self.code(place, "duckdb-s3").split(";")[0] + ";"]
        return "\n".join([self.code(place, "duckdb-setup"), *blocks, self.code(place, f"duckdb-{place.name.removesuffix('-s3')}")])

    def pyiceberg_code(self, place):
        if place.name != "sql-s3":
            return self.code(place, f"pyiceberg-{place.name}")
        s3 = self.code(place, "pyiceberg-s3").split("\n\n")[1].split("payments =")[0]
        code = self.code(place, "pyiceberg-sql")
        return s3 + code.replace('SqlCatalog("millrace", ', 'SqlCatalog("millrace", **s3, ')

    def spark_code(self, place):
        if place.name != "sql-s3":
            return self.code(place, f"spark-{place.name}")
        options = page.properties(self.code(place, "spark-s3-options"))
        lines = "".join(f'         .config("{key}", "{value}")\n' for key, value in options.items())
        return self.code(place, "spark-sql").replace("         .getOrCreate()", lines + "         .getOrCreate()")

    def trino_code(self, place):
        return ""

    def run_engine(self, engine, place, questions=False, write=False):
        folder = pathlib.Path(tempfile.mkdtemp(dir=place.folder))
        job = {**self.job(engine, place, questions, write), "folder": str(folder)}
        python = sys.executable if engine in LIGHT else str(shop.SOURCE / "build/readers/bin/python")
        began = time.monotonic()
        done = subprocess.run([python, pathlib.Path(__file__).with_name("engine.py")], input=json.dumps(job), capture_output=True, text=True,
                              env={**place.environment, "TZ": "UTC"})
        seconds = time.monotonic() - began
        shutil.rmtree(folder, ignore_errors=True)
        if done.returncode != 0:
            lines = [line for line in (done.stdout + done.stderr).splitlines() if not re.match(r"\s+at |WARN|\{", line)]
            self.check(f"{engine} on {place.name}", False, f"ended with {done.returncode}\n" + "\n".join(line[:500] for line in lines[-40:]))
            return
        result = json.loads(done.stdout.splitlines()[-1])
        wrong = len(self.failures)
        self.compare(engine, place, result, job["tables"])
        if questions and job["queries"]:
            self.compare_answers(engine, place, result)
        if job.get("programs"):
            buyers = len({self.tables["facts"].message_class.FromString(record.value).user_id for record in self.records["facts"]})
            self.check(f"{engine}'s model", result["answers"]["spark-ml"] == [[buyers, 8, True]], f"{result['answers']['spark-ml']}, buyers {buyers}")
        print(f"{engine} on {place.name}: {sum(len(table['rows']) for table in result['rows'].values())} rows, {len(result['answers'])} answers, "
              f"{'all as the topics say' if len(self.failures) == wrong else 'WRONG'}; {seconds:.1f} s, of them {result['seconds']}", flush=True)

    def compare(self, engine, place, result, names):
        for name in names:
            table, seen = self.tables[name], result["rows"][name]
            what = f"{engine} on {place.name}, table {name}"
            self.check(what, seen["columns"] == table.columns(), f"columns {seen['columns']}, wanted {table.columns()}")
            found = collections.Counter(map(tuple, seen["rows"]))
            if place in self.written and name == "orders":
                found = collections.Counter({row: n for row, n in found.items() if row[-4:-1] != BY_HAND})
            missing, extra = self.expected[name] - found, found - self.expected[name]
            self.check(what, not missing and not extra,
                       f"{missing.total()} rows missing, as {next(iter(missing), '')}; {extra.total()} rows too many, as {next(iter(extra), '')}")

    def compare_answers(self, engine, place, result):
        wanted = model.Model(self.tables, self.records).answers(result["today"])
        for name in QUESTIONS:
            self.check(f"{engine} on {place.name}, {name}", result["answers"][name] == wanted[name],
                       f"{result['answers'][name][:5]}..., wanted {wanted[name][:5]}...")

    def run_engines(self, questions=False):
        for engine in self.engines:
            for place in (self.places[name] for name in ENGINES[engine] if name in self.places):
                if questions or self.arguments.heavy or not place.s3:
                    self.run_engine(engine, place, questions)

    def notices_what_is_not_landed(self):
        """A comparison that cannot fail shows nothing: what the shop has sent since the last landing is in no table."""
        self.shop.go_on(self.arguments.users // 10, seed=8)
        self.read_topics()
        for engine in self.engines:
            place = next(self.places[name] for name in ENGINES[engine] if name in self.places)
            known = len(self.failures)
            self.run_engine(engine, place)
            noticed = [failure for failure in self.failures[known:] if "rows missing" in failure and "; 0 rows too many" in failure]
            self.failures[known:] = [failure for failure in self.failures[known:] if failure not in noticed]
            print(f"of these, wanted: {len(noticed)}", flush=True)
            self.check(f"{engine} on {place.name} with records that are not landed", noticed, "no difference was seen")

    # The whole.

    def run(self):
        print(self.shop.open(self.arguments.users).splitlines()[-1], flush=True)
        self.read_topics()
        self.land()
        with trino_server.Trino(self) as self.trino:
            self.run_engines(questions=True)
            if "spark" in self.engines:
                for place in (self.places["sql"], self.places["sql-s3"]):
                    self.write_by_spark(place)
            self.shop.go_on(self.arguments.users // 10, seed=7)
            self.read_topics()
            self.land()
            self.run_engines()
            self.notices_what_is_not_landed()
        if set(self.engines) == set(ENGINES):
            self.check("the page", self.used == set(self.blocks), f"blocks that nobody ran: {set(self.blocks) - self.used}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--heavy", type=pathlib.Path)
    parser.add_argument("--engines", nargs="+", choices=ENGINES)
    parser.add_argument("--users", type=int, default=300)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="millrace-readers-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user
        with shop.Servers(folder) as servers:
            test = Test(arguments, servers)
            test.run()
    for failure in test.failures:
        print(f"WRONG {failure}")
    print("all right" if not test.failures else f"{len(test.failures)} differences")
    return 1 if test.failures else 0


if __name__ == "__main__":
    sys.exit(main())
