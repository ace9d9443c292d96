"""A workflow as a picture: SVG that needs nothing else, and DOT for those who have Graphviz."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from html import escape

from deeplog_ops.detection.explain import shortened
from deeplog_ops.workflows.diagnosis import Diagnosis
from deeplog_ops.workflows.edges import BEGIN, END
from deeplog_ops.workflows.graph import Edge, Node, Workflow
from deeplog_ops.workflows.layout import Layout, Place, laid_out

BOX_WIDTH, BOX_HEIGHT = 220, 40
GAP, LAYER, MARGIN = 28, 92, 24
SLIM = 30  # the room of an edge that passes a layer
TEXT_LENGTH = 30  # characters of a template in a box; the whole stands in its tooltip

INK, PAPER, BOX, PALE = "#1f2933", "#ffffff", "#f3f6f9", "#9aa5b1"
COLOURS = {
    "next": "#52606d",
    "choice": "#52606d",
    "new_task": "#2f6f4f",
    "fork": "#1f5fbf",
    "join": "#1f5fbf",
    "loop": "#b35c00",
}
VISITED, WRONG, DUE = "#d9ecff", "#c62828", "#e8a33d"
DASHES = {"loop": "6 4", "choice": "", "new_task": "2 3"}

Point = tuple[float, float]


def svg(workflow: Workflow, texts: Mapping[str, str], highlight: Diagnosis | None = None) -> str:
    """The picture, top down; `texts` are the templates' by id.

    Edges of a fork and a join are thick and meet at a bar, loops are dashed and lead up at the side, new tasks are
    dotted. A highlight fills the visited steps, frames what was expected, and says in red where the session left.
    """
    layout = laid_out(workflow)
    spots, width, height = _spots(layout)
    lanes = sorted((source, target) for source, target in layout.back if source != target)
    right = width + 18 * len(lanes)
    parts = [_edge(edge, layout, spots, width + 18 * _lane(edge, lanes)) for edge in workflow.edges]
    parts += [_bars(workflow, spots)]
    parts += [_node(node, spots[node.node_id], texts, highlight) for node in workflow.nodes]
    if highlight is not None and highlight.place is not None:
        right = max(right, spots[highlight.node][0] + BOX_WIDTH / 2 + 240)
        parts.append(_left_here(highlight, spots[highlight.node], texts))
    size = (
        f'width="{right + MARGIN:.0f}" height="{height:.0f}" viewBox="0 0 {right + MARGIN:.0f} {height:.0f}"'
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" '
            f'font-family="Helvetica, Arial, sans-serif" font-size="12">',
            f"<title>Workflow of {workflow.sessions} sessions</title>",
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
            "<defs>",
            *(_arrow(kind, colour) for kind, colour in COLOURS.items()),
            "</defs>",
            *filter(None, parts),
            "</svg>",
            "",
        ]
    )


def _spots(layout: Layout) -> tuple[dict[Place, Point], float, float]:
    """The centre of each place, and the picture's size without the lanes of loops."""
    rooms = [[BOX_WIDTH if isinstance(place, str) else SLIM for place in layer] for layer in layout.layers]
    widths = [sum(room) + GAP * (len(room) - 1) for room in rooms]
    width = max(widths) + 2 * MARGIN
    spots: dict[Place, Point] = {}
    for number, layer in enumerate(layout.layers):
        left = (width - widths[number]) / 2
        for place, room in zip(layer, rooms[number], strict=True):
            spots[place] = (left + room / 2, MARGIN + BOX_HEIGHT / 2 + number * LAYER)
            left += room + GAP
    return spots, width, 2 * MARGIN + BOX_HEIGHT + (len(layout.layers) - 1) * LAYER


def _lane(edge: Edge, lanes: list[tuple[str, str]]) -> int:
    pair = (edge.source, edge.target)
    return lanes.index(pair) if pair in lanes else 0


def _arrow(kind: str, colour: str) -> str:
    return (
        f'<marker id="arrow-{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
    )


def _edge(edge: Edge, layout: Layout, spots: Mapping[Place, Point], lane: float) -> str:
    if (edge.source, edge.target) in layout.back:
        (x1, y1), (x2, y2) = spots[edge.source], spots[edge.target]
        x1, x2 = x1 + BOX_WIDTH / 2, x2 + BOX_WIDTH / 2
        lane = lane if edge.source != edge.target else x1 + 26
        path = f"M{x1:.1f} {y1 + 8:.1f}C{lane:.1f} {y1 + 8:.1f} {lane:.1f} {y2 - 8:.1f} {x2:.1f} {y2 - 8:.1f}"
        label = (x1 + 4, y1 + 24)
    else:
        way = layout.paths[edge.source, edge.target]
        points = [spots[place] for place in way]
        start = (points[0][0], points[0][1] + BOX_HEIGHT / 2)
        stop = (points[-1][0], points[-1][1] - BOX_HEIGHT / 2)
        bend = [start, *points[1:-1], stop]
        path = f"M{start[0]:.1f} {start[1]:.1f}"
        for (xa, ya), (xb, yb) in itertools.pairwise(bend):
            middle = (ya + yb) / 2
            path += f"C{xa:.1f} {middle:.1f} {xb:.1f} {middle:.1f} {xb:.1f} {yb:.1f}"
        (xa, ya), (xb, yb) = bend[0], bend[1]
        label = (xa + (xb - xa) * 0.6 + 4, ya + (yb - ya) * 0.6)
    colour, wide = COLOURS[edge.kind], 2.4 if edge.kind in ("fork", "join") else 1.3
    dash = f' stroke-dasharray="{DASHES[edge.kind]}"' if DASHES.get(edge.kind) else ""
    line = (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{wide}"{dash} '
        f'marker-end="url(#arrow-{edge.kind})"><title>{edge.kind}: {edge.count} times, '
        f"probability {edge.probability:.3f}</title></path>"
    )
    if edge.probability >= 0.995:
        return line
    text = f"{edge.probability:.2f}" if edge.probability >= 0.005 else "&lt;.01"
    return line + (
        f'<text x="{label[0]:.1f}" y="{label[1]:.1f}" font-size="10" fill="{colour}" '
        f'stroke="{PAPER}" stroke-width="3" paint-order="stroke">{text}</text>'
    )


def _bars(workflow: Workflow, spots: Mapping[Place, Point]) -> str:
    """A bar under each node that forks and over each node that joins."""
    bars = []
    for kind, of, side in (("fork", "source", 1), ("join", "target", -1)):
        nodes = {getattr(edge, of): None for edge in workflow.edges if edge.kind == kind}
        for node in nodes:
            x, y = spots[node]
            top = y + side * (BOX_HEIGHT / 2 + 4) - 2.5
            bars.append(
                f'<rect x="{x - 40:.1f}" y="{top:.1f}" width="80" height="5" rx="2" fill="{COLOURS[kind]}"/>'
            )
    return "".join(bars)


def _node(node: Node, spot: Point, texts: Mapping[str, str], highlight: Diagnosis | None) -> str:
    x, y = spot
    due = highlight is not None and any(step.node == node.node_id for step in highlight.expected)
    visited = highlight is not None and node.node_id in highlight.visited
    stroke, wide = (DUE, 3) if due and highlight and not highlight.fits else (PALE, 1.2)
    fill = VISITED if visited else BOX
    if node.node_id in (BEGIN, END):
        shape = f'<rect x="{x - 36:.1f}" y="{y - 14:.1f}" width="72" height="28" rx="14"'
        text, title = node.node_id, f"{node.node_id}: {node.count} sessions"
    else:
        left, top = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
        shape = f'<rect x="{left:.1f}" y="{top:.1f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="5"'
        whole = texts.get(node.key, node.key)
        text, title = _in_box(whole), f"{whole}\n{node.key}, {node.count} events"
    return (
        f'<g><title>{escape(title)}</title>{shape} fill="{fill}" stroke="{stroke}" stroke-width="{wide}"/>'
        f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" fill="{INK}">{escape(text)}</text></g>'
    )


def _in_box(text: str) -> str:
    """The text's beginning, from its first word that is no variable."""
    line = " ".join(text.split())
    line = line.removeprefix("<*>").strip() or line
    return line if len(line) <= TEXT_LENGTH else line[: TEXT_LENGTH - 1].rstrip() + "…"


def _left_here(highlight: Diagnosis, spot: Point, texts: Mapping[str, str]) -> str:
    x, y = spot[0] + BOX_WIDTH / 2 + 8, spot[1]
    came = "stopped here" if highlight.came is None else _in_box(texts.get(highlight.came, highlight.came))
    return (
        f'<g><title>The session left the workflow after this step</title><path d="M{x:.1f} {y:.1f}h26" '
        f'stroke="{WRONG}" stroke-width="2.5"/><text x="{x + 32:.1f}" y="{y + 4:.1f}" fill="{WRONG}" '
        f'font-weight="bold" stroke="{PAPER}" stroke-width="3" paint-order="stroke">{escape(came)}</text></g>'
    )


def dot(workflow: Workflow, texts: Mapping[str, str]) -> str:
    """The workflow for Graphviz."""
    lines = ["digraph workflow {", '  node [shape=box, style="rounded,filled", fillcolor="#f3f6f9"];']
    for node in workflow.nodes:
        label = node.node_id if not node.key else shortened(texts.get(node.key, node.key), 60)
        shape = ", shape=oval" if not node.key else ""
        lines.append(f'  "{node.node_id}" [label="{_escaped(label)}"{shape}];')
    for edge in workflow.edges:
        style = {"loop": "dashed", "new_task": "dotted", "fork": "bold", "join": "bold"}.get(
            edge.kind, "solid"
        )
        lines.append(
            f'  "{edge.source}" -> "{edge.target}" [label="{edge.probability:.2f}", style={style}, '
            f'color="{COLOURS[edge.kind]}"];'
        )
    return "\n".join([*lines, "}", ""])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
