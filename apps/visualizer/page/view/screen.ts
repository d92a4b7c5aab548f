/** JPEG leaves no black darker than this. */
const COVERED = 8;

/** The canvas that shows the picture. */
export class Screen {
  readonly canvas: HTMLCanvasElement;
  readonly #context: ImageBitmapRenderingContext;
  #probe: CanvasRenderingContext2D | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    this.#context = canvas.getContext('bitmaprenderer') as ImageBitmapRenderingContext;
  }

  /** Moves decoded pixels to the screen; drawImage would copy them. */
  show(bitmap: ImageBitmap): void {
    const { canvas } = this;
    if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
    if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
    this.#context.transferFromImageBitmap(bitmap);
  }

  /** Returns red, green and blue of a pixel, 0 to 255. */
  sample(x: number, y: number): [number, number, number] {
    if (!this.#probe) {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 1;
      this.#probe = canvas.getContext('2d', { willReadFrequently: true })!;
    }
    this.#probe.drawImage(this.canvas, x, y, 1, 1, 0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = this.#probe.getImageData(0, 0, 1, 1).data;
    return [red, green, blue];
  }

  /** Returns whether the picture is black at a point, 0 to 1, as where it is redacted. */
  covered(): (u: number, v: number) => boolean {
    const [width, height] = [192, 108];
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d', { willReadFrequently: true })!;
    context.drawImage(this.canvas, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    return (u, v) => {
      const at =
        4 *
        (Math.min(height - 1, Math.floor(v * height)) * width + Math.min(width - 1, Math.floor(u * width)));
      return data[at]! + data[at + 1]! + data[at + 2]! <= 3 * COVERED;
    };
  }
}
