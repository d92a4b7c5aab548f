/** Runs in the browser before the page's own scripts, and records what a viewer would have seen and when. */
globalThis.probe = {
  /** Every state and every drawn frame since the page began, with their times in ms. */
  timeline: [],
  /** How many frames were drawn. */
  drawn: 0,
  /** The files that the page has saved: the browsers hand them over in different ways. */
  saved: [],

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

  /** Whether an element is to be seen. */
  seen: selector => document.querySelector(selector).checkVisibility({ checkVisibilityCSS: true }),
};

new MutationObserver(changes => {
  const { state, drawnSeq } = document.documentElement?.dataset ?? {};
  const drew = changes.some(({ attributeName }) => attributeName === 'data-drawn-seq');
  if (drew) globalThis.probe.drawn++;
  globalThis.probe.timeline.push({ atMs: performance.now(), state, drew, seq: Number(drawnSeq) });
}).observe(document, { subtree: true, attributeFilter: ['data-state', 'data-drawn-seq'] });

const blobs = new Map();
const { createObjectURL } = URL;
URL.createObjectURL = blob => {
  const url = createObjectURL.call(URL, blob);
  blobs.set(url, blob);
  return url;
};
const { click } = HTMLAnchorElement.prototype;
HTMLAnchorElement.prototype.click = function () {
  const { download } = this;
  if (!download) return click.call(this);
  const reader = new FileReader();
  reader.onload = () => globalThis.probe.saved.push({ name: download, base64: reader.result.split(',')[1] });
  reader.readAsDataURL(blobs.get(this.href));
};
