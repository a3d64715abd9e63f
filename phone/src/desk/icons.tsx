/** Line drawings, all on the same grid. They mean nothing to a screen reader: whatever holds one has a name of its own. */
interface Drawing {
  readonly box?: string;
  readonly paths: readonly string[];
}

const small = '0 0 16 16';
const twoTicks = ['m1.5 8.5 3.2 3.5 6.8-7.5', 'm7.7 10 1.8 2 6.8-7.5'];

const drawings = {
  clock: {
    box: small,
    paths: ['M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5z', 'M8 4.5V8l2.3 1.5'],
  },
  sent: { box: small, paths: ['m3 8.5 3.2 3.5L13 4.5'] },
  delivered: { box: '0 0 18 16', paths: twoTicks },
  read: { box: '0 0 18 16', paths: twoTicks },
  failed: {
    box: small,
    paths: ['M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5z', 'M8 4.5v4', 'M8 11v.2'],
  },
  down: { box: small, paths: ['M8 3v9', 'm4 8.5 4 4 4-4'] },
  send: {
    paths: ['M4.5 12h7', 'M4.5 12 3 4.6a.7.7 0 0 1 1-.8l16.6 7.6a.7.7 0 0 1 0 1.2L4 20.2a.7.7 0 0 1-1-.8z'],
  },
  mic: {
    paths: [
      'M12 3.5a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3z',
      'M5.5 11.5a6.5 6.5 0 0 0 13 0',
      'M12 18v3',
    ],
  },
  plus: { paths: ['M12 5v14', 'M5 12h14'] },
  close: { paths: ['m6 6 12 12', 'M18 6 6 18'] },
  back: { paths: ['m14.5 5-7 7 7 7'] },
  chevron: { paths: ['m6 9.5 6 6 6-6'] },
  reply: { paths: ['M9.5 7 4.5 12l5 5', 'M5 12h8a6 6 0 0 1 6 6'] },
  forward: { paths: ['m14.5 7 5 5-5 5', 'M19 12h-8a6 6 0 0 0-6 6'] },
  copy: { paths: ['M9 8.5h9.5V20H9z', 'M15 8V4H5.5v11.5H9'] },
  edit: { paths: ['M4.5 19.5 6 14.5 16.5 4l3.5 3.5L9.5 18z', 'm14 6.5 3.5 3.5'] },
  trash: { paths: ['M5 7h14', 'M9.5 7V4.5h5V7', 'm7 7 .8 12.5h8.4L17 7'] },
  life: { paths: ['M4 6h7', 'M7 10.5h9', 'M11 15h6', 'M16 19.5h4'] },
  smile: {
    paths: [
      'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z',
      'M8.5 14a4 4 0 0 0 7 0',
      'M9 9.5v.6',
      'M15 9.5v.6',
    ],
  },
  photo: { paths: ['M4 5.5h16v13H4z', 'm4 16 4.5-4.5 4 4 3-2.5 4.5 4', 'M15 9.2a.8.8 0 1 0 .01 0'] },
  video: { paths: ['M3.5 6.5h11.5v11H3.5z', 'm15 10.5 5.5-3v9l-5.5-3'] },
  document: { paths: ['M6 3.5h8l4.5 4.5v12.5H6z', 'M13.5 3.5V8.5h5', 'M9 13h6', 'M9 16.5h6'] },
  pin: {
    paths: [
      'M12 21c4.5-5 6.5-8.2 6.5-11a6.5 6.5 0 0 0-13 0c0 2.8 2 6 6.5 11z',
      'M12 7.800a2.3 2.3 0 1 0 .01 0',
    ],
  },
  person: { paths: ['M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z', 'M4.5 20.500a7.5 7.5 0 0 1 15 0'] },
  people: {
    paths: [
      'M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z',
      'M2.5 19.500a6.5 6.5 0 0 1 13 0',
      'M16 5.300a3.5 3.5 0 0 1 0 6.4',
      'M18.5 14a6.5 6.5 0 0 1 3 5.5',
    ],
  },
  sticker: {
    paths: [
      'M13 20.500H7A3.5 3.5 0 0 1 3.5 17V7A3.5 3.5 0 0 1 7 3.500h10A3.5 3.5 0 0 1 20.5 7v6z',
      'M20.5 13H16a3 3 0 0 0-3 3v4.5',
    ],
  },
  megaphone: { paths: ['M4 10v4h3l9 4.500v-13L7 10z', 'M19 10a3 3 0 0 1 0 4', 'm8 14.5 1 5h2.500l-1-4'] },
  poll: { paths: ['M5 20V11', 'M12 20V4', 'M19 20v-6'] },
  list: {
    paths: ['M9 6.500h11', 'M9 12h11', 'M9 17.500h11', 'M4.5 6.500h.5', 'M4.5 12h.5', 'M4.5 17.500h.5'],
  },
  link: { paths: ['M13 5h6v6', 'M19 5l-9 9', 'M16 14v5H5V8h5'] },
  play: { paths: ['M8 5.500v13l10.5-6.500z'] },
  pause: { paths: ['M8.5 5.500v13', 'M15.5 5.500v13'] },
  stop: { paths: ['M7 7h10v10H7z'] },
  phones: { paths: ['M4 4.500h7v15H4z', 'M14.5 4.500h6v15h-6', 'M6.8 17h1.4', 'M16.5 17h1.4'] },
  sun: {
    paths: [
      'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z',
      'M12 2.500v2',
      'M12 19.500v2',
      'M2.5 12h2',
      'M19.5 12h2',
      'm5.3 5.3 1.4 1.4',
      'm17.3 17.3 1.4 1.4',
      'm5.3 18.7 1.4-1.4',
      'm17.3 6.7 1.4-1.4',
    ],
  },
  moon: { paths: ['M13 3.500a8.5 8.5 0 1 0 7.5 12A7.5 7.5 0 0 1 13 3.500z'] },
  auto: {
    paths: [
      'M12 3.500a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z',
      'M12 3.500v17',
      'M12 8h6.5',
      'M12 12h8.5',
      'M12 16h6.5',
    ],
  },
  keyboard: {
    paths: ['M3 6.500h18v11H3z', 'M6.5 10h.5', 'M10 10h.5', 'M13.5 10h.5', 'M17 10h.5', 'M8 14h8'],
  },
  bench: { paths: ['M4 5h16v14H4z', 'M13.5 5v14', 'M16 9h1.5', 'M16 12.500h1.5'] },
  settings: { paths: ['M4 7h9', 'M17 7h3', 'M15 5v4', 'M4 17h3', 'M11 17h9', 'M9 15v4'] },
  bag: { paths: ['M5 8h14l1 12H4z', 'M9 8V7a3 3 0 0 1 6 0v1'] },
  download: { paths: ['M12 4v11', 'm7 10.5 5 5 5-5', 'M5 20h14'] },
  template: { paths: ['M4 5h16v5H4z', 'M4 13.500h9V19H4z', 'M16 13.500h4V19h-4z'] },
} satisfies Record<string, Drawing>;

export type IconName = keyof typeof drawings;

export function Icon({ name, className = '' }: { name: IconName; className?: string }) {
  const { box = '0 0 24 24', paths }: Drawing = drawings[name];
  return (
    <svg viewBox={box} class={`icon ${className}`} aria-hidden="true" focusable="false">
      {paths.map((d) => (
        <path key={d} d={d} />
      ))}
    </svg>
  );
}
