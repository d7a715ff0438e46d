// A text field that marks what is wrong in it, and suggests what may stand at the caret: by
// Ctrl+Space and while typing; arrows choose, Enter and Tab take, Escape leaves it.

const PATIENCE = 400; // milliseconds until what is half typed is called wrong

export class Editor {
  // `check` returns what is wrong with a text as { message, line, column }, or nothing; `suggest` as
  // spec.js has it; `changed` is called after each change by a person. What is wrong
  // at the moment is `wrong`.
  constructor(box, { check, suggest, changed }) {
    this.box = box;
    [this.shade, this.area, this.list] = box.querySelectorAll('pre, textarea, [role=listbox]');
    this.said = document.getElementById(this.area.getAttribute('aria-errormessage'));
    Object.assign(this, { check, suggest, changed, wrong: null, shown: null, chosen: 0 });
    this.area.addEventListener('input', (event) => this.typed(event));
    this.area.addEventListener('keydown', (event) => this.key(event));
    this.area.addEventListener('blur', () => this.close());
    this.area.addEventListener('pointerdown', () => this.close());
    this.list.addEventListener('pointerdown', (event) => event.preventDefault()); // the caret stays
    this.list.addEventListener('click', ({ target }) => {
      const option = target.closest('[role=option]');
      if (option) this.take([...this.list.children].indexOf(option));
    });
  }

  get text() {
    return this.area.value;
  }

  set text(text) {
    this.close();
    this.area.value = text;
    this.judge();
  }

  // Says what is wrong, and returns it.
  judge() {
    clearTimeout(this.waiting);
    this.wrong = this.check(this.text);
    this.mark(this.wrong);
    return this.wrong;
  }

  // Puts the caret where something is wrong.
  goToMark() {
    this.area.focus();
    const { wrong } = this;
    if (wrong?.line) this.area.setSelectionRange(...this.span(wrong));
  }

  // Opens the suggestions at the caret, if there are any.
  open() {
    this.area.focus();
    this.show(this.suggest(this.text, this.area.selectionStart, true));
  }

  typed({ inputType, data }) {
    clearTimeout(this.waiting);
    this.wrong = this.check(this.text);
    this.shadow(null);
    if (this.wrong) this.waiting = setTimeout(() => this.mark(this.wrong), PATIENCE);
    else this.mark(null);
    this.changed();
    if (this.taking) return;
    const goesOn = inputType === 'insertText' ? /^["\w-]$/.test(data) : this.shown && /^delete/.test(inputType);
    const caret = this.area.selectionStart;
    const found = goesOn && caret === this.area.selectionEnd ? this.suggest(this.text, caret) : null;
    // Not between the parts of a text, where everything may stand.
    this.show(found && found.from < caret ? found : null);
  }

  key(event) {
    const { key, ctrlKey, isComposing } = event;
    if (isComposing) return;
    if (key === ' ' && ctrlKey) {
      this.open();
    } else if (!this.shown) {
      return;
    } else if (key === 'ArrowDown' || key === 'ArrowUp') {
      const count = this.shown.items.length;
      this.choose((this.chosen + (key === 'ArrowDown' ? 1 : count - 1)) % count);
    } else if (key === 'Enter' || key === 'Tab') {
      this.take(this.chosen);
    } else if (key === 'Escape') {
      this.close();
    } else {
      if (/^(Arrow|Home|End|Page)/.test(key)) this.close();
      return;
    }
    event.preventDefault();
  }

  show(found) {
    if (!found?.items.length) return this.close();
    this.shown = found;
    this.list.replaceChildren(...found.items.map((item, index) => option(item, `${this.list.id}-${index}`)));
    this.list.hidden = false;
    this.place(found.from);
    // A field of several lines is a combobox only as long as there is something to choose.
    this.area.setAttribute('role', 'combobox');
    this.area.setAttribute('aria-expanded', 'true');
    this.choose(0);
  }

  close() {
    if (!this.shown) return;
    this.shown = null;
    this.list.hidden = true;
    for (const name of ['role', 'aria-expanded', 'aria-activedescendant']) this.area.removeAttribute(name);
  }

  choose(index) {
    this.chosen = index;
    for (const [at, option] of [...this.list.children].entries()) option.setAttribute('aria-selected', at === index);
    const chosen = this.list.children[index];
    this.area.setAttribute('aria-activedescendant', chosen.id);
    chosen.scrollIntoView({ block: 'nearest' });
  }

  take(index) {
    const { from, to, items } = this.shown;
    const { insert, select: [start, end] } = items[index];
    this.close();
    this.area.focus();
    this.area.setSelectionRange(from, to);
    // What a person can undo, where a browser has it; it tells of itself by an event.
    this.taking = true;
    if (!document.execCommand('insertText', false, insert)) {
      this.area.setRangeText(insert, from, to, 'end');
      this.area.dispatchEvent(new Event('input'));
    }
    this.taking = false;
    const after = from + insert.length;
    this.area.setSelectionRange(after - start, after - end);
    if (start === end && start > 0) this.open(); // within quotes or brackets, with nothing there yet
  }

  // Below the beginning of what is replaced, within the box.
  place(offset) {
    const { left, top, width } = this.box.getBoundingClientRect();
    const caret = this.caret(offset);
    const room = width - this.list.offsetWidth;
    this.list.style.left = `${Math.max(0, Math.min(caret.left - left, room))}px`;
    this.list.style.top = `${caret.bottom - top + 4}px`;
  }

  // Where a character is on the screen: the shade has the same text in the same place.
  caret(offset) {
    const walk = document.createTreeWalker(this.shade, NodeFilter.SHOW_TEXT);
    let node = walk.nextNode();
    while (node && offset > node.length) {
      offset -= node.length;
      node = walk.nextNode();
    }
    const range = document.createRange();
    range.setStart(node, offset);
    return range.getClientRects()[0] ?? this.shade.getBoundingClientRect();
  }

  // Says what is wrong, or that nothing is any more.
  mark(wrong) {
    this.shadow(wrong);
    if (wrong) this.area.setAttribute('aria-invalid', 'true');
    else this.area.removeAttribute('aria-invalid');
    this.said.textContent = wrong?.message ?? '';
    this.said.hidden = !wrong;
  }

  // Puts the text below the field, with a mark where it is wrong.
  shadow(wrong) {
    const { text } = this;
    const [from, to] = wrong?.line ? this.span(wrong) : [text.length, text.length];
    const mark = document.createElement('mark');
    mark.textContent = text.slice(from, to);
    // The last character gives an empty last line its height.
    this.shade.replaceChildren(text.slice(0, from), mark, `${text.slice(to)}\u200b`);
  }

  // From where to where it is that is wrong: the word there, or what is nearest before it.
  span({ line, column }) {
    const { text } = this;
    let from = 0;
    for (let ends = 1; ends < line; ends += 1) from = text.indexOf('\n', from) + 1;
    const end = text.indexOf('\n', from);
    const row = [...text.slice(from, end < 0 ? text.length : end)];
    from += row.slice(0, Math.max(0, column - 1)).join('').length;
    const [word] = /^(?:"(?:[^"\\\n]|\\.)*"?|[^\s,:{}[\]"]+|[^\s])?/.exec(text.slice(from));
    if (word) return [from, from + word.length];
    const before = text.slice(0, from).trimEnd();
    return [Math.max(0, before.length - 1), before.length];
  }
}

function option({ label, detail, doc }, id) {
  const made = document.createElement('li');
  made.id = id;
  made.setAttribute('role', 'option');
  for (const [tag, text] of [['code', label], ['i', detail], ['span', doc]]) {
    if (!text) continue;
    const piece = document.createElement(tag);
    piece.textContent = text.replaceAll('`', '');
    made.append(piece, ' ');
  }
  return made;
}
