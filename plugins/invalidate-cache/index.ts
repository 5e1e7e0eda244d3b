// Deletes the pages that a post has made wrong from the cache that the application keeps them in.

import { type InstanceEvent, type Uuid, cache, postDelete, postSave } from "aksara";

interface Post {
  id: Uuid;
  author_id: Uuid;
}

const fields = { reads: ["id", "author_id"], writes: [] } satisfies { reads: (keyof Post)[]; writes: (keyof Post)[] };

function invalidate({ instance }: InstanceEvent<Post>) {
  cache.delete(`post:${instance.id}`);
  cache.delete("posts:all");
  cache.delete(`posts:author:${instance.author_id}`);
}

postSave<Post>("Post", invalidate, fields);
postDelete<Post>("Post", invalidate, fields);
