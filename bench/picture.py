"""Bars of milliseconds, a group for each model and number of threads, as SVG."""
from xml.sax.saxutils import escape

COLOURS = {"nextc": ["#1b6e53", "#3fa37f", "#86cbb0"], "onnxruntime": ["#c26a2d"], "openvino": ["#5a6fb0"]}
BAR, GAP, LEFT, WIDTH = 16, 14, 190, 560


def colour(engine, seen):
    row = COLOURS.get(engine.split()[0], ["#808080"])
    seen[row[0]] = seen.get(row[0], -1) + 1
    return row[seen[row[0]] % len(row)]


def text(x, y, words, anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>')


def svg(title, results):
    """results: dicts with model, threads, bound_ms (work at the measured peak), engines {name: {best_ms}}."""
    body, y = [text(10, 22, title, weight="bold")], 40
    for r in results:
        longest, seen = max(r["bound_ms"], *(e["best_ms"] for e in r["engines"].values())), {}
        threads = "1 thread" if r["threads"] == 1 else f"{r['threads']} threads"
        body.append(text(10, y + 12, f"{r['model']}, {threads}", weight="bold"))
        y += 18
        bound = LEFT + r["bound_ms"] / longest * WIDTH
        top = y
        for name, e in r["engines"].items():
            width = e["best_ms"] / longest * WIDTH
            body.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 3}" fill="{colour(name, seen)}"/>')
            body.append(text(LEFT - 8, y + 11, name, "end"))
            body.append(text(LEFT + width + 6, y + 11, f"{e['best_ms']:.1f} ms"))
            y += BAR
        body.append(f'<line x1="{bound:.1f}" x2="{bound:.1f}" y1="{top - 2}" y2="{y}" stroke="#b00020" stroke-width="1.5"/>')
        y += GAP
    body.append(text(10, y + 6, "red: the model's multiply-adds at the FMA peak measured in the same run"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 90}" height="{y + 20}" font-family="sans-serif" '
            f'font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(body) + "\n</svg>\n")
