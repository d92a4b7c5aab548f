import { type Variable, variable } from '../common/env.ts';

/** Sectors of the GOES-R series that the page knows by name. */
export const SECTORS = [
  'goes-east-conus',
  'goes-west-conus',
  'goes-east-full-disk',
  'goes-west-full-disk',
] as const;

const CORNER = /^([+-]?\d+(?:\.\d+)?),([+-]?\d+(?:\.\d+)?)$/;

/** Where the picture lies: a sector's name, or its corners from the top left on, clockwise, in degrees. */
export function sector(about: { desc: string }): Variable<string | undefined> {
  return variable<string | undefined>(
    input => {
      const value = input.toLowerCase();
      const corners = value.split(/\s+/);
      if (SECTORS.some(name => name === value) || (corners.length === 4 && corners.every(isOnEarth))) {
        return corners.join(' ');
      }
      throw new Error(
        `must be one of ${SECTORS.join(', ')}, or the picture's four corners, clockwise from the top left, as in ` +
          '50,-120 50,-70 20,-70 20,-120 (latitude,longitude in degrees)',
      );
    },
    {
      ...about,
      default: undefined,
      unset: 'not known',
      example: 'goes-west-conus',
      takes: `${SECTORS.map(name => `\`${name}\``).join(', ')}, or four corners \`lat,lon lat,lon lat,lon lat,lon\``,
    },
  );
}

function isOnEarth(corner: string): boolean {
  const [, latitude, longitude] = CORNER.exec(corner) ?? [];
  return latitude !== undefined && Math.abs(Number(latitude)) <= 90 && Math.abs(Number(longitude)) <= 360;
}
