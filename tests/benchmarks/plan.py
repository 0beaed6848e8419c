"""The arithmetic of a large run before it is paid for: ELECTRA-Base on eight GPUs over 100 GB of text.

    python -m tests.benchmarks.plan
    python -m tests.benchmarks.plan --text-gb 30 --gpus 4 --tflops 65 --price 0.6 --steps 300000

What is assumed stands in `electra_helpers/course/labs/plan.py`, each with where it comes from; what follows is computed.
"""

from __future__ import annotations

import argparse
from dataclasses import fields

from electra_helpers.course.labs.plan import Plan, facts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for field in fields(Plan):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    for name, value in facts(Plan(**vars(parser.parse_args()))):
        print(f"{name + ':':<28}{value}")


if __name__ == "__main__":
    main()
