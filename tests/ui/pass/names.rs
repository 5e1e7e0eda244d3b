//! Two models with one name are told apart when a database is opened: the compiler cannot see both.

use aksara::prelude::*;

mod blog {
    #[derive(aksara::Model, Clone)]
    pub struct Post {
        id: i64,
    }
}

mod forum {
    #[derive(aksara::Model, Clone)]
    #[model(label = "forum.Post", table = "post")]
    pub struct Post {
        id: i64,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let _ = (blog::Post::meta(), forum::Post::meta());
    let error = Db::connect("sqlite::memory:").await.unwrap_err().to_string();
    let mut both = ["Post", "forum.Post"].map(|label| error.find(&format!("`{label}`")));
    both.sort();
    assert!(both[0].is_some() && error.contains("have the same table `post`"), "{error}");
}
