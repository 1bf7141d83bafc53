// The server's interface: JSON in, JSON out; errors as they are told.

const KEY = "kvrm-grammar key";

export class RequestError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function useKey(key) {
  sessionStorage.setItem(KEY, key);
}

export async function ask(path, body) {
  const headers = {};
  const key = sessionStorage.getItem(KEY);
  if (key) headers.authorization = `Bearer ${key}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new RequestError(0, "the server does not answer");
  }
  let found;
  try {
    found = await response.json();
  } catch {
    throw new RequestError(response.status, `the server answered ${response.status}, and no JSON`);
  }
  if (found.error) throw new RequestError(response.status, found.error.message);
  return found;
}
