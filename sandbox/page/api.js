// The control API of the sandbox: plain JSON calls, and the stream of events.

async function call(method, path, body) {
  const response = await fetch(`/_sandbox/${path}`, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || answer.description || `HTTP ${response.status}`);
  return answer;
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);

const KINDS = ["message", "edit", "delete", "draft", "draft_end", "action", "callback_answer", "commands", "chat", "pin", "reaction", "ephemeral", "ephemeral_end"];

/**
 * Listen for ever. `onEvent(kind, data)` gets each event, `onOpen()` runs after every (re)connection and
 * `onLost()` when the connection is gone. EventSource itself comes back with Last-Event-ID after a cut; it gives
 * up for good after an answer that is no stream, and then we start a new one.
 */
export function listen({ onEvent, onOpen, onLost }) {
  const source = new EventSource("/_sandbox/events");
  source.onopen = onOpen;
  source.onerror = () => {
    onLost();
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(() => listen({ onEvent, onOpen, onLost }), 2000);
  };
  for (const kind of KINDS) source.addEventListener(kind, (event) => onEvent(kind, JSON.parse(event.data)));
}

/** A chosen file as the control API takes it: {name, mime, base64}. */
export function encodeFile(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error);
    reader.onload = () =>
      resolve({ name: file.name, mime: file.type || "application/octet-stream", base64: reader.result.split(",", 2)[1] ?? "" });
    reader.readAsDataURL(file);
  });
}
