"""Runs one engine in a process of its own, as the page has it, and prints what it read. Input: JSON on stdin with
engine, code and setup (blocks of the page, filled), tables, queries {name: SQL}, programs {name: Python}, folder (for the engine's own files),
readers (of scripts/readers), port (of Trino),
write (SQL that changes tables, run at the end). Last line of output: JSON {rows: {table: {columns, rows}}, answers: {name: rows},
today, seconds: {what: s}}.
"""

import json
import pathlib
import re
import sys
import time

import page
import rows


class Answers:
    def __init__(self, job, query):
        self.job, self.query = job, query
        self.result = {"rows": {}, "answers": {}, "seconds": {}}

    def collect(self):
        for table in self.job["tables"]:
            began = time.monotonic()
            columns, found = self.query(f"select * from {table}")
            self.result["rows"][table] = {"columns": columns, "rows": rows.plain_rows(found)}
            self.result["seconds"][table] = round(time.monotonic() - began, 2)
        for name, statement in self.job["queries"].items():
            began = time.monotonic()
            self.result["answers"][name] = sorted(rows.plain_rows(self.query(statement)[1]))
            self.result["seconds"][name] = round(time.monotonic() - began, 2)
        if self.job["queries"]:
            self.result["today"] = rows.plain(self.query("select current_date")[1][0][0])
        return self.result


def duckdb_engine(job):
    import duckdb

    sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "support"))
    import duck

    connection = duckdb.connect()
    extensions = {"iceberg": ["avro", "iceberg"], "httpfs": ["httpfs"], "postgres": ["postgres_scanner"]}
    for statement in page.statements(job["code"]):
        # From the wheels instead of the network.
        if wanted := re.fullmatch(r"install (\w+)", statement):
            duck.load(connection, *extensions[wanted[1]])
        elif not re.fullmatch(r"load \w+", statement):
            connection.execute(statement)

    def query(statement):
        done = connection.execute(statement)
        return [column[0] for column in done.description], done.fetchall()

    return Answers(job, query).collect()


def pyiceberg_engine(job):
    result = {"rows": {}, "answers": {}, "seconds": {}}
    for table in job["tables"]:
        began = time.monotonic()
        names = {}
        # The page shows one table; the others are read by the same code.
        exec(job["code"].replace("shop/payments", f"shop/{table}").replace("shop.payments", f"shop.{table}")
             .replace('row_filter="amount > 100"', "" if table != "payments" else 'row_filter="amount > 100"'), names)
        found = names["payments"].scan().to_arrow()
        result["rows"][table] = {"columns": found.column_names, "rows": rows.plain_rows(zip(*(found[name].to_pylist() for name in found.column_names)))}
        result["seconds"][table] = round(time.monotonic() - began, 2)
    return result


def spark_engine(job):
    # The last line wins, as in a session's configuration.
    packages = re.compile(r'"spark\.jars\.packages", "([^"]*)"')
    coordinates = packages.findall(job["code"])[-1].split(",")
    code = packages.sub(lambda _: f'"spark.driver.extraClassPath", "{class_path(job["readers"], coordinates)}"', job["code"])
    limits = f'SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2")' \
             f'.config("spark.driver.host", "127.0.0.1").config("spark.local.dir", "{job["folder"]}")'
    names = {}
    began = time.monotonic()
    exec(code.replace("SparkSession.builder", limits), names)
    spark = names["spark"]
    ready = round(time.monotonic() - began, 2)

    def query(statement):
        found = spark.sql(statement)
        return found.columns, found.collect()

    # collect() makes instants of the process's zone, which is UTC, without saying so.
    result = Answers(job, query).collect()
    for name, code in job.get("programs", {}).items():
        began = time.monotonic()
        exec(code, names)
        result["answers"][name] = check_machine_learning(names)
        result["seconds"][name] = round(time.monotonic() - began, 2)
    for statement in job.get("write", []):
        began = time.monotonic()
        done = spark.sql(statement).collect()
        result["seconds"][statement.split(" ")[0] + " " + statement.split(" ")[1]] = round(time.monotonic() - began, 2)
        print(statement, "->", done, file=sys.stderr)
    result["seconds"]["start"] = ready
    spark.stop()
    return result


def class_path(readers, coordinates):
    """Of what scripts/readers has fetched, the jars that the page names: by versions, so that a wrong one is not found."""
    files = []
    for _, artifact, version in (coordinate.split(":") for coordinate in coordinates):
        files.append(pathlib.Path(readers, "jars", f"{artifact}-{version}.jar"))
        if artifact == "hadoop-aws":
            files += pathlib.Path(readers, "jars").glob("bundle-*.jar")
    missing = [str(file) for file in files if not file.exists()]
    if missing:
        raise FileNotFoundError(f"scripts/readers did not fetch {missing}")
    return ":".join(map(str, files))


def check_machine_learning(names):
    """How many buyers have a prediction, and whether the model is one."""
    predictions = names["model"].transform(names["buyers"])
    counted = predictions.where("probability is not null").count()
    coefficients = names["model"].stages[-1].coefficients
    return [[counted, len(coefficients), all(abs(value) < 1e6 for value in coefficients)]]


def chdb_engine(job):
    import datetime
    import decimal

    names = {}
    exec(job["setup"], names)
    session = names["session"]
    for statement in page.statements(job["code"]):
        session.query(statement)

    def value(text, kind):
        if text is None or not isinstance(text, str):
            return text
        if "DateTime64" in kind:
            return datetime.datetime.fromisoformat(text)
        return decimal.Decimal(text) if "Decimal" in kind else text

    def query(statement):
        answer = json.loads(str(session.query(statement + """ settings date_time_output_format = 'iso', output_format_json_quote_decimals = 1,
            output_format_json_quote_64bit_integers = 0, output_format_decimal_trailing_zeros = 1""", "JSONCompact")))
        kinds = [column["type"] for column in answer["meta"]]
        return [column["name"] for column in answer["meta"]], [[value(*pair) for pair in zip(row, kinds)] for row in answer["data"]]

    return Answers(job, query).collect()


def trino_engine(job):
    import trino.dbapi
    import trino.exceptions

    connection = trino.dbapi.connect(host="127.0.0.1", port=job["port"], user="test", catalog="millrace", schema="shop", timezone="Europe/Berlin")

    def query(statement):
        cursor = connection.cursor()
        cursor.execute(statement)
        found = cursor.fetchall()
        return [column.name for column in cursor.description], found

    def has_a_node():
        try:
            query(f"select 1 from {job['tables'][0]} limit 1")
        except trino.exceptions.TrinoQueryError as error:
            if error.error_name != "NO_NODES_AVAILABLE":
                raise
            return False
        return True

    # A server that says that it has started does not know itself yet as one that can read tables.
    deadline = time.monotonic() + 120
    while not has_a_node() and time.monotonic() < deadline:
        time.sleep(0.5)
    return Answers(job, query).collect()


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    print(json.dumps(globals()[f"{asked['engine']}_engine"](asked)))
