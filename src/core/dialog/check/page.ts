/**
 * The report as one HTML page: the drawing of each dialog as SVG, and below it what was found, each with its chat. It needs
 * no script and no other file. States stand in rows by how far they are from the beginning; dashed arrows lead back.
 */
import type { CheckReport } from './check.ts';
import type { Arrow, Diagram, Drawn } from './diagram.ts';

const box = { width: 168, height: 40, columnWidth: 250, rowHeight: 96, margin: 30, lane: 12 };

const colours: Readonly<Record<Drawn['kind'], string>> = {
  waiting: '#e8f3ee',
  busy: '#e6eefb',
  paid: '#fdf0d5',
  final: '#e4e4e7',
  anywhere: '#f5f0fa',
};

const legend: Readonly<Record<Drawn['kind'], string>> = {
  waiting: 'waits for the customer',
  busy: 'work is done',
  paid: 'paid work is done',
  final: 'the end',
  anywhere: 'holds in several states',
};

interface Place {
  x: number;
  y: number;
}

export function pageOf(checked: readonly { report: CheckReport; diagram: Diagram }[]): string {
  const parts = checked.map(({ report, diagram }) => sectionOf(report, diagram));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>nightdesk check</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color: #18181b; background: #fff; }
svg { max-width: 100%; height: auto; border: 1px solid #e4e4e7; border-radius: 8px; }
svg text { font: 12px system-ui, sans-serif; fill: #18181b; }
svg .label { font-size: 10px; fill: #52525b; paint-order: stroke; stroke: #fff; stroke-width: 3px; }
pre { background: #f4f4f5; padding: .75rem 1rem; border-radius: 8px; white-space: pre-wrap; }
.error { color: #b91c1c; } .warning { color: #a16207; } .proven { color: #15803d; }
.key span { display: inline-block; padding: .1rem .6rem; margin-right: .5rem; border: 1px solid #a1a1aa; border-radius: 6px; }
</style></head><body>
<h1>nightdesk check</h1>
<p class="key">${Object.entries(legend)
    .map(([kind, words]) => `<span style="background:${colours[kind as Drawn['kind']]}">${words}</span>`)
    .join('')}</p>
${parts.join('\n')}
</body></html>
`;
}

function sectionOf(report: CheckReport, diagram: Diagram): string {
  const { configurations, transitions } = report.explored;
  const verdict = report.isProven
    ? '<p class="proven">Proven: it cannot hang, and nothing is paid twice by one action.</p>'
    : report.bounds.length > 0
      ? `<p class="warning">Not proven: the exploration met its bound (${escaped(report.bounds.join(', '))}).</p>`
      : '<p class="error">Not proven; see below.</p>';
  const findings = report.findings.map(
    ({ severity, says, todo, transcript }) =>
      `<h3 class="${severity}">${escaped(says)}</h3><p>${escaped(todo)}</p>${
        transcript.length === 0 ? '' : `<pre>${escaped(transcript.join('\n'))}</pre>`
      }`,
  );
  const assumed = report.assumptions.map(
    ({ name, guard }) => `<li>${escaped(name)}${name === guard ? '' : ` (${escaped(guard)})`}</li>`,
  );
  return `<section><h2>${escaped(report.dialog)}, version ${report.version}</h2>
${verdict}
<p>${configurations} configurations and ${transitions} transitions were explored.</p>
${svgOf(diagram)}
${assumed.length === 0 ? '' : `<h3>Assumptions</h3><ul>${assumed.join('')}</ul>`}
${findings.join('\n')}</section>`;
}

function svgOf(diagram: Diagram): string {
  const places = placesOf(diagram);
  const all = [...places.values()];
  const right = Math.max(...all.map(({ x }) => x)) + box.width;
  const back = diagram.arrows.filter((arrow) => goesBack(arrow, places));
  const width = right + box.margin + back.length * box.lane + box.margin;
  const height = Math.max(...all.map(({ y }) => y)) + box.height + box.margin;
  const arrows = diagram.arrows.map((arrow) =>
    back.includes(arrow)
      ? backArrow(arrow, places, right + box.margin + back.indexOf(arrow) * box.lane)
      : arrowOn(arrow, places),
  );
  const nodes = diagram.nodes.map((node) => nodeOf(node, places, node.id === diagram.first));
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="states of the dialog">
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#71717a"/></marker></defs>
${arrows.join('\n')}
${nodes.join('\n')}
</svg>
${listOf(diagram)}`;
}

/** Every arrow in words: a drawing has no room for all labels. */
function listOf({ nodes, arrows }: Diagram): string {
  const label = new Map(nodes.map((node) => [node.id, node.label]));
  const lines = arrows.map(
    (each) =>
      `<li>${escaped(label.get(each.from) ?? '')} &rarr; ${escaped(label.get(each.to) ?? '')}: ${escaped(each.label)}</li>`,
  );
  return `<details><summary>All ${arrows.length} arrows in words</summary><ul>${lines.join('')}</ul></details>`;
}

/** Rows by distance from the first state; what nothing leads to stands in the last one. */
function placesOf({ nodes, arrows, first }: Diagram): Map<string, Place> {
  const distance = new Map([[first, 0]]);
  const spread = () => {
    for (const [id, far] of distance)
      for (const { from, to } of arrows) if (from === id && !distance.has(to)) distance.set(to, far + 1);
  };
  spread();
  for (const { id, kind } of nodes) if (kind === 'anywhere' && !distance.has(id)) distance.set(id, 0);
  spread();
  const last = Math.max(0, ...distance.values()) + 1;
  const rows = new Map<number, number>();
  return new Map(
    nodes.map(({ id }) => {
      const row = distance.get(id) ?? last;
      const column = rows.get(row) ?? 0;
      rows.set(row, column + 1);
      return [id, { x: box.margin + column * box.columnWidth, y: box.margin + row * box.rowHeight }];
    }),
  );
}

const goesBack = ({ from, to }: Arrow, places: Map<string, Place>) =>
  (places.get(to)?.y ?? 0) <= (places.get(from)?.y ?? 0);

function nodeOf({ id, label, kind, hasError }: Drawn, places: Map<string, Place>, isFirst: boolean): string {
  const { x, y } = places.get(id) ?? { x: 0, y: 0 };
  const stroke = hasError ? '#b91c1c' : '#71717a';
  const strokeWidth = hasError || isFirst ? 2.5 : 1;
  return `<g><title>${escaped(label)}: ${legend[kind]}</title><rect x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="10" fill="${colours[kind]}" stroke="${stroke}" stroke-width="${strokeWidth}"/><text x="${x + box.width / 2}" y="${y + box.height / 2 + 4}" text-anchor="middle">${escaped(short(label, 26))}</text></g>`;
}

/** Down from one row to a later one, with its label. */
function arrowOn({ from, to, label }: Arrow, places: Map<string, Place>): string {
  const a = places.get(from) ?? { x: 0, y: 0 };
  const b = places.get(to) ?? { x: 0, y: 0 };
  const start = { x: a.x + box.width / 2, y: a.y + box.height };
  const end = { x: b.x + box.width / 2, y: b.y };
  const bend = (end.y - start.y) / 2;
  const path = `M${start.x} ${start.y} C${start.x} ${start.y + bend} ${end.x} ${end.y - bend} ${end.x} ${end.y}`;
  const at = { x: end.x + (start.x - end.x) / 4, y: end.y - box.rowHeight / 4 };
  return `<g><title>${escaped(label)}</title><path d="${path}" fill="none" stroke="#71717a" marker-end="url(#tip)"/><text class="label" x="${at.x}" y="${at.y}" text-anchor="middle">${escaped(short(label, 40))}</text></g>`;
}

/** Up again, each in a lane of its own beside the states. */
function backArrow({ from, to, label }: Arrow, places: Map<string, Place>, lane: number): string {
  const a = places.get(from) ?? { x: 0, y: 0 };
  const b = places.get(to) ?? { x: 0, y: 0 };
  const y1 = a.y + (box.height * 2) / 3;
  const y2 = b.y + box.height / 3;
  const path = `M${a.x + box.width} ${y1} H${lane} V${y2} H${b.x + box.width}`;
  return `<g><title>${escaped(label)}</title><path d="${path}" fill="none" stroke="#a1a1aa" stroke-dasharray="4 3" marker-end="url(#tip)"/></g>`;
}

const short = (text: string, max: number) => (text.length > max ? `${text.slice(0, max - 1)}…` : text);

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
