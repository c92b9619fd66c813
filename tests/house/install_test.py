"""Builds and runs a ten-line user program against the installed tree, by find_package and by pkg-config."""

import argparse
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE: pathlib.Path
BUILD: pathlib.Path

PROGRAM = """
#include <iostream>
#include "millrace/millrace.h"

int main() {
  millrace::StreamsBuilder builder;
  builder.Stream<std::string, std::string>("in").Filter([](const std::string& value) { return !value.empty(); }).To("out");
  absl::StatusOr<millrace::Topology> topology = builder.Build();
  std::cout << topology->Describe();
}
"""
PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 20)
find_package(millrace REQUIRED)
add_executable(user user.cc)
target_link_libraries(user PRIVATE millrace::millrace)
"""


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
        (cls.root / "user.cc").write_text(PROGRAM)
        (cls.root / "CMakeLists.txt").write_text(PROJECT)
        cache = (BUILD / "CMakeCache.txt").read_text()
        cls.flags = "-fsanitize=address,undefined" if "MILLRACE_SANITIZE:STRING=address" in cache else ""

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def check(self, program):
        self.assertIn("Source: KSTREAM-SOURCE-0000000000 (topics: [in])", run(program))

    def test_find_package(self):
        run("cmake", "-S", self.root, "-B", self.root / "build", f"-DCMAKE_PREFIX_PATH={self.root / 'installed'}",
            f"-DCMAKE_CXX_FLAGS={self.flags}")
        run("cmake", "--build", self.root / "build")
        self.check(self.root / "build/user")

    def test_pkg_config(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": ":".join(map(str, (self.root / "installed").glob("**/pkgconfig")))}
        flags = run("pkg-config", "--cflags", "--libs", "millrace", env=environment).split()
        run("g++", *self.flags.split(), self.root / "user.cc", "-o", self.root / "user", *flags)
        self.check(self.root / "user")

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
