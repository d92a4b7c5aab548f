/** Runs in the browser beside the page's own scripts, and tells the tests what a viewer would have seen and when. */
globalThis.probe = {
  /** Every state and every drawn frame since the page began, with their times in ms. */
  timeline: [],
  /** How many frames were drawn. */
  drawn: 0,

  /** The picture as it is drawn at this moment, with the frame that it is said to be. */
  picture() {
    const shown = document.querySelector('#picture');
    const context = new OffscreenCanvas(shown.width, shown.height).getContext('2d');
    context.drawImage(shown, 0, 0);
    const { width, height, data } = context.getImageData(0, 0, shown.width, shown.height);
    return {
      width,
      height,
      rgba: new Uint8Array(data.buffer).toBase64(),
      seq: Number(document.documentElement.dataset.drawnSeq),
      position: document.querySelector('#position').textContent,
    };
  },
};

new MutationObserver(changes => {
  const { state } = document.documentElement.dataset;
  const drew = changes.some(({ attributeName }) => attributeName === 'data-drawn-seq');
  if (drew) globalThis.probe.drawn++;
  globalThis.probe.timeline.push({ atMs: performance.now(), state, drew });
}).observe(document, { subtree: true, attributeFilter: ['data-state', 'data-drawn-seq'] });
