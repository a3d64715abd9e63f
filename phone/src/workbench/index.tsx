/**
 * What stands beside the phone: what one can do to the server, the life of each message, and the faults. Where there is
 * room for both panels they stand side by side, else they are tabs. To add a panel, add it to `panels`.
 */
import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { ClockCard } from './clock-card.tsx';
import { FaultPanel } from './fault-panel.tsx';
import { onCount } from './fault-store.ts';
import { LifePanel } from './life-panel.tsx';
import { LoadCard } from './load-card.tsx';
import { Problems } from './problems.tsx';
import { ServerCard } from './server-card.tsx';
import './workbench.css';
import './life.css';
import './faults.css';

const bothFromRem = 61.25;

const remPx = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

interface Panel {
  id: 'life' | 'faults';
  title: string;
  Content: ComponentType;
}

const panels: readonly Panel[] = [
  { id: 'life', title: 'Life of the message', Content: LifePanel },
  { id: 'faults', title: 'Faults', Content: FaultPanel },
];

export function Workbench() {
  const root = useRef<HTMLDivElement>(null);
  const hasRoom = useSignal(false);
  useLayoutEffect(() => {
    const element = root.current;
    if (element === null) return;
    const measure = (): void => {
      hasRoom.value = element.clientWidth >= bothFromRem * remPx();
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <div class="workbench" ref={root}>
      <div class="wb-cards">
        <ServerCard />
        <ClockCard />
        <LoadCard />
      </div>
      {hasRoom.value ? <BothPanels /> : <TabbedPanels />}
      <Problems />
    </div>
  );
}

function BothPanels() {
  return (
    <div class="wb-both">
      {panels.map(({ id, title, Content }) => (
        <section key={id} class="wb-panel" aria-labelledby={`wb-title-${id}`}>
          <h3 id={`wb-title-${id}`} class="wb-panel-title">
            {title}
          </h3>
          <Content />
        </section>
      ))}
    </div>
  );
}

function TabbedPanels() {
  const chosen = useSignal<Panel['id']>('life');
  const panel = panels.find(({ id }) => id === chosen.value) ?? panels[0]!;
  const move = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    const next = panels[(panels.indexOf(panel) + by + panels.length) % panels.length]!;
    chosen.value = next.id;
    document.getElementById(`wb-tab-${next.id}`)?.focus();
  };
  const { Content } = panel;
  return (
    <div class="wb-tabbed">
      <div class="wb-tabs" role="tablist" aria-label="Panels" onKeyDown={move}>
        {panels.map(({ id, title }) => (
          <button
            key={id}
            class="wb-tab"
            id={`wb-tab-${id}`}
            type="button"
            role="tab"
            aria-selected={id === panel.id}
            aria-controls="wb-tab-panel"
            tabIndex={id === panel.id ? 0 : -1}
            onClick={() => {
              chosen.value = id;
            }}
          >
            {title}
            {id === 'faults' && <OnBadge />}
          </button>
        ))}
      </div>
      <div id="wb-tab-panel" class="wb-panel" role="tabpanel" aria-labelledby={`wb-tab-${panel.id}`}>
        <Content />
      </div>
    </div>
  );
}

function OnBadge() {
  const count = onCount.value;
  return (
    <span class="wb-badge" data-any={count > 0 ? 'yes' : 'no'}>
      {count}
      <span class="unseen"> on</span>
    </span>
  );
}
