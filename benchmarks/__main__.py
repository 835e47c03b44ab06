"""`make bench`: run the benchmarks one after the other and print a table for each."""

import argparse
from collections.abc import Callable, Mapping

from benchmarks import loading, monitoring, promotion, scoring, serving, training, trigger_to_served
from churn.core.streams import print_any_text

BENCHMARKS: Mapping[str, Callable[[], object]] = {
    "trigger_to_served": trigger_to_served.measure,
    "loading": loading.measure,
    "scoring": scoring.measure,
    "serving": serving.measure,
    "training": training.measure,
    "promotion": promotion.measure,
    "monitoring": monitoring.measure,
}


def main() -> None:
    """Run the benchmarks that are named, or all."""
    print_any_text()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(BENCHMARKS)}; default: all")
    for name in parser.parse_args().names or BENCHMARKS:
        print(BENCHMARKS[name]())


if __name__ == "__main__":
    main()
