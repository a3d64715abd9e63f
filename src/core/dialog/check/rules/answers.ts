/**
 * No customer is met with silence. A waiting state answers every kind of message by a transition or by the dialog's
 * unexpected text; the general fallback with its flag is not enough, since it calls a person for what the dialog could
 * say itself. And a message that a transition took is answered before the dialog waits again.
 */
import type { Dialog } from '../../dialog.ts';
import type { Finding } from '../finding.ts';
import { type Configuration, type Edge, type Graph, isBusy } from '../graph.ts';
import { transcriptOf } from '../transcript.ts';

/** A timer that fires this soon may still bring the answer: several short messages are answered together. */
const soonMs = 60_000;

export function unansweredKinds(graph: Graph, dialog: Dialog): Finding[] {
  if (dialog.unexpectedText !== undefined) return [];
  const byLabel = new Map<string, Edge[]>();
  for (const edge of graph.edges) {
    const { from, happening, moved } = edge;
    if (from === null || moved || happening.kind !== 'message' || !happening.wantsAnswer) continue;
    const edges = byLabel.get(from.label) ?? [];
    byLabel.set(from.label, edges);
    edges.push(edge);
  }
  return [...byLabel].map(([label, edges]) => unanswered(label, edges));
}

function unanswered(label: string, edges: readonly Edge[]): Finding {
  const waiting = edges.filter(({ from }) => from !== null && !isBusy(from));
  const shown = waiting[0] ?? edges[0] ?? null;
  const kinds = [...new Set(edges.map(({ happening }) => happening.messageKind ?? ''))];
  const sometimes = edges.every(({ given }) => given.length > 0);
  return {
    rule: 'unanswered',
    severity: waiting.length > 0 ? 'error' : 'warning',
    where: label,
    says: `${label} ${sometimes ? 'may have' : 'has'} no answer to: ${kinds.join(', ')}. The customer gets the fallback text, and a person is called.`,
    todo: 'Give the dialog an unexpectedText, or the state a transition for these kinds that says something.',
    transcript: transcriptOf(shown),
  };
}

export function silences(graph: Graph): Finding[] {
  const silent = graph.configurations.filter(isSilent);
  const byLabel = new Map<string, Configuration>();
  for (const each of silent) if (!byLabel.has(each.label)) byLabel.set(each.label, each);
  return [...byLabel.values()].map((at) => ({
    rule: 'silence',
    severity: 'error',
    where: at.label,
    says: `A message of the customer is taken and nothing is said: the dialog then waits in ${at.label}.`,
    todo: 'Say something on this way, flag it for a person, or declare with noAnswer by which rule it gets no answer.',
    transcript: transcriptOf(at.cameBy, '    the customer hears nothing'),
  }));
}

function isSilent(at: Configuration): boolean {
  if (!at.owed || !at.settled || at.held || isBusy(at)) return false;
  return !Object.values(at.timers).some(({ delayMs }) => delayMs <= soonMs);
}
