import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readClip } from './clip.ts';
import { checkMemory, memoryNeeded } from './memory.ts';
import type { WantedSize } from './shape.ts';

/** The limit of playback's unit. */
const GIGABYTE = 2 ** 30;

const clipOf = (codec: string, width: number, height: number, size?: WantedSize) =>
  readClip(
    'disk.mp4',
    { index: 0, codec_type: 'video', codec_name: codec, width, height, pix_fmt: 'yuv420p' },
    {},
    {},
    { size },
  );

describe('checkMemory', () => {
  it('takes clips up to 4K in every wire format, in the memory of the unit', () => {
    for (const format of ['i420', 'bgr24', 'numpy'] as const) {
      checkMemory(clipOf('hevc', 3840, 2160), format, GIGABYTE);
    }
  });

  it('refuses a full disk that does not fit, and names what would do for all three services', () => {
    for (const clip of [clipOf('mjpeg', 10_848, 10_848), clipOf('h264', 5424, 5424)]) {
      assert.throws(() => checkMemory(clip, 'i420', GIGABYTE), {
        code: 'bad-clip',
        exitCode: 2,
        message:
          /needs up to \d\.\d GB of memory and may use 1\.1 GB; set PLAYBACK_SIZE .* raise the limits of all three services with drop-ins like examples\//,
      });
      assert.throws(
        () => checkMemory(clip, 'i420', GIGABYTE),
        ({ message }: Error) => {
          for (const service of ['playback', 'redactor', 'visualizer']) {
            const dropIn = `noaa-${service}.container.d/memory.conf`;
            assert.ok(message.includes(dropIn), message);
            const example = new URL(`../../examples/drop-ins/${dropIn}`, import.meta.url);
            assert.match(readFileSync(example, 'utf8'), /^PodmanArgs=--memory=(\d)g --memory-swap=\1g$/m);
          }
          return true;
        },
      );
    }
  });

  it('takes it where PLAYBACK_SIZE makes it small enough, where there is more, and where there is no limit', () => {
    const disk = clipOf('mjpeg', 10_848, 10_848);
    checkMemory(clipOf('mjpeg', 10_848, 10_848, { width: 1920 }), 'i420', GIGABYTE);
    checkMemory(clipOf('h264', 5424, 5424, { fraction: 0.5 }), 'i420', GIGABYTE);
    checkMemory(disk, 'i420', 4 * GIGABYTE);
    checkMemory(disk, 'i420', 0);
  });

  it('reckons with what was measured', () => {
    assert.ok(memoryNeeded(clipOf('h264', 5424, 5424), 'i420') > 0.9e9);
    assert.ok(memoryNeeded(clipOf('mjpeg', 8192, 8192), 'i420') > 1.5e9);
    assert.ok(memoryNeeded(clipOf('h264', 1920, 1080), 'i420') < 0.25e9);
  });
});
