// The commands that ask the host.

import { F, RequestError, bucket, config, models, service } from "aksara";
import { documentOf } from "./document.js";

const notes = models("Note");

export async function ask(it) {
  const { command, integer, text } = it;
  switch (command) {
    case "get":
      it.text_out = notes.get(integer)?.title ?? "none";
      break;
    case "find": {
      const found = notes.filter(F("stars").ge(integer)).orderBy("-stars").limit(2).all();
      it.text_out = found.map(({ title }) => title).join(",");
      break;
    }
    case "count":
      it.integer_out = notes.filter(F("stars").ge(integer), F("title").startsWith(text)).count();
      break;
    case "create":
      it.integer_out = notes.create({ title: text, stars: 1 }).id;
      break;
    case "update":
      it.integer_out = notes.update(integer, { title: text });
      break;
    case "increment":
      notes.get(integer);
      it.integer_out = notes.update(integer, { stars: F("stars").add(1) });
      break;
    case "bump":
      it.integer_out = notes.filter(F("stars").lt(integer)).update({ stars: F("stars").add(1) });
      break;
    case "delete":
      it.integer_out = notes.delete(integer);
      break;
    case "taken":
      try {
        notes.create({ id: integer });
      } catch (error) {
        const { kind, model, fields } = error.violation;
        it.text_out = `${kind} ${model} ${fields}`;
      }
      break;
    case "denied":
      try {
        models("Secret").get(1);
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        it.text_out = error.message;
      }
      break;
    case "service":
      it.text_out = await service("conform.reverse", text);
      break;
    case "keep":
      it.text_out = service("conform.keep", documentOf(it));
      break;
    case "config":
      it.text_out = config("greeting") ?? "none";
      break;
    case "cache": {
      const cache = bucket("conform");
      cache.set("key", text);
      it.text_out = cache.getText("key");
      cache.delete("key");
      it.boolean_out = cache.exists("key");
      break;
    }
  }
}
