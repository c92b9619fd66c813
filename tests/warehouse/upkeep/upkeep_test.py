"""Tables before and after upkeep, read by others; and what is left after 1,000 commits with upkeep and without.

  upkeep_test.py --bin PROGRAM [--commits N] [--minutes N]

Prints a line of figures for each run.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import duckdb
import pyiceberg.table

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import duck  # noqa: E402
from local_servers import script  # noqa: E402

MINUTE_MS = 60_000
BIN = None
COMMITS = 1000
MINUTES = 5
FIGURES = ["live_files", "live_bytes", "snapshots", "manifests", "stored_data_files", "stored_data_bytes", "metadata_files", "metadata_bytes",
           "compactions", "files_compacted", "snapshots_expired", "files_deleted"]


def run(folder, commits, interval_ms, rows, **settings):
    values = [f"{name.replace('__', '-').replace('_', '.')}={value}" for name, value in settings.items()]
    done = subprocess.run([BIN, folder, str(commits), str(interval_ms), str(rows), *values], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def by_pyiceberg(table):
    landed = pyiceberg.table.StaticTable.from_metadata(table["metadata_file"]).scan().to_arrow()  # noqa: F841 - read by the query
    return duckdb.sql("select * from landed order by _topic_partition, _offset").fetchall()


def by_duckdb(table):
    file = table["metadata_file"].removeprefix("file://")
    return duck.iceberg().sql(f"select * from iceberg_scan('{file}') order by _topic_partition, _offset").fetchall()


class Upkeep(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-upkeep-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_rows_are_the_same_before_and_after(self):
        before = run(self.folder, 60, MINUTE_MS, 40, upkeep="off")
        self.assertEqual(before["live_files"] >= 60, True)
        rows = by_pyiceberg(before)
        self.assertEqual(len(rows), 60 * 40)
        self.assertEqual(rows, by_duckdb(before))
        # An hour without rows in the days of before, and so many commits that all is rewritten and forgotten.
        after = run(self.folder, 60, 30 * MINUTE_MS, 40, history_expire_min__snapshots__to__keep=5)
        self.assertEqual(after["upkeep_errors"], 0, after["last_upkeep_error"])
        self.assertGreater(after["files_compacted"], 60)
        self.assertLess(after["live_files"], 30)
        self.assertGreater(after["snapshots_expired"], 60)
        all_rows = by_pyiceberg(after)
        self.assertEqual(len(all_rows), 120 * 40)
        self.assertEqual(all_rows, by_duckdb(after))
        # payment_id, order_id, amount_cents, currency, paid_at, _topic, _topic_partition, _offset, _timestamp
        self.assertEqual([row for row in all_rows if row[7] < 60 * 20], rows)

    def test_what_is_left_of_many_commits(self):
        left = {}
        for word in ("off", "on"):
            left[word] = run(f"{self.folder}/{word}", COMMITS, MINUTES * MINUTE_MS, 100, upkeep=word)
            figures = " ".join(f"{name}={left[word][name]}" for name in FIGURES)
            print(f"{COMMITS} commits, one in {MINUTES} min, upkeep {word}: {figures}", flush=True)
        off, on = left["off"], left["on"]
        self.assertEqual(on["upkeep_errors"], 0, on["last_upkeep_error"])
        self.assertEqual(on["rows"], off["rows"])
        self.assertLess(on["live_files"], 60)
        if COMMITS * MINUTES > 2 * 24 * 60:  # metadata files stay for a day
            self.assertLess(on["metadata_bytes"], off["metadata_bytes"])
        self.assertEqual(by_pyiceberg(on), by_pyiceberg_without_time(on, off))


    def test_metadata_files_may_go_after_an_hour_where_a_database_says_which_is_current(self):
        holder = tempfile.TemporaryDirectory(prefix="millrace-upkeep-")
        self.addCleanup(holder.cleanup)
        pathlib.Path(holder.name).chmod(0o755)  # PostgreSQL runs as another user
        self.addCleanup(script, "postgres", "stop", "--dir", f"{holder.name}/postgres")
        port = script("postgres", "start", "--dir", f"{holder.name}/postgres")
        left = {}
        hour = {"catalog": f"postgresql://millrace@127.0.0.1:{port}/millrace", "metadata_max__age__ms": 60 * MINUTE_MS}
        for catalog, settings in (("fs", {}), ("sql", hour)):
            left[catalog] = run(f"{self.folder}/{catalog}", COMMITS, MINUTE_MS, 100, **settings)
            figures = " ".join(f"{name}={left[catalog][name]}" for name in FIGURES)
            print(f"{COMMITS} commits, one a minute, catalog {catalog}: {figures}", flush=True)
            self.assertEqual(left[catalog]["upkeep_errors"], 0, left[catalog]["last_upkeep_error"])
        fs, sql = left["fs"], left["sql"]
        self.assertEqual(sql["rows"], fs["rows"])
        self.assertEqual(by_pyiceberg(sql), by_pyiceberg_without_time(sql, fs))
        # The log of metadata files has at least a hundred; and they are looked at once an hour.
        self.assertLess(sql["json_files"], 100 + 2 * 60)
        self.assertGreaterEqual(fs["json_files"], min(COMMITS, 24 * 60))


def by_pyiceberg_without_time(like, table):
    """The rows of a table, with the times of another, which began at another moment."""
    times = {row[6:8]: row[8] for row in by_pyiceberg(like)}
    return [(*row[:8], times[row[6:8]]) for row in by_pyiceberg(table)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--commits", type=int, default=COMMITS)
    parser.add_argument("--minutes", type=int, default=MINUTES, help="between two commits, by the clock of the test")
    arguments, rest = parser.parse_known_args()
    BIN, COMMITS, MINUTES = arguments.bin, arguments.commits, arguments.minutes
    unittest.main(argv=[sys.argv[0], *rest])
