/** Dragging a bubble to the side replies to it, as on a phone. Only by touch: with a mouse one selects text. */
import { useRef } from 'preact/hooks';

const enoughPx = 56;
const farthestPx = 76;

interface Drag {
  readonly x: number;
  readonly y: number;
  isSideways: boolean;
}

export function useSwipe(onSwiped: () => void) {
  const drag = useRef<Drag | null>(null);
  const move = (event: PointerEvent): number => {
    const from = drag.current;
    return from === null ? 0 : Math.min(farthestPx, Math.max(0, event.clientX - from.x));
  };
  const end = (event: PointerEvent, isDone: boolean) => {
    const element = event.currentTarget as HTMLElement;
    const wasFar = isDone && drag.current?.isSideways === true && move(event) >= enoughPx;
    drag.current = null;
    element.style.translate = '';
    if (wasFar) onSwiped();
  };
  return {
    onPointerDown(event: PointerEvent) {
      if (event.pointerType === 'touch')
        drag.current = { x: event.clientX, y: event.clientY, isSideways: false };
    },
    onPointerMove(event: PointerEvent) {
      const from = drag.current;
      if (from === null) return;
      from.isSideways ||= Math.abs(event.clientX - from.x) > 2 * Math.abs(event.clientY - from.y);
      if (from.isSideways) (event.currentTarget as HTMLElement).style.translate = `${move(event)}px`;
    },
    onPointerUp: (event: PointerEvent) => end(event, true),
    onPointerCancel: (event: PointerEvent) => end(event, false),
  };
}
