type Decode = (text: string) => Uint8Array<ArrayBuffer>;

const { fromBase64 } = Uint8Array as { fromBase64?: Decode };

/** Returns the bytes of a base64 text; browsers older than 2025 have no direct way. */
export const decodeBase64: Decode = fromBase64
  ? text => fromBase64.call(Uint8Array, text)
  : text => Uint8Array.from(atob(text), character => character.charCodeAt(0));
