/** Returns the element with that id; throws if the page's HTML lacks it. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page lacks #${id}`);
  return element as T;
}

/** Sets an element's text, and leaves the document alone if it has not changed. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Says of every button of an action whether it is on. */
export function press(action: string, pressed: boolean): void {
  for (const button of document.querySelectorAll<HTMLElement>(`[data-action="${action}"]`)) {
    if (button.ariaPressed !== String(pressed)) button.ariaPressed = String(pressed);
  }
}
