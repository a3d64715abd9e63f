/**
 * What the figures were measured on, and what processes cost. CPU is user and system time from the kernel's own books
 * (/proc), with all children, in steps of 10 ms; elsewhere than on Linux it is not known and shown as such.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

export interface Machine {
  cpu: string;
  cores: number;
  memoryGb: number;
  node: string;
  platform: string;
}

export function describeMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** Linux counts in hundredths of a second on every architecture that Node runs on. */
const msPerTick = 10;

interface Stat {
  parentPid: number;
  /** Its own, and that of children which it has seen end. */
  cpuMs: number;
}

function statOf(pid: number | string): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program stands in parentheses and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
    return { parentPid: Number(fields[1]), cpuMs: ticks * msPerTick };
  } catch {
    return null;
  }
}

/** CPU time of a process and all below it, so far; NaN where it cannot be known. */
export function cpuMsOfTree(rootPid: number): number {
  const root = statOf(rootPid);
  if (root === null) return Number.NaN;
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(name) : null;
    if (stat !== null) stats.set(Number(name), stat);
  }
  const isBelow = (pid: number): boolean => {
    for (let at = stats.get(pid); at !== undefined; at = stats.get(at.parentPid))
      if (at.parentPid === rootPid) return true;
    return false;
  };
  let cpuMs = root.cpuMs;
  for (const [pid, stat] of stats) if (isBelow(pid)) cpuMs += stat.cpuMs;
  return cpuMs;
}

/** CPU time of this process so far. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
