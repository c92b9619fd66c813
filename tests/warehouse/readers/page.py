"""The code blocks of docs/reading-the-warehouse.md, with the addresses of servers that run here in place of those in the page.

A block has a name after its language: ```sql duckdb-local.
"""

import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs/reading-the-warehouse.md"


def read(text=None):
    """{name: (language, code)}. Each block has a name."""
    blocks = {}
    for language, name, code in re.findall(r"^```(\w*) ?(\S*)\n(.*?)^```$", text or PAGE.read_text(), re.M | re.S):
        if not name or name in blocks:
            raise ValueError(f"a block needs a name of its own, not '{name}':\n{code}")
        blocks[name] = (language, code)
    return blocks


def fill(code, substitutes):
    """Each text of the page that is a placeholder by what stands for it here: the longest first."""
    for placeholder in sorted(substitutes, key=len, reverse=True):
        code = code.replace(placeholder, substitutes[placeholder])
    return code


def statements(code):
    """Of SQL."""
    without_comments = re.sub(r"--.*", "", code)
    return [statement.strip() for statement in without_comments.split(";") if statement.strip()]


def properties(code):
    lines = [line.strip() for line in code.splitlines()]
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
