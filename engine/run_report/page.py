"""A report as one HTML page: no scripts, nothing loaded, light and dark, on screen and on paper."""

from __future__ import annotations

from collections.abc import Sequence

from engine.run_report.document import Block, Document, Facts, Figure, Prose, Section, Table
from engine.run_report.plot import safe

LIGHT = "--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--paper:#fff;--panel:#f6f8fa;--c0:#0072b2;--c1:#b84a00;--c2:#007a57;--c3:#a3437c;--hit:#0072b2;--miss:#b84a00;--level:#1b1f24;--wash0:#0072b21a;--wash1:#e69f0016;--full:#0072b2;--full-ink:#fff;--part:#b9dcf2;--part-ink:#1b1f24;--none:#fff;--never:#e4e7ea"
DARK = "--ink:#e6edf3;--soft:#9aa4ae;--line:#3a424b;--paper:#0d1117;--panel:#161b22;--c0:#56b4e9;--c1:#ff9d57;--c2:#35c79a;--c3:#e79ac4;--hit:#56b4e9;--miss:#ff9d57;--level:#e6edf3;--wash0:#56b4e926;--wash1:#e69f001a;--full:#56b4e9;--full-ink:#0d1117;--part:#1d4e70;--part-ink:#e6edf3;--none:#0d1117;--never:#2a313a"
STYLE = f"""
:root{{color-scheme:light dark;{LIGHT}}}
@media (prefers-color-scheme:dark){{:root{{{DARK}}}}}
@page{{margin:14mm}}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,"Segoe UI",Helvetica,Arial,sans-serif}}
main{{max-width:860px;margin:0 auto;padding:32px 20px 64px}}
h1{{font-size:1rem;font-weight:500;color:var(--soft);margin:0 0 12px;overflow-wrap:anywhere}}
h2{{font-size:1.15rem;margin:44px 0 12px;padding-bottom:6px;border-bottom:1px solid var(--line);break-after:avoid}}
.verdict{{border-left:6px solid var(--soft);background:var(--panel);padding:16px 20px;break-inside:avoid}}
.verdict strong{{display:block;font-size:1.5rem;line-height:1.25;letter-spacing:.01em}}
.verdict p{{margin:8px 0 0}}
.identified{{border-color:var(--c2)}}.biased{{border-color:var(--c1)}}.no_evidence{{border-color:var(--c0)}}
p{{margin:10px 0;max-width:72ch}}
dl{{display:grid;grid-template-columns:8.5rem 1fr;gap:4px 16px;margin:12px 0 20px}}
dt{{color:var(--soft)}}dd{{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}}
figure{{margin:20px 0 28px;break-inside:avoid}}figure.long{{break-inside:auto}}
figcaption{{color:var(--soft);font-size:.88rem;margin-top:6px;max-width:80ch}}
svg{{display:block;width:100%;height:auto;overflow:visible}}
svg text{{fill:var(--ink);font:12px system-ui,"Segoe UI",Helvetica,Arial,sans-serif}}
svg text.num{{fill:var(--soft);font-size:11px;font-variant-numeric:tabular-nums}}svg text.small{{font-size:11px}}
.s0,.s1,.s2,.s3{{fill:none;stroke-width:2;stroke-linejoin:round}}
.s0{{stroke:var(--c0)}}.s1{{stroke:var(--c1);stroke-dasharray:7 4}}.s2{{stroke:var(--c2);stroke-dasharray:2 3}}.s3{{stroke:var(--c3);stroke-dasharray:10 3 2 3}}
.level{{stroke:var(--level);stroke-width:1.5;stroke-dasharray:1 4;stroke-linecap:round}}
.grid{{stroke:var(--line)}}.axis{{stroke:var(--soft)}}.dot{{fill:var(--c0)}}
.hit{{stroke:var(--hit);fill:none}}.miss{{stroke:var(--miss);fill:none}}
.span0{{fill:var(--wash0)}}.span1{{fill:var(--wash1)}}.key{{stroke:var(--line)}}
rect.claim{{fill:var(--c2)}}rect.full{{fill:var(--full)}}rect.part{{fill:var(--part)}}rect.none{{fill:var(--none);stroke:var(--line)}}rect.never{{fill:var(--never)}}
svg text.in{{font-size:10px}}svg text.in.full,svg text.in.claim{{fill:var(--full-ink)}}svg text.in.part{{fill:var(--part-ink)}}svg text.in.never{{fill:var(--soft)}}
.wide{{overflow-x:auto;margin:16px 0 24px}}
table{{border-collapse:collapse;width:100%;font-size:.86rem;font-variant-numeric:tabular-nums}}
caption{{text-align:left;font-weight:600;padding-bottom:6px}}
th,td{{text-align:left;vertical-align:top;padding:5px 14px 5px 0;border-bottom:1px solid var(--line);font-weight:400}}
thead th{{color:var(--soft);white-space:nowrap}}tr{{break-inside:avoid}}
@media print{{:root{{color-scheme:light;{LIGHT}}}html{{font-size:12px}}main{{max-width:none;padding:0}}h2{{margin-top:24px}}*{{print-color-adjust:exact}}}}
dd.more{{grid-column:2}}
@media (max-width:560px){{dl{{grid-template-columns:1fr}}dd{{margin-bottom:8px}}dd.more{{grid-column:1}}figure{{overflow-x:auto}}svg{{min-width:600px;overflow:hidden}}}}
""".strip()


def render(document: Document) -> str:
    """Return the whole page; the same run gives the same bytes."""
    body = "\n".join(_section(at, one) for at, one in enumerate(document.sections, start=1))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{safe(document.title)}</title>\n'
        f"<style>\n{STYLE}\n</style>\n</head>\n<body>\n<main>\n<h1>{safe(document.title)}</h1>\n"
        f'<div class="verdict {document.kind}"><strong>{safe(document.verdict)}</strong><p>{safe(document.reason)}</p></div>\n'
        f"{body}\n</main>\n</body>\n</html>\n"
    )


def _section(at: int, one: Section) -> str:
    blocks = "\n".join(_block(block) for block in one.blocks)
    return f'<section aria-labelledby="section-{at}">\n<h2 id="section-{at}">{safe(one.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block) -> str:
    match block:
        case Prose(text):
            return f"<p>{safe(text)}</p>"
        case Facts(rows):
            return f"<dl>{''.join(_fact(*row) for row in rows)}</dl>"
        case Table():
            return _table(block)
        case Figure(picture, caption):
            return f"<figure>{picture.svg()}<figcaption><strong>{safe(picture.title)}.</strong> {safe(caption)}</figcaption></figure>"


def _fact(label: str, text: str) -> str:
    """Return one labelled fact; a fact without a label belongs to the term before it."""
    return f"<dt>{safe(label)}</dt><dd>{safe(text)}</dd>" if label else f'<dd class="more">{safe(text)}</dd>'


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{safe(name)}</th>' for name in table.columns)
    rows = "".join(_row(row) for row in table.rows)
    return f'<div class="wide"><table><caption>{safe(table.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _row(cells: Sequence[str]) -> str:
    rest = "".join(f"<td>{safe(cell)}</td>" for cell in cells[1:])
    return f'<tr><th scope="row">{safe(cells[0])}</th>{rest}</tr>'
