/** `npm run screenshot`: takes the picture of the README, a loop of the bundled clip in the page. */
import { fileURLToPath } from 'node:url';
import { launch, openTab, shows } from '../tests/support/browsers.ts';
import { startChain } from '../tests/support/services.ts';

const path = fileURLToPath(new URL('../docs/screenshot.jpg', import.meta.url));

await using chain = await startChain({ REDACT_WIDTH: 60 });
await using browser = await launch('chromium');
await using tab = await openTab(browser, chain.web, { width: 1280, height: 800 });
const { page } = tab;
await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
await tab.becomes('live');
await shows(tab, '#loop-place', /^(2\d\d|300) kept$/);
await tab.act('First frame');
await shows(tab, '#loop-place', /^1 \/ (2\d\d|300)$/);
// A frame with much to see, some three seconds into the clip.
const { x, y, width, height } = (await (await page.$('#timeline'))!.boundingBox())!;
await page.mouse.click(x + 0.3 * width, y + height / 2);
while (!/ 00:03\.[2-9]/.test(await tab.text('#badge'))) await tab.act('Step forward');
await page.mouse.move(0, 0);
await page.screenshot({ path: path as `${string}.jpg`, type: 'jpeg', quality: 88 });
console.log(path);
