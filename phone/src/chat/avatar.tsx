import { colourOf, initialsOf } from './wording.ts';

/** A name as a coloured disc. The name itself stands beside it. */
export function Avatar({ name, className = '' }: { name: string; className?: string }) {
  return (
    <span class={`avatar ${className}`} data-colour={colourOf(name)} aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}
