#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""One page, self-contained, of a bench.json.

bench.json:
  format     2
  when, commit, kernel, vmm      text
  summary    text: what was compared, in two sentences
  headlines  [{name, paper, target, ours, unit, less, noise, counts, note, costs}]: numbers, or null if not measured (note says
             why); less: true if less is better; noise: what it moves by from run to run; counts: [of the baseline, ours], text; costs: [[name, value, unit]], the largest
             that are left
  tables     [{title, caption, columns, rows}]: text
  figures    [{id, title, caption, unit, series, bars}]: series names the parts of a bar ([""]: they have none), bars
             are [{label, values, ours, base}]; base: number of the bar that it is compared with
  method, limits                 [text]
  not_run    [[what, why]]
  raw        all that was measured, for other programs
"""
import argparse
import json
from html import escape

import chart

STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 900px; margin: 2em auto; padding: 0 1em; color: #1a1a1a; background: #fff }
h1 { font-size: 1.6em; margin-bottom: .2em } h2 { font-size: 1.15em; margin: 2em 0 .3em }
table { border-collapse: collapse; width: 100% } td, th { padding: .35em .6em; border-bottom: 1px solid #ddd; text-align: right }
td:first-child, th:first-child { text-align: left } th { font-weight: 600 }
.met { color: #0a6b2d; font-weight: 600 } .missed { color: #a4262c; font-weight: 600 } .none { color: #666 }
.caption, .small { color: #555; font-size: .9em } .key { margin-right: 1.2em; font-size: .9em }
.key i { display: inline-block; width: .8em; height: .8em; margin-right: .4em }
svg { width: 100%; height: auto }
.counts { color: #555; white-space: nowrap } summary { cursor: pointer; padding: .25em 0 } details table { font-size: .9em }
"""


def is_met(headline):
    """None: not measured, or there is no target."""
    ours, target = headline["ours"], headline.get("target")
    if ours is None or target is None:
        return None
    return ours <= target if headline.get("less", True) else ours >= target


def number(value, unit):
    return "–" if value is None else chart.quantity(value, unit)


def headline_row(headline):
    met, unit = is_met(headline), headline["unit"]
    verdict = {True: ("met", "met"), False: ("missed", "missed"), None: ("none", "–")}[met]
    counts = " → ".join(headline.get("counts", ())) or "–"
    return (f"<tr><td>{escape(headline['name'])}</td><td>{number(headline.get('paper'), unit)}</td>"
            f"<td>{number(headline.get('target'), unit)}</td><td><b>{number(headline['ours'], unit)}</b></td>"
            f'<td class="{verdict[0]}">{verdict[1]}</td><td class="counts">{escape(counts)}</td></tr>')


def headline_notes(headlines):
    for headline in headlines:
        words = [headline.get("note", "")] if headline.get("note") else []
        if headline.get("costs"):
            words.append("Largest costs left: " + ", ".join(f"{name} {chart.quantity(value, unit)}"
                                                           for name, value, unit in headline["costs"]) + ".")
        if words:
            yield f"<li><b>{escape(headline['name'])}.</b> {escape(' '.join(words))}</li>"


def items(lines):
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def table(found):
    head = "".join(f"<th>{escape(column)}" for column in found["columns"])
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in found["rows"])
    return (f"<details><summary>{escape(found['title'])}</summary><table><tr>{head}</tr>{rows}</table>"
            f'<p class="caption">{escape(found["caption"])}</p></details>')


def page(bench):
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>Nexus: the proof</title><style>{STYLE}</style>",
             "<h1>Nexus against what it replaces</h1>",
             f'<p class="small">{escape(bench["when"])}, commit {escape(bench["commit"])}, {escape(bench["kernel"])}, {escape(bench["vmm"])}</p>',
             f"<p>{escape(bench['summary'])}</p>",
             "<table><tr><th>measure<th>paper<th>target<th>here<th><th>from → to</tr>", *map(headline_row, bench["headlines"]), "</table>",
             '<ul class="small">', *headline_notes(bench["headlines"]), "</ul>"]
    for figure in bench["figures"]:
        parts += [f'<h2 id="{escape(figure["id"])}">{escape(figure["title"])}</h2>', chart.legend(figure["series"]),
                  chart.bars(figure), f'<p class="caption">{escape(figure["caption"])}</p>']
    parts += ["<h2>All cases, and more</h2>", *map(table, bench.get("tables", ()))]
    parts += ["<h2>Method</h2>", items(bench["method"]), "<h2>Limits, and in whose favour</h2>", items(bench["limits"])]
    if bench["not_run"]:
        parts += ["<h2>Not run</h2>", items(f"{what}: {why}" for what, why in bench["not_run"])]
    return "\n".join(parts) + "</html>\n"


def main():
    parser = argparse.ArgumentParser(description="Write the page of a bench.json.")
    parser.add_argument("bench")
    parser.add_argument("page")
    arguments = parser.parse_args()
    with open(arguments.bench) as file:
        text = page(json.load(file))
    with open(arguments.page, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
