"""Draws every panel of both dashboards from their JSON and a Prometheus that runs: a page of HTML for each, to look at without Grafana.

    python3 grafana/preview --prometheus http://127.0.0.1:9090 --out data/preview [--minutes 10] [--interval 15] [--var instance=127.0.0.1:9001,…]

It is no Grafana. It knows the types of panel, options, units and transformations that grafana/build uses, and of Grafana's behaviour what
shows whether a panel can be read: place and size, queries with their variables, colours by thresholds, mappings, units, legends that
are cut off, annotations, and what is written where there is no data. It leaves out all that moves (tooltips, zoom, links, refresh,
menus), Grafana's exact fonts and colours, and how it makes text fit.
"""

import argparse
import json
import pathlib
import sys
import time

# Its folder holds sources only.
sys.dont_write_bytecode = True

import page
from prometheus import Prometheus, Refused

DASHBOARDS = pathlib.Path(__file__).resolve().parent.parent / "dashboards"


def main():
    parser = argparse.ArgumentParser(description="Draw the dashboards without Grafana.")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", metavar="URL")
    parser.add_argument("--out", default="data/preview", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--minutes", default=10, type=float, help="the time shown, until now [default: 10]")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE[,VALUE]", help="what is chosen for a variable")
    parser.add_argument("--interval", default=15, type=float, metavar="SECONDS",
                        help="the data source's «Scrape interval», the least step of a picture [default: 15, as in grafana/provisioning]")
    options = parser.parse_args()
    dashboards = [(file, json.loads(file.read_text(encoding="utf-8"))) for file in sorted(DASHBOARDS.glob("*.json"))]
    chosen = dict(choice.partition("=")[::2] for choice in options.var)
    known = {variable["name"] for _, dashboard in dashboards for variable in dashboard["templating"]["list"]}
    for name, value in chosen.items():
        if name not in known or not value:
            parser.error(f"argument --var: NAME=VALUE, of the variables {', '.join(sorted(known))}, and not {name!r} with the value {value!r}")
    if not options.prometheus.startswith(("http://", "https://")):
        parser.error(f"argument --prometheus: an address such as http://127.0.0.1:9090, and not {options.prometheus!r}")
    if not (options.minutes > 0 and options.interval > 0):
        parser.error("arguments --minutes and --interval: more than 0")
    prometheus = Prometheus(options.prometheus, time.time(), options.minutes * 60, options.interval)
    options.out.mkdir(parents=True, exist_ok=True)
    for file, dashboard in dashboards:
        try:
            text, problems = page.drawn(dashboard, prometheus, chosen)
        except Refused as error:
            sys.exit(f"{options.prometheus}: {error}; does it read validators?")
        except (OSError, ValueError) as error:
            sys.exit(f"no Prometheus answers at {options.prometheus} ({error}): pop deploy-testnet --prometheus starts one beside a network")
        target = options.out / f"{file.stem}.html"
        target.write_text(text, encoding="utf-8")
        print(target)
        for problem in problems:
            print(f"  {problem}")


main()
