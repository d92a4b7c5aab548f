import type { Actions } from '../actions.ts';
import { ACTIONS, type ActionName } from '../text.ts';
import { byId } from './dom.ts';

const NAMES = Object.keys(ACTIONS) as ActionName[];
const KEYS = new Map(NAMES.flatMap(name => keysOf(name).map(key => [key, name])));
const KEY_NAMES: Record<string, string> = {
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
  PageUp: 'PgUp',
  PageDown: 'PgDn',
};

/** Connects keys, and every element with `data-action`, to what they do, and labels those elements. */
export function bindActions(actions: Actions): void {
  for (const button of document.querySelectorAll<HTMLElement>('[data-action]')) label(button);
  bindButtons(actions);
  bindKeys(actions);
}

function bindButtons(actions: Actions): void {
  const buttonOf = ({ target }: Event) =>
    target instanceof Element ? target.closest<HTMLElement>('[data-action]') : null;
  document.addEventListener('click', event => {
    const button = buttonOf(event);
    if (!button || button.ariaDisabled === 'true') return;
    const name = actionOf(button);
    if (name !== HELD) actions[name](true);
  });
  document.addEventListener('pointerdown', event => {
    const button = buttonOf(event);
    if (button && actionOf(button) === HELD) actions[HELD](true);
  });
  for (const end of ['pointerup', 'pointercancel', 'keyup', 'blur']) {
    addEventListener(end, () => actions[HELD](false));
  }
}

function bindKeys(actions: Actions): void {
  const single = byId<HTMLInputElement>('single-keys');
  single.checked = localStorage.getItem('single-keys') !== 'off';
  single.addEventListener('change', () => localStorage.setItem('single-keys', single.checked ? 'on' : 'off'));
  document.addEventListener('keydown', event => {
    const { target, repeat } = event;
    const key = keyOf(event);
    const name = KEYS.get(key);
    if (!name || !(target instanceof Element) || target.closest('input, select, textarea')) return;
    if (key === 'Space' && target.closest('button, a')) return;
    if (!single.checked && /^(Shift\+)?.$/.test(key)) return;
    event.preventDefault();
    // Only what goes step by step is repeated by a key that is held down.
    if (!repeat || REPEATABLE.test(name)) actions[name](true);
  });
}

/** What lasts for as long as its key or button is held down. */
const HELD = 'before';
const REPEATABLE = /^(step|pan|zoom)/;

/** Returns a row for each action: its label and the names of its keys. */
export function keyTable(): { label: string; keys: string[] }[] {
  return NAMES.map(name => ({ label: ACTIONS[name][0], keys: keysOf(name).map(keyName) }));
}

function keysOf(name: ActionName): string[] {
  return ACTIONS[name].slice(1);
}

function actionOf(button: HTMLElement): ActionName {
  return button.dataset['action'] as ActionName;
}

function label(button: HTMLElement): void {
  const name = actionOf(button);
  const text = ACTIONS[name][0];
  const [key = ''] = keysOf(name);
  if (button.childElementCount === 0 && !button.textContent) button.textContent = text;
  else button.ariaLabel ??= text;
  button.title = `${text} (${keyName(key)})`;
  button.setAttribute('aria-keyshortcuts', key.replace('Ctrl', 'Control'));
}

/** Returns a key with its modifiers, as the table of actions writes it. Shift counts only where a key has one symbol. */
function keyOf({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): string {
  const plain = key === ' ' ? 'Space' : key.length === 1 ? key.toUpperCase() : key;
  const shift = shiftKey && (plain.length > 1 || /[A-Z]/.test(plain));
  return `${ctrlKey || metaKey ? 'Ctrl+' : ''}${altKey ? 'Alt+' : ''}${shift ? 'Shift+' : ''}${plain}`;
}

function keyName(key: string): string {
  return key === '+'
    ? key
    : key
        .split('+')
        .map(part => KEY_NAMES[part] ?? part)
        .join(' ');
}
