"""The command that reads generated documents and prints the figures, or shows one of them."""

from __future__ import annotations

import argparse
import os
import sys

from tests.document.generator.trial import RIGHT, Trial, format_figures, try_number, try_numbers


def main() -> None:
    """Print what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m tests.document.generator", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=400, help="number of documents")
    parser.add_argument("--show", type=int, metavar="NUMBER", help="print this document and what was read of it")
    parser.add_argument("--faults", type=int, metavar="COUNT", default=0, help="print the first documents read wrong")
    parser.add_argument("--kind", default="", help="only faults with this in their shape, language or damages")
    arguments = parser.parse_args()
    if arguments.show is not None:
        trial = try_number(arguments.show, damaged=arguments.show % 2 == 1)
        sys.stdout.write("\n".join([trial.text, *trial.outcomes, *trial.differences, *map(str, trial.fields)]) + "\n")
        return
    trials = try_numbers(range(arguments.count), processes=os.cpu_count() or 1)
    faults = [trial for trial in trials if set(trial.outcomes) != {RIGHT} or _wrong_fields(trial)]
    faults = [trial for trial in faults if arguments.kind in _names(trial)]
    for trial in faults[: arguments.faults]:
        sys.stdout.write(
            "\n".join([f"{trial.number}: {_names(trial)}", *trial.differences, *_wrong_fields(trial)]) + "\n"
        )
    sys.stdout.write(format_figures(trials) + "\n")


def _names(trial: Trial) -> str:
    return ", ".join([trial.shape, trial.language, *trial.damages])


def _wrong_fields(trial: Trial) -> list[str]:
    return [str(judgement) for judgement in trial.fields if judgement.outcome != RIGHT]


if __name__ == "__main__":
    main()
