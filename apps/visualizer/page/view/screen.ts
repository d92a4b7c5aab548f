/** The canvas that shows the picture. */
export class Screen {
  readonly canvas: HTMLCanvasElement;
  readonly #context: ImageBitmapRenderingContext;

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
}
