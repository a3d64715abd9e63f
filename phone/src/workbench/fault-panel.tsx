/** Every fault as a row: a switch, how often, "the next one", and how often it has happened. */
import { useEffect } from 'preact/hooks';
import {
  type Fault,
  type FaultGroup,
  faultGroups,
  type LevelFault,
  type TriggerFault,
} from './fault-catalogue.ts';
import { isOn, levelOf, triggerOf } from './fault-settings.ts';
import {
  allOff,
  areFaultsKnown,
  arePanelsShown,
  askNext,
  faultProblem,
  modelCalls,
  onCount,
  others,
  readings,
  setLevel,
  setRate,
  switchOff,
} from './fault-store.ts';
import { Slider } from './slider.tsx';
import { countOf, durationOf, percentOf } from './wording.ts';

/** What a switch turns on when nothing was chosen before. */
const rateDefault = 0.2;

export function FaultPanel() {
  useEffect(() => {
    arePanelsShown.value = true;
    return () => {
      arePanelsShown.value = false;
    };
  }, []);
  const count = onCount.value;
  return (
    <div class="wb-faults">
      <header class="wb-faults-head">
        <p class="wb-quiet" role="status">
          {count === 0 ? 'No fault is on.' : `${count} ${count === 1 ? 'fault is' : 'faults are'} on.`}
        </p>
        <button class="wb-small" type="button" disabled={count === 0} onClick={allOff}>
          All off
        </button>
      </header>
      <p class="wb-fault-problem wb-bad" role="alert">
        {faultProblem.value}
      </p>
      {faultGroups.map((group) => (
        <Group key={group.id} group={group} />
      ))}
      {others.value.length > 0 && <Group group={{ id: 'others', title: 'Others', faults: others.value }} />}
    </div>
  );
}

function Group({ group: { id, title, faults } }: { group: FaultGroup }) {
  return (
    <fieldset class="wb-fault-group" disabled={!areFaultsKnown.value}>
      <legend>{title}</legend>
      {id === 'model' && modelCalls.value === 0 && (
        <p class="wb-quiet wb-fault-note">
          The look-alike of the model was not asked yet. These faults happen once the server asks it.
        </p>
      )}
      {faults.map((fault) =>
        fault.kind === 'level' ? (
          <LevelRow key={fault.key} fault={fault} />
        ) : (
          <TriggerRow key={fault.key} fault={fault} />
        ),
      )}
    </fieldset>
  );
}

interface FaultNameProps {
  fault: Fault;
  checked: boolean;
  onSwitch: () => void;
}

function FaultName({ fault: { title, why }, checked, onSwitch }: FaultNameProps) {
  return (
    <button
      class="wb-switch-button wb-fault-name"
      type="button"
      role="switch"
      aria-checked={checked}
      onClick={onSwitch}
    >
      <span class="wb-switch" aria-hidden="true" />
      <span class="wb-fault-words">
        <span class="wb-fault-title">{title}</span>
        <span class="wb-fault-why">{why}</span>
      </span>
    </button>
  );
}

function TriggerRow({ fault }: { fault: TriggerFault }) {
  const { rate, next } = triggerOf(readings.value, fault);
  const fired = readings.value.fired[fault.key] ?? 0;
  const checked = isOn(readings.value, fault);
  const nextWords = next === 0 ? 'The next one' : `The next ${next}`;
  return (
    <div class="wb-fault" data-on={checked ? 'yes' : 'no'} data-fault={fault.key}>
      <FaultName
        fault={fault}
        checked={checked}
        onSwitch={() => (checked ? switchOff(fault) : setRate(fault, rateDefault))}
      />
      <label class="wb-rate">
        <span class="unseen">How often: {fault.title}</span>
        <Slider
          min={0}
          max={100}
          step={1}
          value={Math.round(rate * 100)}
          words={`${percentOf(rate)} of ${fault.occasion}`}
          onValue={(percent) => setRate(fault, percent / 100)}
        />
        <output class="wb-value">{percentOf(rate)}</output>
      </label>
      <button
        class="wb-small wb-next"
        type="button"
        aria-label={`${nextWords}: ${fault.title}`}
        onClick={() => askNext(fault)}
      >
        {nextWords}
      </button>
      <Fired count={fired} />
    </div>
  );
}

function LevelRow({ fault }: { fault: LevelFault }) {
  const { off, max, step, unit, title } = fault;
  const value = levelOf(readings.value, fault);
  const checked = isOn(readings.value, fault);
  const words = unit === 'ms' ? durationOf(value) : countOf(value);
  return (
    <div class="wb-fault wb-level" data-on={checked ? 'yes' : 'no'} data-fault={fault.key}>
      <FaultName
        fault={fault}
        checked={checked}
        onSwitch={() => setLevel(fault, checked ? off : Math.round(max / 5))}
      />
      <label class="wb-rate">
        <span class="unseen">How much: {title}</span>
        <Slider
          min={off}
          max={max}
          step={step}
          value={value}
          words={checked ? `up to ${words}${unit === 'ms' ? '' : ` ${unit}`}` : 'off'}
          onValue={(level) => setLevel(fault, level)}
        />
        <output class="wb-value">{checked ? words : 'off'}</output>
      </label>
    </div>
  );
}

function Fired({ count }: { count: number }) {
  return (
    <span class="wb-fired" data-any={count > 0 ? 'yes' : 'no'}>
      {countOf(count)}
      <span aria-hidden="true">×</span>
      <span class="unseen"> times so far</span>
    </span>
  );
}
