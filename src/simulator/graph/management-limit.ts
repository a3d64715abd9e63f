/**
 * The hourly limit of calls that manage a WABA: 5,000 for one with a registered number, 200 for one without. Messages and
 * files do not count. What is used up comes back as the calls grow older than an hour; the answer says in how many minutes.
 * Source: developers.facebook.com/docs/graph-api/overview/rate-limiting, WhatsApp business management.
 */

import type { MetaState } from '../meta-state.ts';
import { createRateWindow, HOUR_MS, type RateWindow } from '../sending/rates.ts';
import type { SendOutcome } from '../sending/sends.ts';
import { asOutcome } from './answers.ts';
import { graphErrorAnswer } from './graph-errors.ts';

const CALLS_MAX = 5_000;
const CALLS_MAX_WITHOUT_NUMBER = 200;

function hasNumber({ settings }: MetaState, wabaId: string): boolean {
  for (const number of settings.phoneNumbers.values()) if (number.wabaId === wabaId) return true;
  return false;
}

function windowOf(state: MetaState, wabaId: string): RateWindow {
  const callsMax = hasNumber(state, wabaId) ? CALLS_MAX : CALLS_MAX_WITHOUT_NUMBER;
  const key = `${wabaId} ${callsMax}`;
  const window = state.managementCalls.get(key) ?? createRateWindow(callsMax, HOUR_MS);
  state.managementCalls.set(key, window);
  return window;
}

function refuse(state: MetaState, wabaId: string, code: number, minutes: number): SendOutcome {
  const usage = {
    call_count: 100,
    total_cputime: 25,
    total_time: 25,
    type: 'whatsapp_business_management',
    estimated_time_to_regain_access: minutes,
  };
  const headers = { 'x-business-use-case-usage': JSON.stringify({ [wabaId]: [usage] }) };
  state.log.count(`refused.${code}`);
  return asOutcome(graphErrorAnswer(code, { traceId: state.ids.traceId(), headers }));
}

/** Counts a call, or refuses it. */
export function limitManagement(state: MetaState, wabaId: string, nowMs: number): SendOutcome | null {
  const { faults, settings } = state;
  const { managementLimit } = faults.settings;
  if (faults.fires(managementLimit, null)) {
    return refuse(state, wabaId, managementLimit.code, managementLimit.minutes);
  }
  if (!settings.rules.managementLimit) return null;
  const window = windowOf(state, wabaId);
  if (!window.hasRoom(nowMs)) {
    return refuse(state, wabaId, 80007, Math.ceil((window.roomAtMs() - nowMs) / 60_000));
  }
  window.take(nowMs);
  return null;
}
