// Runs before the page's own script, in any browser, so it is written for the oldest: a browser that lacks what the page
// needs gets the picture as MJPEG.
(() => {
  var root = document.documentElement;

  function showMjpeg() {
    if (root.className.indexOf('old') >= 0 || root.hasAttribute('data-started')) return;
    root.className = 'old';
    var image = document.createElement('img');
    image.src = 'stream.mjpg';
    image.alt = document.getElementById('picture').getAttribute('aria-label');
    var stage = document.getElementById('stage');
    var why = document.getElementById('too-old');
    why.removeAttribute('hidden');
    stage.innerHTML = '';
    stage.appendChild(image);
    stage.appendChild(why);
  }

  // A script that this browser cannot read, or that did not arrive.
  addEventListener('error', showMjpeg, true);
  if (
    !('noModule' in document.createElement('script')) ||
    !window.ReadableStream ||
    !window.createImageBitmap ||
    !window.ImageBitmapRenderingContext ||
    !window.BroadcastChannel ||
    !window.ResizeObserver ||
    !HTMLElement.prototype.togglePopover ||
    !Array.prototype.toSorted ||
    !Promise.withResolvers
  ) {
    showMjpeg();
  }
})();
