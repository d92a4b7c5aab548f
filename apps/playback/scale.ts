/**
 * Returns ffmpeg's `scale` with one of two ways from old pixels to new ones, neither of which mixes a pixel with its
 * neighbours: `neighbor` takes the one that covers the new one's middle; `area`, for smaller pictures only, the mean of those
 * that the new one covers, each by how much of it is covered.
 *
 * Chroma is taken to lie in the middle of its pixels, whatever the stream says (-1). Without `bitexact` some ways from one
 * sampling to another interpolate.
 */
export function scale(
  way: 'neighbor' | 'area',
  options = '',
  size?: { width: string; height: string },
): string {
  const to = size ? `w='${size.width}':h='${size.height}':` : '';
  return (
    `scale=${to}flags=${way}+accurate_rnd+bitexact+full_chroma_int+full_chroma_inp` +
    `:in_h_chr_pos=-1:in_v_chr_pos=-1:out_h_chr_pos=-1:out_v_chr_pos=-1${options}`
  );
}
