// Choose images: drop them, browse for them, or take an example. They go to Python in pieces that any server lets pass.
const PIECE = 2 ** 20; // bytes

function render({ model, el }) {
  const status = make("p", { role: "status", className: "tp-status" });
  const input = make("input", { type: "file", multiple: true, accept: model.get("accept") });
  const limit = model.get("limit");
  const words = make("span");
  words.append(make("b", { textContent: "Drop images here" }), " or browse");
  const hint = make("small", { textContent: `${model.get("formats")}, up to ${limit / 1e6} MB each. They stay on this machine.` });
  const drop = make("label", { className: "tp-drop" });
  drop.append(words, hint, input);

  const examples = make("div", { className: "tp-examples" });
  examples.append(make("span", { textContent: "Or try one:" }));
  model.get("examples").forEach(({ name, content, answer }, index) => {
    const address = URL.createObjectURL(new Blob([content], { type: "image/jpeg" }));
    const button = make("button", { type: "button", title: name });
    const title = make("b", { textContent: name.replace(/\.\w+$/, "").replaceAll("_", " ") });
    button.append(make("img", { src: address, alt: `example ${name}` }), title, make("small", { textContent: answer }));
    button.addEventListener("click", () =>
      inTurn(() => {
        model.send({ example: index });
        status.textContent = `Chosen: ${name}`;
      }),
    );
    examples.append(button);
  });

  input.addEventListener("change", () => {
    choose(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("tp-over", kind === "dragenter" || kind === "dragover");
    });
  }
  drop.addEventListener("drop", (event) => choose(event.dataTransfer.files));

  // A choice made while the last one is still being sent waits: the files of both must not mix.
  let last = Promise.resolve();
  function inTurn(work) {
    last = last.then(work, work);
  }

  function choose(list) {
    const files = [...list]; // the list empties itself when its event is over
    inTurn(() => transfer(files));
  }

  async function transfer(files) {
    const chosen = [];
    const refused = [];
    for (const file of files) {
      if (file.size > limit) {
        refused.push(`${file.name} has ${Math.round(file.size / 1e6)} MB: files up to ${limit / 1e6} MB are read.`);
        continue;
      }
      try {
        await send(file);
        chosen.push(file.name);
      } catch {
        refused.push(`${file.name} cannot be read: a folder, or gone?`);
      }
    }
    model.send({ done: true });
    status.textContent = [chosen.length ? `Chosen: ${chosen.join(", ")}` : "Nothing chosen.", ...refused].join(" ");
  }

  async function send(file) {
    const content = await file.arrayBuffer();
    for (let start = 0; start === 0 || start < content.byteLength; start += PIECE) {
      const piece = content.slice(start, start + PIECE);
      model.send({ name: file.name, last: start + PIECE >= content.byteLength }, undefined, [piece]);
    }
  }

  el.append(drop, examples, status);
}

function make(tag, properties = {}) {
  const { role, ...others } = properties;
  const element = Object.assign(document.createElement(tag), others);
  if (role) element.setAttribute("role", role);
  return element;
}

export default { render };
