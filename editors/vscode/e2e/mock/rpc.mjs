// JSON-RPC over stdio, as the language server protocol frames it.
let buffer = Buffer.alloc(0);
let next = 1;
const waiting = new Map();

function send(message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
  process.stdout.write(`Content-Length: ${body.length}\r\n\r\n`);
  process.stdout.write(body);
}

export const notify = (method, params) => send({ method, params });

export function request(method, params) {
  const id = `s${next++}`;
  send({ id, method, params });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

/** Starts reading; `requests` answer, `notifications` do not. */
export function serve(requests, notifications) {
  const take = async (message) => {
    if (message.method === undefined) {
      const { resolve, reject } = waiting.get(message.id) ?? {};
      waiting.delete(message.id);
      return message.error ? reject?.(new Error(message.error.message)) : resolve?.(message.result);
    }
    if (message.id === undefined) return notifications[message.method]?.(message.params);
    const handler = requests[message.method];
    if (!handler) return send({ id: message.id, error: { code: -32601, message: `unknown method ${message.method}` } });
    try {
      send({ id: message.id, result: (await handler(message.params)) ?? null });
    } catch (error) {
      send({ id: message.id, error: { code: -32603, message: error.message } });
    }
  };
  process.stdin.on("data", (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (;;) {
      const head = buffer.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = Number(/content-length: *(\d+)/i.exec(buffer.toString("ascii", 0, head))[1]);
      if (buffer.length < head + 4 + length) return;
      const body = buffer.toString("utf8", head + 4, head + 4 + length);
      buffer = buffer.subarray(head + 4 + length);
      void take(JSON.parse(body));
    }
  });
  process.stdin.on("end", () => process.exit(0));
}
