import { Sheet } from './sheet.tsx';

export function PictureSheet({
  address,
  label,
  onClose,
}: {
  address: string;
  label: string;
  onClose: () => void;
}) {
  return (
    <Sheet title={label} onClose={onClose}>
      <a class="large-picture" href={address} target="_blank" rel="noopener noreferrer" data-autofocus="">
        <img src={address} alt={label} />
      </a>
    </Sheet>
  );
}
