type Decode = (text: string) => Uint8Array<ArrayBuffer>;

const { fromBase64 } = Uint8Array as { fromBase64?: Decode };

/** Bytes from base64; browsers from before 2025 lack the direct way. */
export const decodeBase64: Decode = fromBase64
  ? text => fromBase64.call(Uint8Array, text)
  : text => Uint8Array.from(atob(text), character => character.charCodeAt(0));
