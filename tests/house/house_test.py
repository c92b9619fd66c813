"""The house rules of docs/architecture.md: layers, seams, sizes. Each rule is shown to be able to fail where that is not obvious."""

import argparse
import json
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

LAYERS = ["state", "operators", "topologies", "runtime"]
SOURCE: pathlib.Path
BUILD: pathlib.Path


def tracked(*patterns):
    """Files that belong to the project, as git knows them (new ones included)."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=SOURCE, check=True, capture_output=True, text=True).stdout.split("\n")
    return [SOURCE / name for name in listing if name and (SOURCE / name).exists()]


def code():
    return [f for f in tracked("*.h", "*.cc") if "peers" not in f.parts]


def compile_in_layer(layer, text):
    """Compiles `text` as a private source of the layer, with the flags of one of its own files."""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    prefix = str(SOURCE / layer) + "/"
    entry = next(c for c in commands if c["file"].startswith(prefix) and "/tshirt/" not in c["file"])
    arguments = [a for a in shlex.split(entry["command"]) if not a.endswith("ccache")]
    keep = [arguments[0]] + [a for a in arguments[1:] if a.startswith(("-I", "-std", "-isystem", "-D")) or a.startswith("/")]
    keep = [a for a in keep if not a.endswith((".o", ".cc"))]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "unit.cc"
        source.write_text(text)
        return subprocess.run([*keep, "-fsyntax-only", str(source)], cwd=entry["directory"], capture_output=True, text=True)


class Layers(unittest.TestCase):
    PUBLIC = {"state": "millrace/state/timestamp.h", "operators": "millrace/operators/record.h",
              "topologies": "millrace/topologies/topology.h"}

    def test_a_layer_reaches_the_layers_below_it(self):
        for i, layer in enumerate(LAYERS):
            for below in LAYERS[:i]:
                result = compile_in_layer(layer, f'#include "{self.PUBLIC[below]}"\n')
                self.assertEqual(result.returncode, 0, f"{layer} cannot include {below}:\n{result.stderr}")

    def test_a_back_edge_does_not_compile(self):
        for i, layer in enumerate(LAYERS):
            for above in LAYERS[i + 1:]:
                for header in [self.PUBLIC.get(above, "millrace/runtime/kafka_streams.h"), f"{above}/CMakeLists.txt"]:
                    result = compile_in_layer(layer, f'#include "{header}"\n')
                    self.assertNotEqual(result.returncode, 0, f"{layer} can include {header}")
                    self.assertIn("No such file", result.stderr)

    def test_the_root_is_on_nobodys_include_path(self):
        for layer in LAYERS:
            result = compile_in_layer(layer, '#include "state/include/millrace/state/timestamp.h"\n')
            self.assertNotEqual(result.returncode, 0, f"{layer} sees the root of the repository")

    def test_public_headers_show_no_engine(self):
        for header in tracked("*/include/*.h"):
            shown = re.findall(r'#include [<"]((?:librdkafka|rocksdb|prometheus|arrow|parquet|httplib|nlohmann|CLI)[/.].*)[>"]', header.read_text())
            self.assertEqual(shown, [], header)


class WarehouseParts(unittest.TestCase):
    """Each part of warehouse/ includes itself and those before it."""

    PARTS = ["storage", "table", "catalog", "parquet", "protobuf", "upkeep", "registry", "landing", "module"]
    # Beside the landing of files; it opens them.
    BESIDE = {"serving": "landing", "reading": "landing"}

    def test_parts_see_what_is_below_them(self):
        found = []
        for file in tracked("warehouse/*.h", "warehouse/*.cc"):
            part = file.relative_to(SOURCE / "warehouse").parts[0]
            if part == "include":
                continue
            seen = {m for m in re.findall(r'#include "([a-z]+)/', file.read_text()) if m in (*self.PARTS, *self.BESIDE)}
            level = self.PARTS.index(self.BESIDE.get(part, part))
            found += [f"{file.relative_to(SOURCE)} includes {other}/" for other in seen
                      if other != part and self.PARTS.index(self.BESIDE.get(other, other)) > level]
        self.assertEqual(found, [])


class HostSeam(unittest.TestCase):
    """Code in runtime/ touches threads, clocks, files and randomness only through runtime/host, so that a simulation can take their place."""

    FORBIDDEN = re.compile(
        r"std::(j)?thread\b(?!::)|sleep_(for|until)|_clock::now|\bgettimeofday|\bclock_gettime|std::random_device|std::mt19937"
        r"|std::(i|o)?fstream|std::filesystem|\bfopen\(|absl::Now\(|absl::SleepFor|\busleep\(")
    # The Kafka client, the HTTP server and the program's own main have threads and clocks of libraries that no simulation runs.
    OUTSIDE = ("runtime/host/", "runtime/log/kafka/", "runtime/http/", "runtime/cli/", "runtime/logging/")

    def test_runtime_uses_the_host(self):
        found = []
        for file in tracked("runtime/*.h", "runtime/*.cc"):
            name = str(file.relative_to(SOURCE))
            if name.startswith(self.OUTSIDE):
                continue
            for number, line in enumerate(file.read_text().split("\n"), 1):
                if self.FORBIDDEN.search(line.split("//")[0]):
                    found.append(f"{name}:{number}: {line.strip()}")
        self.assertEqual(found, [])

    def test_the_rule_can_fail(self):
        for line in ["std::this_thread::sleep_for(1ms);", "std::thread t(f);", "auto t = std::chrono::steady_clock::now();"]:
            self.assertTrue(self.FORBIDDEN.search(line), line)


class Files(unittest.TestCase):
    def test_sizes(self):
        for file in code():
            lines = file.read_text().count("\n")
            self.assertLessEqual(lines, 450 if file.suffix == ".h" else 900, file)

    def test_top_level_holds_nothing_else(self):
        allowed = {"CMakeLists.txt", "README.md", "LICENSE", "state", "operators", "topologies", "runtime", "warehouse", "tests", "docs", "scripts",
                   "cmake", ".ci", ".clang-format", ".clang-tidy", ".gitignore"}
        self.assertLessEqual({f.relative_to(SOURCE).parts[0] for f in tracked()}, allowed)

    def test_nothing_is_left_for_later(self):
        words = re.compile(r"\b(TO" + "DO|FIX" + "ME|X" + r"XX)\b|DIS" + "ABLED_|GTEST_" + "SKIP")
        for file in code() + tracked("scripts/*"):
            self.assertIsNone(words.search(file.read_text()), file)

    def test_format(self):
        files = [str(f) for f in code()]
        result = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *files], capture_output=True, text=True, cwd=SOURCE)
        self.assertEqual(result.returncode, 0, result.stderr[:4000])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    known, rest = parser.parse_known_args()
    SOURCE, BUILD = known.source, known.build
    unittest.main(argv=["house_test", *rest])
