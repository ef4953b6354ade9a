# SPDX-License-Identifier: GPL-2.0-only
"""Horizontal bars in SVG, stacked: as wide as their sum, on one scale that begins at zero."""
from html import escape

WIDTH, LABEL, VALUE = 860, 210, 150     # px: of all, of the bars' names, of what stands behind them
BAR, GAP, TOP = 22, 8, 8
# Told apart by turns of light and dark also without colours.
COLOURS = ("#9ecae1", "#08519c", "#fdae6b", "#a63603", "#a1d99b", "#006d2c", "#bcbddc", "#54278f", "#d9d9d9", "#525252",
           "#fa9fb5", "#7a0177")


def quantity(value, unit):
    """A number as a person reads it, with three digits that count."""
    if unit == "bytes":
        steps = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))
    elif unit == "%":
        return f"{value:+.1f} %"
    else:
        steps = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))
    for size, name in steps:
        if abs(value) >= size:
            break
    scaled = value / size
    digits = 0 if abs(scaled) >= 100 or scaled == int(scaled) else 1 if abs(scaled) >= 10 else 2
    return f"{scaled:.{digits}f} {name}".rstrip()


def text(x, y, words, **attributes):
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(words)}</text>'


def bars(figure):
    """figure: as in report.py. Behind each bar stand its sum and what it is of the one that it is compared with."""
    unit, series = figure["unit"], figure["series"]
    sums = [sum(bar["values"]) for bar in figure["bars"]]
    most = max(sums, default=0) or 1
    room = WIDTH - LABEL - VALUE
    height = TOP + len(sums) * (BAR + GAP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
           f'aria-label="{escape(figure["title"])}" font-family="sans-serif" font-size="13">']
    for row, (bar, total) in enumerate(zip(figure["bars"], sums)):
        y, x = TOP + row * (BAR + GAP), LABEL
        middle = y + BAR / 2 + 4.5
        out.append(text(LABEL - 8, middle, bar["label"], text_anchor="end", font_weight="bold" if bar.get("ours") else "normal"))
        for index, value in enumerate(bar["values"]):
            width = room * value / most
            name = f"{bar['label']}, {series[index]}: {quantity(value, unit)}" if series[0] else f"{bar['label']}: {quantity(value, unit)}"
            out.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{COLOURS[index % len(COLOURS)]}">'
                       f"<title>{escape(name)}</title></rect>")
            x += width
        base = sums[bar.get("base", 0)]
        share = f"  {total / base:.2f} ×" if row != bar.get("base", 0) and base else ""
        out.append(text(x + 6, middle, quantity(total, unit) + share))
    out.append("</svg>")
    return "\n".join(out)


def legend(series):
    if not series[0]:
        return ""
    return "".join(f'<span class="key"><i style="background:{COLOURS[i % len(COLOURS)]}"></i>{escape(name)}</span>'
                   for i, name in enumerate(series))
