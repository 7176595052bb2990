"""Many random cases, for a night: python -m tests.fuzz --cases 10000 --seed 1"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
CASES = "NANOSPEECH_FUZZ_CASES"  # read by conftest.py


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="in all, over all tests (default: 10000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other cases (default: 0)")
    parser.add_argument("--only", default="", metavar="NAME", help="only tests whose name has this")
    args = parser.parse_args()
    count = sum(path.read_text("utf-8").count("\n@given(") for path in FOLDER.glob("test_*.py"))
    os.environ[CASES] = str(max(1, args.cases // count))
    print(f"{count} tests, {os.environ[CASES]} cases each")
    options = ["--hypothesis-seed", str(args.seed), "--hypothesis-show-statistics"]
    options += ["-m", "not slow"]  # without the injected faults
    return pytest.main([str(FOLDER), *options, *(["-k", args.only] if args.only else [])])


if __name__ == "__main__":
    sys.exit(main())
