/** Above this quality, the JPEG of noise may be larger than its frame. */
const HIGH_QUALITY = 90;

/**
 * Returns how many frames, and pictures made of them, may be held at once, in frames. Of noise a JPEG has half the bytes of its
 * frame, and is held by two encoders, for viewers in three forms, and for those that are slow. Measured with noise and six
 * viewers: at most 13 at quality 85, and 24 at 100.
 */
export const framesHeld = (jpegQuality: number): number => (jpegQuality <= HIGH_QUALITY ? 14 : 26);
