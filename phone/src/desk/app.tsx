/** The desk: who there is at the left, one or two phones, and the workbench at the right. On a narrow screen one at a time. */
import { useEffect } from 'preact/hooks';
import { Phone } from '../chat/phone.tsx';
import { arePeopleKnown, numberOf } from '../data/people.ts';
import { activePhone, phones, phonesExpected } from '../data/phones.ts';
import { isWorkbenchOpen } from '../data/preferences.ts';
import { view } from '../data/selection.ts';
import { Workbench } from '../workbench/index.tsx';
import { Bar } from './bar.tsx';
import { Dialogs } from './dialogs.tsx';
import { isNarrow } from './narrow.ts';
import { People } from './people.tsx';
import { listenToShortcuts } from './shortcuts.ts';

function useTitle(): void {
  const phoneNumberId = activePhone.value?.phoneNumberId;
  const name = phoneNumberId ? numberOf(phoneNumberId)?.verifiedName : undefined;
  useEffect(() => {
    document.title = name ? `${name} · Nightdesk phone` : 'Nightdesk phone';
  }, [name]);
}

/** Their places until somebody is known; after a reset of everything nobody is there. */
function NoPhones() {
  if (arePeopleKnown.value) {
    return (
      <div class="phone">
        <p class="nobody" role="status">
          Nobody is set up here any more. Add a customer, or set the simulator up again.
        </p>
      </div>
    );
  }
  return (
    <>
      {Array.from({ length: phonesExpected }, (_, index) => (
        <div key={index} class="phone" aria-busy="true" />
      ))}
    </>
  );
}

export function App() {
  useTitle();
  useEffect(listenToShortcuts, []);
  const isBenchShown = isNarrow.value ? view.value === 'workbench' : isWorkbenchOpen.value === 'yes';
  const arePhonesShown = !isNarrow.value || view.value === 'phone';
  const panel = (name: string) =>
    isNarrow.value ? { role: 'tabpanel' as const, 'aria-labelledby': `tab-${name}` } : {};
  return (
    <div class="desk" data-phones={phones.value.length} data-bench={isBenchShown ? '' : undefined}>
      <Bar />
      <div class="phones-place" id="panel-phone" hidden={!arePhonesShown} {...panel('phone')}>
        <People />
        <main class="phones">
          {phones.value.length === 0 && <NoPhones />}
          {phones.value.map((phone, index) => (
            <Phone key={index} phone={phone} index={index} />
          ))}
        </main>
      </div>
      <div class="bench" id="panel-workbench" hidden={!isBenchShown} {...panel('workbench')}>
        <Workbench />
      </div>
      <Dialogs />
    </div>
  );
}
