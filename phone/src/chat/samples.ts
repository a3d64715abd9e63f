/** Files for who has none at hand. They are drawn here, so they are real: a bot that opens them finds something. */
function canvasOf(
  width: number,
  height: number,
  draw: (context: CanvasRenderingContext2D) => void,
): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (context) draw(context);
  return canvas;
}

function fileOf(canvas: HTMLCanvasElement, type: string): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (file) => (file ? resolve(file) : reject(new Error('The browser draws no picture.'))),
      type,
      0.86,
    );
  });
}

/** A harbour at night. */
export function samplePhoto(): Promise<Blob> {
  const canvas = canvasOf(960, 720, (context) => {
    const sky = context.createLinearGradient(0, 0, 0, 520);
    sky.addColorStop(0, '#0b1b3a');
    sky.addColorStop(0.7, '#27577a');
    sky.addColorStop(1, '#e8a15c');
    context.fillStyle = sky;
    context.fillRect(0, 0, 960, 520);
    context.fillStyle = '#ffe9a8';
    context.beginPath();
    context.arc(740, 130, 54, 0, 2 * Math.PI);
    context.fill();
    const water = context.createLinearGradient(0, 500, 0, 720);
    water.addColorStop(0, '#c98a5a');
    water.addColorStop(0.3, '#1f4a63');
    water.addColorStop(1, '#081626');
    context.fillStyle = water;
    context.fillRect(0, 500, 960, 220);
    context.fillStyle = '#0a1424';
    for (const [x, height, width] of [
      [40, 120, 90],
      [140, 190, 70],
      [220, 90, 130],
      [372, 150, 60],
      [560, 110, 110],
      [690, 170, 80],
      [800, 100, 120],
    ] as const) {
      context.fillRect(x, 504 - height, width, height);
    }
    context.fillStyle = '#ffd98a';
    for (let at = 0; at < 60; at += 1) {
      context.fillRect(50 + ((at * 149) % 850), 410 + ((at * 37) % 84), 6, 9);
      context.globalAlpha = 0.35;
      context.fillRect(30 + ((at * 211) % 900), 530 + ((at * 53) % 170), 34, 3);
      context.globalAlpha = 1;
    }
  });
  return fileOf(canvas, 'image/jpeg');
}

/** An emoji on nothing, in the size of stickers. */
export function sampleSticker(emoji: string): Promise<Blob> {
  const canvas = canvasOf(512, 512, (context) => {
    context.font = '380px system-ui, "Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", sans-serif';
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(emoji, 256, 276);
  });
  return fileOf(canvas, 'image/webp');
}

/** The smallest PDF that says something. */
export function sampleDocument(): Blob {
  const content = 'BT /F1 24 Tf 72 720 Td (An order from the Nightdesk phone) Tj ET';
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let text = '%PDF-1.4\n';
  const offsets = objects.map((object, at) => {
    const offset = text.length;
    text += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return String(offset).padStart(10, '0');
  });
  const start = text.length;
  const table = offsets.map((offset) => `${offset} 00000 n \n`).join('');
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}`;
  text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  return new Blob([text], { type: 'application/pdf' });
}
