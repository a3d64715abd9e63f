/** A slider that grows with the page, which the browser's own does not; its filled part is a custom property. */
interface SliderProps {
  min: number;
  max: number;
  step: number;
  value: number;
  /** What the value means, for a screen reader. */
  words: string;
  disabled?: boolean;
  onValue: (value: number) => void;
}

export function Slider({ min, max, step, value, words, disabled = false, onValue }: SliderProps) {
  const filled = (100 * (value - min)) / (max - min);
  return (
    <input
      class="wb-slider"
      type="range"
      min={min}
      max={max}
      step={step}
      value={value}
      disabled={disabled}
      aria-valuetext={words}
      style={{ '--filled': `${filled}%` }}
      onInput={({ currentTarget }) => onValue(Number(currentTarget.value))}
    />
  );
}
