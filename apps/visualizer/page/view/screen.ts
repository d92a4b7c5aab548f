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
}
