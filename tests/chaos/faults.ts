/** What is done to the chain, and where its cause must show. */
import type { Fault } from './fault.ts';
import { clips } from './faults/clips.ts';
import { clocks } from './faults/clocks.ts';
import { decoders } from './faults/decoders.ts';
import { edges } from './faults/edges.ts';
import { links } from './faults/links.ts';
import { masks } from './faults/masks.ts';
import { neighbours } from './faults/neighbours.ts';
import { networks } from './faults/networks.ts';
import { processes } from './faults/processes.ts';
import { shortages } from './faults/shortages.ts';

export const FAULTS: readonly Fault[] = [
  ...processes,
  ...decoders,
  ...links,
  ...networks,
  ...clips,
  ...masks,
  ...edges,
  ...neighbours,
  ...clocks,
  ...shortages,
];
