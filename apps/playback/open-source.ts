import { stat } from 'node:fs/promises';
import { openClip } from './clip-source.ts';
import { type SourceConfig, wishesOf } from './config.ts';
import type { FileVersion } from './file-version.ts';
import { type FolderEvents, OddNames, openFolder } from './folder-source.ts';
import { pictureHeader } from './image-file.ts';
import { ImageFolder } from './image-folder.ts';
import { PictureDecoder } from './picture-decoder.ts';
import type { Opened } from './source.ts';
import { openStill } from './still-source.ts';
import { openWebp } from './webp-source.ts';

/**
 * Returns what opens DATA_FILE as it is at the moment: a folder of pictures, a still, an animation, or a clip.
 *
 * @throws Fault, when called, if it can't be played
 */
export function sourceOpener(
  config: SourceConfig,
  version: FileVersion,
  events: FolderEvents,
  signal: AbortSignal,
): () => Promise<Opened> {
  const { DATA_FILE: path, PLAYBACK_WINDOW: window = Number.POSITIVE_INFINITY } = config;
  // One for all times that it is opened: pictures keep their places.
  const folder = new ImageFolder(path, window, config.CLIP_TIME_PATTERN);
  const names = new OddNames(events);
  const decoder = new PictureDecoder(config.WIRE_FORMAT, signal, wishesOf(config));
  return async () => {
    const isFolder = await stat(path).then(
      found => found.isDirectory(),
      () => false,
    );
    if (isFolder) return await openFolder(config, folder, decoder, events, names, signal);
    const picture = await pictureHeader(path);
    if (picture && !picture.isAnimated) return await openStill(config, decoder, version);
    if (picture?.codec === 'webp') return await openWebp(config, version, events, signal);
    return await openClip(config, version, events, signal);
  };
}
