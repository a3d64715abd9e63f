/**
 * What the workbench asks for: the supervisor's doors under /_dev, and the faults of the simulator under /_sim. An answer
 * that is not 200 throws `Refused` with the words of whoever refused. To call another door, add a function.
 */
import { call, Refused } from '../data/control.ts';
import type { Settings } from './fault-settings.ts';
import type { LifeStep } from './life-layout.ts';

export type ServerStateName = 'starting' | 'ready' | 'stopped' | 'failed';

export interface DevState {
  readonly server: {
    readonly state: ServerStateName;
    readonly pid: number | null;
    readonly restarts: number;
    readonly kills: number;
    readonly sinceMs: number;
  };
  readonly problems: readonly Problem[];
  readonly clock: { readonly nowMs: number; readonly aheadMs: number };
  readonly load: {
    readonly perSecond: number;
    readonly asked: number;
    readonly answered: number;
    readonly waiting: number;
  };
}

export interface Problem {
  readonly text: string;
  readonly file?: string;
  readonly line?: number;
}

export interface Life {
  readonly wamid: string;
  readonly steps: readonly LifeStep[];
}

async function dev<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
  const response = await fetch(`/_dev${path}`, {
    method,
    ...(method === 'GET'
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body ?? {}) }),
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as T;
  throw new Refused(wordsOf(text) ?? `${method} /_dev${path} was answered ${response.status}.`);
}

function wordsOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'string' ? error : undefined;
  } catch {
    return undefined;
  }
}

export const getState = () => dev<DevState>('GET', '/state');
export const killServer = () => dev<{ pid: number }>('POST', '/kill');
export const jumpClock = (jumpMs: number) => dev<{ aheadMs: number }>('POST', '/clock', { jumpMs });
export const setLoad = (perSecond: number) => dev<DevState['load']>('POST', '/load', { perSecond });
export const getLife = (wamid: string) => dev<Life>('GET', `/life?wamid=${encodeURIComponent(wamid)}`);

export const getFaults = () => call<Settings>('GET', '/faults');
export const setFaults = (patch: Settings) => call<Settings>('POST', '/faults', patch);
export const clearFaults = () => call<Settings>('DELETE', '/faults');

interface ModelAnswer {
  readonly settings: Settings;
  readonly stats: { readonly calls: number };
}
export const getModel = () => call<ModelAnswer>('GET', '/model');
export const setModel = (patch: Settings) => call<ModelAnswer>('POST', '/model', patch);
export const clearModel = () => call<ModelAnswer>('DELETE', '/model');

export const getCounts = async () =>
  (await call<{ counters: Readonly<Record<string, number>> }>('GET', '/counters')).counters;
