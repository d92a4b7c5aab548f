import { createCanvas } from 'canvas';

/** A card wider than this is scaled up by whoever shows it. */
const MAX_WIDTH = 1920;

/**
 * Draws the "no signal" card that stands where a live picture should be, as a JPEG of the picture's own shape.
 * It takes some 20 ms at 1080p and happens once for a state, never for a frame.
 */
export function drawCard(picture: { width: number; height: number }, title: string, message: string): Buffer {
  const scale = Math.min(1, MAX_WIDTH / picture.width, MAX_WIDTH / picture.height);
  const width = Math.max(16, Math.round(picture.width * scale));
  const height = Math.max(16, Math.round(picture.height * scale));
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const unit = Math.min(width, height * 1.8) / 100;

  context.fillStyle = '#0b0f14';
  context.fillRect(0, 0, width, height);
  context.strokeStyle = '#1d2630';
  context.lineWidth = unit * 0.4;
  for (const radius of [12, 19, 26]) {
    context.beginPath();
    context.arc(width / 2, height / 2, radius * unit, 0, 2 * Math.PI);
    context.stroke();
  }
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = '#f2b84b';
  context.font = `bold ${5 * unit}px sans-serif`;
  context.fillText(title, width / 2, height / 2 - 3 * unit, width * 0.9);
  context.fillStyle = '#c3ccd5';
  context.font = `${2.2 * unit}px sans-serif`;
  context.fillText(message, width / 2, height / 2 + 3 * unit, width * 0.9);
  return canvas.toBuffer('image/jpeg', { quality: 0.9 });
}
