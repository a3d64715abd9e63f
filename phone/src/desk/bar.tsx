/** The strip on top: what the server does, and what changes the page. */

import iconAddress from '../../icon.svg';
import { durationOf, exactTimeOf } from '../chat/wording.ts';
import { connection } from '../data/live.ts';
import { addPhone, phones, removePhone } from '../data/phones.ts';
import { isWorkbenchOpen, switchTheme, type Theme, theme } from '../data/preferences.ts';
import { type View, view } from '../data/selection.ts';
import { lastAnswer, server, waiting } from '../data/status.ts';
import { openDialog } from './dialog-state.ts';
import { Icon, type IconName } from './icons.tsx';
import { isNarrow } from './narrow.ts';

function ServerStatus() {
  const isLost = connection.value === 'lost';
  const { tone, text, atMs, httpStatus } = server.value;
  const since = atMs === null ? '' : exactTimeOf(atMs);
  const told = {
    idle: '',
    up: `took a webhook at ${since}`,
    down: `${httpStatus === null ? 'no connection' : `answers ${httpStatus}`} since ${since}`,
  }[tone];
  return (
    <div class="status-item" id="server-status" data-tone={isLost ? 'down' : tone}>
      <dt>Server</dt>
      <dd id="server-text" class="status-value" aria-live="polite">
        {isLost ? 'no simulator' : text}
      </dd>
      <dd class="status-detail">{isLost ? 'This page connects again by itself.' : told}</dd>
    </div>
  );
}

function WaitingStatus() {
  const { updates, inFlight, retrying } = waiting.value;
  return (
    <div class="status-item" id="waiting-status" data-tone={retrying > 0 ? 'down' : 'idle'}>
      <dt>Webhooks waiting</dt>
      <dd class="status-value" id="waiting-text">
        {updates + inFlight + retrying}
      </dd>
      <dd class="status-detail">{retrying > 0 ? `${retrying} tried again until taken` : ''}</dd>
    </div>
  );
}

function AnswerStatus() {
  const answer = lastAnswer.value;
  return (
    <div class="status-item" data-tone="idle">
      <dt>Last answer</dt>
      <dd class="status-value" id="answer-text">
        {answer ? durationOf(answer.tookMs) : 'none yet'}
      </dd>
      <dd class="status-detail">{answer ? `at ${exactTimeOf(answer.atMs)}` : ''}</dd>
    </div>
  );
}

const themeIcons: Readonly<Record<Theme, IconName>> = { system: 'auto', light: 'sun', dark: 'moon' };

function Tabs() {
  const tabs: readonly [View, string][] = [
    ['phone', 'Phone'],
    ['workbench', 'Workbench'],
  ];
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    view.value = view.value === 'phone' ? 'workbench' : 'phone';
    document.getElementById(`tab-${view.value}`)?.focus();
  };
  return (
    <div class="views" role="tablist" aria-label="View" onKeyDown={onKeyDown}>
      {tabs.map(([name, words]) => (
        <button
          type="button"
          key={name}
          id={`tab-${name}`}
          role="tab"
          aria-selected={view.value === name}
          aria-controls={`panel-${name}`}
          tabIndex={view.value === name ? 0 : -1}
          onClick={() => {
            view.value = name;
          }}
        >
          {words}
        </button>
      ))}
    </div>
  );
}

function Actions() {
  const hasTwo = phones.value.length > 1;
  const isOpen = isWorkbenchOpen.value === 'yes';
  return (
    <div class="bar-actions">
      <button
        type="button"
        class="round quiet wide-only"
        aria-pressed={hasTwo}
        aria-label="Two phones"
        title="Two phones side by side (2)"
        onClick={() => (hasTwo ? removePhone(1) : addPhone())}
      >
        <Icon name="phones" />
      </button>
      <button
        type="button"
        class="round quiet"
        aria-label={`Colours: ${theme.value}`}
        title={`Colours: ${theme.value} (d)`}
        onClick={switchTheme}
      >
        <Icon name={themeIcons[theme.value]} />
      </button>
      <button
        type="button"
        class="round quiet"
        aria-label="Shortcuts"
        title="Shortcuts (?)"
        aria-haspopup="dialog"
        onClick={() => openDialog({ kind: 'shortcuts' })}
      >
        <Icon name="keyboard" />
      </button>
      <button
        type="button"
        class="round quiet wide-only"
        aria-pressed={isOpen}
        aria-label="Workbench"
        title="Workbench (w)"
        onClick={() => {
          isWorkbenchOpen.value = isOpen ? 'no' : 'yes';
        }}
      >
        <Icon name="bench" />
      </button>
    </div>
  );
}

export function Bar() {
  return (
    <header class="bar">
      <div class="brand">
        <img src={iconAddress} alt="" width="32" height="32" />
        <h1>Nightdesk</h1>
      </div>
      {isNarrow.value && <Tabs />}
      <dl class="status" aria-label="Status">
        <ServerStatus />
        <WaitingStatus />
        <AnswerStatus />
      </dl>
      <Actions />
    </header>
  );
}
