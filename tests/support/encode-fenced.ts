/** Encodes pictures of many sizes that end where readable memory ends. Reading one byte too many ends the process. */
import { pixelBytes, WIRE_FORMATS } from '../../apps/common/pixels.ts';
import { JpegEncoder } from '../../apps/visualizer/jpeg.ts';
import { fenced } from './fence.ts';

const SIDES = [1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 64, 361];
const LONG = [
  [641, 361],
  [3, 4001],
  [4001, 3],
  [1921, 1081],
] as const;

using encoder = new JpegEncoder(85);
const sizes = [...SIDES.flatMap(width => SIDES.map(height => [width, height] as const)), ...LONG];
let encoded = 0;
for (const [width, height] of sizes) {
  for (const format of WIRE_FORMATS) {
    for (const order of format === 'numpy' ? (['C', 'F'] as const) : (['C'] as const)) {
      const pixels = fenced(new Uint8Array(pixelBytes(format, width, height)).fill(90));
      await encoder.encode({ width, height, format, order, pixels });
      encoded += 1;
    }
  }
}
console.log(`encoded ${encoded} pictures`);
