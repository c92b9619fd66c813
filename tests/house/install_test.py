"""Builds and runs the program of docs/first-topology.md against the installed tree, by find_package and by pkg-config."""

import argparse
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE: pathlib.Path
BUILD: pathlib.Path

def block(language):
    """The first code block of this language in the page that a newcomer follows."""
    page = (SOURCE / "docs/first-topology.md").read_text()
    return re.search(rf"```{language}\n(.*?)```", page, re.DOTALL).group(1)


def run(*command, **options):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    assert result.returncode == 0, f"{command}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    return result.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.folder.name)
        run("cmake", "--install", BUILD, "--prefix", cls.root / "installed")
        (cls.root / "word_count.cc").write_text(block("cpp"))
        (cls.root / "CMakeLists.txt").write_text(block("cmake"))
        cache = (BUILD / "CMakeCache.txt").read_text()
        cls.flags = "-fsanitize=address,undefined" if "MILLRACE_SANITIZE:STRING=address" in cache else ""

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def check(self, program):
        description = run(program, "topology")
        self.assertIn("Source: KSTREAM-SOURCE-0000000000 (topics: [lines])", description)
        self.assertIn("word-counts-repartition", description)

    def test_find_package(self):
        run("cmake", "-G", "Ninja", "-S", self.root, "-B", self.root / "build", f"-DCMAKE_PREFIX_PATH={self.root / 'installed'}",
            f"-DCMAKE_CXX_FLAGS={self.flags}")
        run("cmake", "--build", self.root / "build")
        self.check(self.root / "build/word_count")

    def test_pkg_config(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": ":".join(map(str, (self.root / "installed").glob("**/pkgconfig")))}
        flags = run("pkg-config", "--cflags", "--libs", "millrace", env=environment).split()
        run("g++", *self.flags.split(), self.root / "word_count.cc", "-o", self.root / "word_count", *flags)
        self.check(self.root / "word_count")

    def test_tests_are_not_installed(self):
        installed = [p.name for p in (self.root / "installed").rglob("*") if p.is_file()]
        self.assertEqual([p for p in installed if "test" in p and "topology_test_driver" not in p and "testing" not in p], [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    known, rest = parser.parse_known_args()
    SOURCE, BUILD = known.source, known.build
    unittest.main(argv=["install_test", *rest])
